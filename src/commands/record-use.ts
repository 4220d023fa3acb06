import { join } from 'node:path';
import { sha256Hex } from '../base/bytes.ts';
import { type BreakglassError, isBreakglassError } from '../base/errors.ts';
import { openUseLog } from '../guard/use-log/use-log.ts';
import { makePrivateDirectory } from '../machine/files.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { identifyToken } from '../token/verify.ts';
import type { Trust } from '../trust/trust-file.ts';
import { printableField } from '../use/use-line.ts';
import type { Use, UsedToken } from '../use/use-record.ts';
import { usedToken } from '../use/used-token.ts';
import type { CommandIo } from './io.ts';

export interface UseLogFlags {
  readonly path: string;
  readonly keyFile: string | undefined;
  readonly audience: string;
  readonly state: string | undefined;
}

export interface JudgedByHand {
  readonly token: string;
  readonly trust: Trust;
  /** Undefined: it was allowed. */
  readonly refusal: BreakglassError | undefined;
}

/** Records a verdict that a person acts on, as a guard does. Throws what `openUseLog` throws, or `USE_LOG_FAILED`. */
export async function recordUse(flags: UseLogFlags, judged: JudgedByHand, io: CommandIo): Promise<void> {
  const stateDir = flags.state ?? defaultStateDir(io.env);
  if (flags.keyFile === undefined) makePrivateDirectory(stateDir);
  const log = await openUseLog({
    path: flags.path,
    name: 'manual',
    trustId: judged.trust.id,
    // One log may hold what a commander judged for several services: the route says for which.
    audience: null,
    keyFile: flags.keyFile ?? join(stateDir, 'use-log.key'),
    clock: io.clock,
  });
  try {
    await log.record(useOf(flags.audience, judged, io));
    io.note(`recorded in ${flags.path}, record ${log.state().head?.seq}`);
  } finally {
    await log.close();
  }
}

function useOf(audience: string, { token, trust, refusal }: JudgedByHand, io: CommandIo): Use {
  return {
    atMs: io.clock.now() * 1000,
    outcome: refusal ? 'denied' : 'allowed',
    code: refusal?.code ?? null,
    token: provedToken(token, trust),
    tokenSha256: token === '' ? null : sha256Hex(token),
    proof: null,
    session: null,
    method: 'MANUAL',
    route: printableField(audience),
    scope: null,
    action: null,
    client: null,
  };
}

function provedToken(token: string, trust: Trust): UsedToken | null {
  try {
    const { claims, kid } = identifyToken(token, trust);
    return usedToken(claims, kid);
  } catch (error) {
    if (isBreakglassError(error)) return null;
    throw error;
  }
}
