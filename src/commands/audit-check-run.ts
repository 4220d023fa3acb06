import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import type { SeenToken } from '../ceremony/audit-check.ts';
import { auditCheck as checkTrail } from '../ceremony/audit-check.ts';
import { readInput } from '../machine/files.ts';
import { auditJson, describeAudit } from '../report/audit.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { AuditCheckFlags } from './audit-check.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrust } from './load-trust.ts';
import { graverExit, usesOptions } from './uses-options.ts';

/** `audit-check`: copies and what the auditor brings in, a verdict out. */
export async function runAuditCheck(paths: readonly string[], options: AuditCheckFlags, io: CommandIo): Promise<void> {
  const report = await checkTrail({
    paths,
    trust: await believedTrust(options.trust, io),
    head: options.head,
    state: await stateOption(options),
    seen: await readSeen(options.seen ?? []),
    now: io.clock.now(),
    ...usesOptions(options),
  });
  io.exit(graverExit(report.verdict, report.uses?.verdict ?? null));
  if (options.json) return productJson(io, auditJson(report));
  io.product(describeAudit(report));
}

/** The trust file that the auditor names or has pinned; undefined when there is neither. */
export async function believedTrust(trust: string | undefined, io: CommandIo): Promise<Trust | undefined> {
  try {
    return await loadTrust(trust, undefined, io);
  } catch (error) {
    if (trust === undefined && isBreakglassError(error, 'TRUST_MISSING')) return undefined;
    throw error;
  }
}

async function stateOption({ state, newState }: AuditCheckFlags) {
  if (state !== undefined) return { path: state, mode: newState ? ('new' as const) : ('update' as const) };
  if (!newState) return undefined;
  throw new BreakglassError('USAGE', '--new-state goes with --state FILE', {
    hint: 'say where the state file is to be. Nothing was judged.',
  });
}

async function readSeen(files: readonly string[]): Promise<SeenToken[]> {
  return files.flatMap((file) => {
    const bytes = readInput(file, { what: 'the file of seen tokens', maxBytes: 16 * 1024 * 1024 });
    const lines = Buffer.from(bytes).toString('latin1').split(/\r?\n/);
    return lines.flatMap((token, index) =>
      token === '' ? [] : [{ what: `the token in line ${index + 1} of ${file}`, token }],
    );
  });
}
