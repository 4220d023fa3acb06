import { literal, type Misfit, object, type Schema, type Shape, scalar, stringThat, variant } from './shape.ts';
import { isFreeText, isIdentifier, isPrintable } from './text.ts';
import { parseDuration, parseTime } from './time.ts';

export {
  array,
  arrayBetween,
  literal,
  type Misfit,
  map,
  nullable,
  object,
  oneOf,
  optional,
  type Schema,
  type Shape,
  single,
  variant,
} from './shape.ts';

export const boolean = scalar<boolean>((value) => typeof value === 'boolean', 'true or false');
export const nullValue = scalar<null>((value) => value === null, 'null');

export const integer = integerBetween(0, Number.MAX_SAFE_INTEGER);
/** NumericDate (RFC 7519 §2) up to the end of the year 9999, the last time that can be written as YYYY-MM-DDTHH:MM:SSZ. */
export const numericDate = integerBetween(0, 253_402_300_799);
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
/** Compact JWS, one a line, each ended by LF. */
export const jwsLines = stringThat(
  (text) => /^(?:[\w-]+\.[\w-]+\.[\w-]+\n)*$/.test(text) && text.length <= 64 * 1024 * 1024,
  'lines of compact JWS',
);
export const ed25519Jwk = object({ crv: literal('Ed25519'), kty: literal('OKP'), x: thumbprint });
export const p256Jwk = object({ crv: literal('P-256'), kty: literal('EC'), x: thumbprint, y: thumbprint });
export const publicJwk = variant('kty', [ed25519Jwk, p256Jwk]);

export type Ed25519Jwk = Shape<typeof ed25519Jwk>;
export type PublicJwk = Shape<typeof publicJwk>;

/** Identifiers joined by single spaces (`scope`, RFC 6749 §3.3). */
export const identifierWords = stringThat(
  (text) => text.split(' ').every(isIdentifier),
  'identifiers with one space between',
);
/** The value as `T`, holding the declared members and no others, or every misfit. */
export function conform<T>(
  schema: Schema<T>,
  value: unknown,
): { readonly value: T } | { readonly misfits: readonly Misfit[] } {
  const misfits = schema.misfits(value, 'all');
  return misfits ? { misfits } : { value: value as T };
}

/** The same, but only the first misfit is looked for. */
export function conformFirst<T>(
  schema: Schema<T>,
  value: unknown,
): { readonly value: T } | { readonly misfit: Misfit | undefined } {
  const misfits = schema.misfits(value, 'first');
  return misfits ? { misfit: misfits[0] } : { value: value as T };
}

/** The value as `T`, or undefined: the quick way where the reason does not matter. */
export function conformOrUndefined<T>(schema: Schema<T>, value: unknown): T | undefined {
  return schema.misfits(value, 'first') ? undefined : (value as T);
}

export function integerBetween(least: number, most: number): Schema<number> {
  return scalar(
    (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most,
    most === Number.MAX_SAFE_INTEGER ? 'an integer from 0 to 2^53-1' : `an integer from ${least} to ${most}`,
  );
}
