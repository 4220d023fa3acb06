import { existsSync } from 'node:fs';
import { BreakglassError, errorExits, isBreakglassError, systemErrorCode } from '../base/errors.ts';
import { readInput } from '../machine/files.ts';
import { addSeen, readSeen } from '../machine/pin.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { describeToken, tokenJson } from '../report/token.ts';
import type { RevocationList } from '../revocation/list.ts';
import { readRevocations } from '../revocation/list.ts';
import type { VerifyOptions } from '../token/verify.ts';
import { readToken, verifyToken } from '../token/verify.ts';
import type { Trust } from '../trust/trust-file.ts';
import { timeFlag } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrust } from './load-trust.ts';
import type { VerifyFlags } from './verify.ts';

/** `verify`: a token in, what it opens or why not out. */
export async function runVerify(argument: string, options: VerifyFlags, io: CommandIo): Promise<void> {
  const now = options.at === undefined ? io.clock.now() : timeFlag('--at', options.at);
  const trust = await loadTrust(options.trust, options.state, io);
  const token = await tokenFrom(argument);
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
  const shown = judgement.value?.claims ?? judge(() => readToken(token)).value?.claims;
  const refusal = judgement.refusal ?? (options.audience === undefined ? notJudged() : undefined);
  if (refusal) io.exit(errorExits[refusal.code]);
  const report = { verified: judgement.value, refusal, claims: shown, now, revocations: revocations.state, trust };
  if (options.json) return productJson(io, tokenJson(report));
  io.product(describeToken(report));
  if (refusal) io.note(`hint: ${refusal.hint}`);
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

/** The token of the command line, of a file or of standard input; a line end after it is not part of it. */
async function tokenFrom(argument: string): Promise<string> {
  if (argument !== '-' && !existsSync(argument) && !looksLikePath(argument)) return argument;
  const bytes = readInput(argument, { what: 'the token', maxBytes: 8 * 1024 * 1024 });
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/\r?\n$/, '');
}

// No token has a slash, and none ends like a file: for a mistyped path the file is what is missing.
function looksLikePath(argument: string): boolean {
  return argument.includes('/') || /^[^.]+\.(?:jwt|jws|token|txt|age)$/.test(argument);
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
  const lines = (bytes: Uint8Array) => readRevocations(bytes, trust).lines;
  const known = readSeen(stateDir, trust.id);
  const lost = lines(known).filter((line) => !list.lines.includes(line));
  if (lost.length > 0)
    io.note(
      `breakglass: alarm: the list has lost ${lost.length} statements that were accepted before; their denials stay`,
    );
  const union = addSeen(stateDir, trust.id, Buffer.from(list.lines.map((line) => `${line}\n`).join('')));
  return readRevocations(union, trust);
}
