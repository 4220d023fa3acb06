import { BreakglassError } from '../base/errors.ts';
import { isFreeText, showable } from '../base/text.ts';
import { parseTime, type Seconds } from '../base/time.ts';
import { closedReason, parseSelector, type Selector } from '../revocation/denial.ts';
import type { DenyKind } from '../revocation/statement.ts';
import type { IssuedToken } from '../token/issued.ts';
import { identifyToken } from '../token/verify.ts';
import type { Trust } from '../trust/trust-file.ts';
import { identifierFlag, ofToken } from './flags.ts';
import type { RevokeFlags } from './revoke.ts';
import type { SelectorFlags } from './selector-flags.ts';
import { tokensFrom } from './token-argument.ts';

/** The tokens of `--token`, proved to be of this trust. Throws the codes of `identifyToken`. */
export function givenTokens(flags: RevokeFlags, trust: Trust): IssuedToken[] {
  return (flags.token ?? []).flatMap(tokensFrom).map((token) => identifyToken(token, trust));
}

/** What the flags say is to be denied. Throws `BAD_INPUT` naming the flag. */
export function selectorsOf(flags: SelectorFlags, given: readonly IssuedToken[]): Selector[] {
  const families = flags.family ?? [];
  if (families.includes(ofToken) && given.length === 0) {
    throw new BreakglassError('USAGE', '--family without an id goes with --token FILE', {
      hint: 'give the token too, or the id of the family. Nothing was denied.',
    });
  }
  const ofGiven = families.includes(ofToken) ? given.map(({ claims }) => claims.breakglass.family) : [];
  const identifiers = (flag: string, values: readonly string[] = []) =>
    values.map((value) => identifierFlag(flag, value));
  return [
    ...(flags.all ? selectors('--all', 'all', [null]) : []),
    ...selectors('--epoch', 'epoch', flags.epoch),
    ...selectors('--kid', 'kid', flags.kid),
    ...selectors(
      '--token',
      'jti',
      given.map(({ claims }) => claims.jti),
    ),
    ...selectors('--jti', 'jti', flags.jti),
    ...selectors('--family', 'family', [...families.filter((family) => family !== ofToken), ...ofGiven]),
    ...selectors('--incident', 'incident', identifiers('--incident', flags.incident)),
    ...selectors('--subject', 'subject', identifiers('--subject', flags.subject)),
    ...selectors('--role', 'role', identifiers('--role', flags.role)),
    ...selectors('--audience', 'audience', flags.audience),
  ];
}

/** `--before`. Throws `BAD_INPUT`. */
export function beforeOf({ before }: RevokeFlags): Seconds | 'now' | null {
  if (before === undefined || before === 'now') return before ?? null;
  const seconds = parseTime(before);
  if (seconds !== undefined) return seconds;
  throw bad('--before', before, 'write now, or a time in UTC like 2026-01-31T23:59:59Z');
}

/** The reason of every entry; `closed: …` with `--closed`. Throws `BAD_INPUT`. */
export function reasonOf({ reason, closed }: RevokeFlags): string {
  const text = reason ?? (closed ? 'the incident is over' : 'no reason was given');
  const whole = closed ? closedReason(text) : text;
  if (text.trim() !== '' && isFreeText(whole)) return whole;
  throw bad('--reason', text, 'use visible text of at most 1,000 characters');
}

const laws: Readonly<Record<DenyKind, string>> = {
  all: 'it takes no value',
  epoch: 'use a whole number from 1',
  kid: 'use the thumbprint of the key, 43 characters, as breakglass trust show prints it',
  jti: 'use the 22 characters of the id, as breakglass verify prints them',
  family: 'use the 22 characters of the id, as breakglass verify prints them',
  incident: 'use an identifier',
  subject: 'use an identifier',
  role: 'use an identifier',
  audience: 'use the address of the service, without spaces',
};

function selectors(flag: string, kind: DenyKind, values: readonly (string | null)[] = []): Selector[] {
  return values.map((value) => {
    const selector = parseSelector(kind, value);
    if (selector) return selector;
    throw bad(flag, value ?? '', laws[kind]);
  });
}

function bad(flag: string, value: string, law: string): BreakglassError {
  return new BreakglassError('BAD_INPUT', `${flag} ${showable(value)} is not understood`, {
    hint: `${law}. Nothing was denied.`,
  });
}
