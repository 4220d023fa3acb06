import { errorExits } from '../base/errors.ts';
import {
  array,
  arrayBetween,
  boolean,
  ed25519Jwk,
  freeText,
  identifier,
  integer,
  integerBetween,
  literal,
  nullable,
  object,
  oneOf,
  printable,
  randomId,
  type Shape,
  sha256Digest,
  thumbprint,
  time,
  variant,
} from '../base/schema.ts';

/** The longest line of a use log, in bytes, its LF included. */
export const useRecordMaxBytes = 1024 * 1024;
/** Uses that one record holds at most. */
export const usesPerRecord = 512;

const common = {
  v: literal(1),
  trail: sha256Digest,
  seq: integerBetween(0, 99_999_999),
  prev: nullable(sha256Digest),
  time,
};

const code = oneOf(Object.keys(errorExits) as (keyof typeof errorExits)[]);

/** Of the claims of a token whose signature was right; there is nothing to say of another. */
const usedToken = object({
  jti: randomId,
  kid: thumbprint,
  family: randomId,
  sequence: integerBetween(1, 1_000_000),
  incident: identifier,
  subject: identifier,
  role: identifier,
  drill: boolean,
});

export const useSchema = object({
  atMs: integer,
  outcome: oneOf(['allowed', 'denied']),
  code: nullable(code),
  token: nullable(usedToken),
  tokenSha256: nullable(sha256Digest),
  proof: nullable(thumbprint),
  session: nullable(randomId),
  method: printable,
  route: printable,
  scope: nullable(identifier),
  action: nullable(identifier),
  client: nullable(printable),
});

export const useRecordSchema = variant('type', [
  object({
    type: literal('genesis'),
    ...common,
    guard: ed25519Jwk,
    name: identifier,
    trust: sha256Digest,
    audience: nullable(printable),
    software: freeText,
  }),
  object({ type: literal('opened'), ...common, instance: randomId, software: freeText }),
  object({
    type: literal('uses'),
    ...common,
    uses: arrayBetween(useSchema, 0, usesPerRecord),
    omitted: array(object({ code, count: integerBetween(1, Number.MAX_SAFE_INTEGER) })),
  }),
  object({ type: literal('recovered'), ...common, file: freeText, bytes: integer, sha256: sha256Digest }),
  object({ type: literal('closed'), ...common, instance: randomId }),
]);

/** One use of a break-glass token, or an attempt (docs/format.md §13). `atMs` is Unix time in milliseconds. */
export type Use = Shape<typeof useSchema>;
export type UsedToken = Shape<typeof usedToken>;
/** The payload of a line of a use log (docs/format.md §13). */
export type UseRecord = Shape<typeof useRecordSchema>;
