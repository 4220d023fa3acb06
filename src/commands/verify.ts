import type { Command } from 'commander';
import { BreakglassError, errorExits, isBreakglassError, systemErrorCode } from '../base/errors.ts';
import { parseTime, type Seconds } from '../base/time.ts';
import type { RevocationList } from '../revocation/list.ts';
import type { VerifyOptions } from '../token/verify.ts';
import type { Trust } from '../trust/trust-file.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrust } from './trust.ts';

interface Options {
  readonly trust?: string;
  readonly state?: string;
  readonly audience?: string;
  readonly revocations: string | boolean;
  readonly withoutRevocations?: true;
  readonly drill?: true;
  readonly at?: string;
  readonly json?: true;
}

export function registerVerify(program: Command, io: CommandIo): void {
  program
    .command('verify')
    .argument('<token>', 'the token, a file that holds it, or - for standard input')
    .option('--trust <file>', 'trust file; without it, the pinned one')
    .option('--audience <audience>', 'the service that judges; without it the token is shown, not judged')
    .option('--revocations <file>', 'the revocation list to judge by')
    .option('--without-revocations', 'judge without a revocation list')
    .option('--drill', 'accept a drill token, and only that')
    .option('--at <time>', 'judge as of this time, like 2026-01-31T23:59:59Z')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('judge a token strictly and say what it opens')
    .action((token: string, options: Options) => verify(token, options, io));
}

async function verify(argument: string, options: Options, io: CommandIo): Promise<void> {
  const { readToken, verifyToken } = await import('../token/verify.ts');
  const now = judgedAt(options.at, io);
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
  const { describeToken, tokenJson } = await import('../report/token.ts');
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

function judgedAt(at: string | undefined, io: CommandIo): Seconds {
  if (at === undefined) return io.clock.now();
  const seconds = parseTime(at);
  if (seconds !== undefined) return seconds;
  throw new BreakglassError('BAD_INPUT', '--at is not a time', {
    hint: 'write it like 2026-01-31T23:59:59Z, in UTC. Nothing was judged.',
  });
}

/** The token of the command line, of a file or of standard input; a line end after it is not part of it. */
async function tokenFrom(argument: string): Promise<string> {
  const { existsSync } = await import('node:fs');
  const { readInput } = await import('../machine/files.ts');
  if (argument !== '-' && !existsSync(argument)) return argument;
  const bytes = readInput(argument, { what: 'the token', maxBytes: 8 * 1024 * 1024 });
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/\r?\n$/, '');
}

async function loadRevocations(trust: Trust, options: Options, io: CommandIo): Promise<VerifyOptions['revocations']> {
  if (options.withoutRevocations) return { state: 'not-checked' };
  if (typeof options.revocations !== 'string') return { state: 'missing' };
  const { readRevocations } = await import('../revocation/list.ts');
  const source = await readSource(options.revocations);
  const list = readRevocations(source, trust);
  for (const alarm of list.alarms)
    io.note(`breakglass: alarm: line ${alarm.line} of ${options.revocations}: ${alarm.message}`);
  return { state: 'checked', list: await remember(trust, list, options, io) };
}

async function readSource(file: string): Promise<Uint8Array> {
  const { readInput } = await import('../machine/files.ts');
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
async function remember(trust: Trust, list: RevocationList, options: Options, io: CommandIo): Promise<RevocationList> {
  const { addSeen, readSeen } = await import('../machine/pin.ts');
  const { defaultStateDir } = await import('../machine/state-dir.ts');
  const { readRevocations } = await import('../revocation/list.ts');
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
