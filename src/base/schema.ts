import * as v from 'valibot';
import { isFreeText, isIdentifier, isPrintable } from './text.ts';
import { parseDuration, parseTime } from './time.ts';

/** A shape that a value from outside must have; `Shape<typeof s>` is its type. */
export type Schema<T> = v.GenericSchema<unknown, T>;
export type Shape<S extends v.GenericSchema> = v.InferOutput<S>;

/** An object of exactly these members. Its output has them in canonical order, which spares the canonical check a sort. */
export const object = <const E extends v.ObjectEntries>(members: E) => v.strictObject(inCanonicalOrder(members));
export const optional = v.exactOptional;
export const array = v.array;
export const map = v.record;
export const nullable = v.nullable;
export const literal = v.literal;
export const oneOf = v.picklist;
export const union = v.union;
export const variant = v.variant;
export const boolean = v.boolean();
export const nullValue = v.null();

const stringThat = (is: (text: string) => boolean, what: string) => v.pipe(v.string(), v.check(is, what));

export const integer = v.pipe(
  v.number(),
  v.check((n) => Number.isSafeInteger(n) && n >= 0, 'an integer from 0 to 2^53-1'),
);
export const integerBetween = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isSafeInteger(n) && n >= least && n <= most, `an integer from ${least} to ${most}`),
  );
/** NumericDate (RFC 7519 §2) up to the end of the year 9999, the last time that can be written as YYYY-MM-DDTHH:MM:SSZ. */
export const numericDate = integerBetween(0, 253_402_300_799);
export const arrayBetween = <S extends v.GenericSchema>(item: S, least: number, most: number) =>
  v.pipe(v.array(item), v.minLength(least), v.maxLength(most));
export const identifier = stringThat(isIdentifier, 'an identifier');
export const printable = stringThat(isPrintable, 'printable ASCII without spaces');
export const freeText = stringThat(isFreeText, 'visible text of 1 to 1,024 characters');
export const time = stringThat((text) => parseTime(text) !== undefined, 'a time like 2026-01-31T23:59:59Z');
export const duration = stringThat((text) => parseDuration(text) !== undefined, 'a duration like 15m');
export const sha256Digest = stringThat((text) => /^[0-9a-f]{64}$/.test(text), '64 lower-case hex digits');
export const setIdentifier = stringThat((text) => /^[0-9a-f]{5}$/.test(text), '5 lower-case hex digits');
/** 128 random bits in base64url: 22 characters, the last of which holds four zero bits. */
export const randomId = stringThat((text) => /^[A-Za-z0-9_-]{21}[AQgw]$/.test(text), '128 bits in base64url');
/** 256 bits in base64url: 43 characters, the last of which holds two zero bits. */
export const thumbprint = stringThat(
  (text) => /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(text),
  '256 bits in base64url',
);
/** A path of a file system, as a string without NUL. */
export const filePath = stringThat((text) => /^[^\0]{1,4096}$/.test(text), 'a path');
export const ageRecipient = stringThat((text) => /^age1[02-9ac-hj-np-z]{58,2048}$/.test(text), 'an age recipient');
export const compactJws = stringThat(
  (text) => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text) && text.length <= 16_384,
  'a compact JWS',
);
export const ed25519Jwk = v.strictObject({ crv: v.literal('Ed25519'), kty: v.literal('OKP'), x: thumbprint });
export const p256Jwk = v.strictObject({ crv: v.literal('P-256'), kty: v.literal('EC'), x: thumbprint, y: thumbprint });
export const publicJwk = v.variant('kty', [ed25519Jwk, p256Jwk]);

export type Ed25519Jwk = Shape<typeof ed25519Jwk>;
export type PublicJwk = Shape<typeof publicJwk>;

/** What is wrong with a value, for people: the member's path and what was expected; never the value itself. */
export interface Misfit {
  readonly path: string;
  readonly expected: string;
  readonly received: 'missing' | 'unknown' | 'wrong';
}

/** The value as `T`, holding the declared members and no others, or every misfit. */
export function conform<T>(
  schema: Schema<T>,
  value: unknown,
): { readonly value: T } | { readonly misfits: readonly Misfit[] } {
  const result = v.safeParse(schema, value);
  return result.success ? { value: result.output } : { misfits: result.issues.flatMap(misfitsOf) };
}

/** The same, but only the first misfit is looked for. */
export function conformFirst<T>(
  schema: Schema<T>,
  value: unknown,
): { readonly value: T } | { readonly misfit: Misfit | undefined } {
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? { value: result.output } : { misfit: result.issues.flatMap(misfitsOf)[0] };
}

/** The value as `T`, or undefined: the quick way where the reason does not matter. */
export function conformOrUndefined<T>(schema: Schema<T>, value: unknown): T | undefined {
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : undefined;
}

// The library's messages echo the value, which may be a secret: only its path and its expectation are kept.
function misfitsOf(issue: v.BaseIssue<unknown>): Misfit[] {
  const path = (issue.path ?? []).map((item) => String(item.key)).join('.');
  if (issue.type === 'strict_object' && issue.expected === 'never')
    return [{ path, expected: 'no such member', received: 'unknown' }];
  const received = issue.input === undefined ? 'missing' : 'wrong';
  const expected = issue.type === 'check' ? issue.message : (issue.expected ?? issue.type);
  return [{ path, expected, received }];
}

/** Identifiers joined by single spaces (`scope`, RFC 6749 §3.3). */
export const identifierWords = stringThat(
  (text) => text.split(' ').every(isIdentifier),
  'identifiers with one space between',
);
/** Exactly one item, in an array. */
export const single = <S extends v.GenericSchema>(item: S) => v.strictTuple([item]);

// Sorts the names as UTF-16 code units, as RFC 8785 §3.2.3 does; the members and so the type stay the same.
function inCanonicalOrder<E extends object>(members: E): E {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1))) as E;
}
