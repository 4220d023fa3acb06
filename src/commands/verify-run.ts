import { BreakglassError, errorExits, isBreakglassError, systemErrorCode } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import { readInput } from '../machine/files.ts';
import { addSeen, readSeen } from '../machine/pin.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { describeToken, tokenJson } from '../report/token.ts';
import { formatLines, lostLines, type RevocationList, readRevocations } from '../revocation/list.ts';
import { openStrip } from '../token/strip.ts';
import type { VerifyOptions } from '../token/verify.ts';
import { readToken, verifyToken } from '../token/verify.ts';
import type { Trust } from '../trust/trust-file.ts';
import { timeFlag } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrust } from './load-trust.ts';
import type { UseLogFlags } from './record-use.ts';
import { tokenFrom } from './token-argument.ts';
import type { VerifyFlags } from './verify.ts';

/** `verify`: a token in, what it opens or why not out. */
export async function runVerify(argument: string, options: VerifyFlags, io: CommandIo): Promise<void> {
  const recorded = options.recordUse === undefined ? undefined : useLogFlags(options);
  const now = options.at === undefined ? io.clock.now() : timeFlag('--at', options.at);
  const trust = await loadTrust(options.trust, options.state, io);
  const token = oneToken(tokenFrom(argument), now, io);
  const revocations = await loadRevocations(trust, options, io);
  const judgement = judge(() =>
    verifyToken(token, {
      trust,
      now,
      audience: options.audience ?? null,
      mode: options.drill ? 'drill' : 'production',
      revocations,
    }),
  );
  const read = judge(() => readToken(token)).value;
  const shown = judgement.value?.claims ?? read?.claims;
  const refusal = judgement.refusal ?? (options.audience === undefined ? notJudged() : undefined);
  if (refusal) io.exit(errorExits[refusal.code]);
  if (recorded) await (await import('./record-use.ts')).recordUse(recorded, { token, trust, refusal }, io);
  const denied = refusal?.code === 'TOKEN_REVOKED' && revocations.state === 'checked' ? revocations.list : undefined;
  const denial = read && denied?.denials.find({ claims: read.claims, kid: read.header.kid });
  const report = {
    verified: judgement.value,
    refusal,
    claims: shown,
    now,
    revocations: revocations.state,
    denial,
    trust,
  };
  if (options.json) return productJson(io, tokenJson(report));
  io.product(describeToken(report));
  if (refusal) io.note(`hint: ${refusal.hint}`);
}

/** Of the bundle of a strip the token of that moment, or the one nearest to it; any other text as it is, for the strict reader. */
function oneToken(text: string, now: Seconds, io: CommandIo): string {
  if (!text.includes('\n')) return text;
  const strip = judge(() => openStrip(Buffer.from(text, 'latin1'))).value;
  const [first] = strip?.tokens ?? [];
  if (!strip || !first) return text;
  const one = strip.tokens.findLast(({ claims }) => claims.nbf <= now) ?? first;
  io.note(`This is a bundle of ${strip.tokens.length} tokens: token ${one.claims.breakglass.sequence} is judged.`);
  return one.token;
}

/** What `--record-use` needs, before anything is judged. */
function useLogFlags({ recordUse, useKey, audience, at, state }: VerifyFlags): UseLogFlags {
  if (recordUse === undefined || audience === undefined || at !== undefined)
    throw new BreakglassError(
      'USAGE',
      audience === undefined
        ? '--record-use records a verdict, and without --audience there is none'
        : '--record-use records what happens now, and --at judges another time',
      { hint: 'give --audience and leave --at out. Nothing was judged or recorded.' },
    );
  return { path: recordUse, keyFile: useKey, audience, state };
}

function judge<T>(step: () => T): { readonly value: T | undefined; readonly refusal: BreakglassError | undefined } {
  try {
    return { value: step(), refusal: undefined };
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    return { value: undefined, refusal: error };
  }
}

function notJudged(): BreakglassError {
  return new BreakglassError('NOT_JUDGED', 'shown, not judged: no audience was given', {
    hint: 'give --audience with the address of the service that would accept it.',
  });
}

async function loadRevocations(
  trust: Trust,
  options: VerifyFlags,
  io: CommandIo,
): Promise<VerifyOptions['revocations']> {
  if (options.withoutRevocations) return { state: 'not-checked' };
  if (typeof options.revocations !== 'string') return { state: 'missing' };
  const source = await readSource(options.revocations);
  const list = readRevocations(source, trust);
  for (const alarm of list.alarms)
    io.note(`breakglass: alarm: line ${alarm.line} of ${options.revocations}: ${alarm.message}`);
  return { state: 'checked', list: await remember(trust, list, options, io) };
}

async function readSource(file: string): Promise<Uint8Array> {
  try {
    return readInput(file, { what: 'the revocation list', maxBytes: 1024 * 1024 * 1024 });
  } catch (cause) {
    if (!isBreakglassError(cause) || systemErrorCode(cause.cause) !== 'ENOENT') throw cause;
    throw new BreakglassError('REVOCATIONS_MISSING', `the revocation list ${file} is not there`, {
      hint: 'get it from where services read it, or judge without it: --without-revocations. Nothing was judged.',
      cause,
    });
  }
}

/** A denial that was accepted once is never forgotten, even if the source loses it (docs/format.md §10). */
async function remember(
  trust: Trust,
  list: RevocationList,
  options: VerifyFlags,
  io: CommandIo,
): Promise<RevocationList> {
  const stateDir = options.state ?? defaultStateDir(io.env);
  const known = readRevocations(readSeen(stateDir, trust.id), trust);
  const lost = lostLines(list, known);
  if (lost.length > 0)
    io.note(
      `breakglass: alarm: the list has lost ${lost.length} statements that were accepted before; their denials stay`,
    );
  const union = addSeen(stateDir, trust.id, formatLines(list.lines));
  return lost.length === 0 ? list : readRevocations(union, trust);
}
