import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { describeDuration, formatTime, type Seconds } from '../base/time.ts';
import type { Claims } from './claims.ts';
import { readToken } from './read.ts';

/** One token of a bundle. Nothing in it is proved: its signature was not checked. */
export interface StripToken {
  readonly token: string;
  readonly claims: Claims;
}

/** The tokens of a bundle, by sequence, and what the time makes of them. */
export interface Strip {
  readonly tokens: readonly StripToken[];
  /** The token that is valid at `now`; where two are, the later one. Throws `STRIP_NOT_BEGUN` or `STRIP_OVER`. */
  current(now: Seconds): StripToken;
  /** The token that takes over from this one, or undefined behind the last. */
  after(token: StripToken): StripToken | undefined;
}

/**
 * Opens a bundle: one token a line, all of one family (docs/format.md §8). Throws `TOKEN_EMPTY`, what `readToken` throws, naming the
 * line, or `BAD_INPUT` for tokens of two families.
 */
export function openStrip(bundle: Uint8Array): Strip {
  const tokens = linesOf(bundle)
    .map(openLine)
    .sort((a, b) => sequenceOf(a) - sequenceOf(b));
  const [first] = tokens;
  if (!first) throw empty();
  if (tokens.some(({ claims }) => familyOf(claims) !== familyOf(first.claims))) throw twoFamilies();
  return {
    tokens,
    current: (now) => {
      const current = tokens.findLast(({ claims }) => claims.nbf <= now && now < claims.exp);
      if (current) return current;
      const next = tokens.find(({ claims }) => claims.nbf > now);
      throw next ? notBegun(next, now) : over(tokens);
    },
    after: (token) => tokens.find((candidate) => sequenceOf(candidate) > sequenceOf(token)),
  };
}

// A token is ASCII; whatever else the bytes are, its strict reader refuses it.
function linesOf(bundle: Uint8Array): string[] {
  const text = Buffer.from(bundle.buffer, bundle.byteOffset, bundle.byteLength).toString('latin1');
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function openLine(token: string, position: number): StripToken {
  try {
    return { token, claims: readToken(token).claims };
  } catch (cause) {
    if (!isBreakglassError(cause)) throw cause;
    throw new BreakglassError(cause.code, `line ${position + 1} of the bundle: ${cause.message}`, {
      hint: cause.hint,
      cause,
    });
  }
}

function sequenceOf({ claims }: StripToken): number {
  return claims.breakglass.sequence;
}

function familyOf({ breakglass }: Claims): string {
  return breakglass.family;
}

function notBegun({ claims }: StripToken, now: Seconds): BreakglassError {
  return new BreakglassError(
    'STRIP_NOT_BEGUN',
    `no token of the strip is valid yet: token ${claims.breakglass.sequence} begins at ${formatTime(claims.nbf)}, in ${describeDuration(claims.nbf - now)}`,
    { hint: 'wait until then, and compare the clock with a watch. No token was printed.' },
  );
}

function over(tokens: readonly StripToken[]): BreakglassError {
  const end = Math.max(...tokens.map(({ claims }) => claims.exp));
  return new BreakglassError('STRIP_OVER', `the strip is over: its last token ended at ${formatTime(end)}`, {
    hint: 'a quorum goes on with it: breakglass mint --renews last. No token was printed.',
  });
}

function empty(): BreakglassError {
  return new BreakglassError('TOKEN_EMPTY', 'the bundle holds no token', {
    hint: 'give the file that mint --out wrote. No token was printed.',
  });
}

function twoFamilies(): BreakglassError {
  return new BreakglassError('BAD_INPUT', 'the bundle holds tokens of two families', {
    hint: 'give one bundle at a time; renewals of one family may stand in one file. No token was printed.',
  });
}
