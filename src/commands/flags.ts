import { BreakglassError } from '../base/errors.ts';
import { showable, toIdentifier } from '../base/text.ts';
import { parseDuration, parseTime, type Seconds } from '../base/time.ts';

/** Collects a flag that may be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** What `--family` without a value means. No family is spelled like this. */
export const ofToken = 'of-token';

/** A label, role, incident …: lower-cased. Throws `BAD_INPUT` naming the flag. */
export function identifierFlag(flag: string, value: string): string {
  const identifier = toIdentifier(value);
  if (identifier !== undefined) return identifier;
  throw badFlag(flag, value, 'use 1 to 64 of a-z 0-9 . _ : @ / - and begin with a letter or digit');
}

/** A duration like `15m`, in seconds. */
export function durationFlag(flag: string, value: string): Seconds {
  const seconds = parseDuration(value);
  if (seconds !== undefined) return seconds;
  throw badFlag(flag, value, 'use a number and s, m, h or d: 15m');
}

export function integerFlag(flag: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw badFlag(flag, value, 'use a whole number');
}

/** `NAME=VALUE` as a pair. */
export function pairFlag(flag: string, value: string): readonly [string, string] {
  const at = value.indexOf('=');
  if (at > 0 && at < value.length - 1) return [value.slice(0, at), value.slice(at + 1)];
  throw badFlag(flag, value, 'write it as NAME=VALUE');
}

/** Throws `NO_TERMINAL` naming every flag that is missing, all at once. */
export function requireFlags(command: string, flags: Readonly<Record<string, unknown>>): void {
  const missing = Object.entries(flags).filter(
    ([, value]) => value === undefined || (Array.isArray(value) && value.length === 0),
  );
  if (missing.length === 0) return;
  const names = missing.map(([flag]) => flag).join(', ');
  throw new BreakglassError('NO_TERMINAL', `there is no terminal to ask at, and ${command} was not given: ${names}`, {
    hint: 'give these flags, or run it in a terminal. Nothing was done.',
    details: missing.map(([flag]) => ({ name: flag, message: `${flag} is missing` })),
  });
}

/** One of a few words. */
export function oneOfFlag<T extends string>(flag: string, value: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw new BreakglassError('BAD_INPUT', `${flag} must be ${choices.join(' or ')}`, {
    hint: 'mend the flag. Nothing was done.',
  });
}

/** A time like `2026-01-31T23:59:59Z`, in seconds. */
export function timeFlag(flag: string, value: string): Seconds {
  const seconds = parseTime(value);
  if (seconds !== undefined) return seconds;
  throw badFlag(flag, value, 'write it like 2026-01-31T23:59:59Z, in UTC');
}

function badFlag(flag: string, value: string, law: string): BreakglassError {
  return new BreakglassError('BAD_INPUT', `${flag} ${showable(value)} is not understood`, {
    hint: `${law}. Nothing was done.`,
  });
}
