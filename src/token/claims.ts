import {
  arrayBetween,
  boolean,
  identifier,
  identifierWords,
  integer,
  integerBetween,
  literal,
  object,
  optional,
  printable,
  randomId,
  type Shape,
  sha256Digest,
  single,
  thumbprint,
} from '../base/schema.ts';

export const overrideType = 'urn:breakglass:override:v1';

const authorizationDetail = object({
  type: literal(overrideType),
  actions: arrayBetween(identifier, 1, 32),
  locations: single(printable),
  privileges: single(identifier),
});

const breakglassClaim = object({
  incident: identifier,
  epoch: integerBetween(1, 1_000_000),
  family: randomId,
  sequence: integerBetween(1, 1_000_000),
  drill: boolean,
  revocations: sha256Digest,
  trail: object({ id: sha256Digest, seq: integer, prev: sha256Digest }),
});

export const claimsSchema = object({
  iss: printable,
  sub: identifier,
  aud: printable,
  client_id: literal('breakglass'),
  iat: integer,
  nbf: integer,
  exp: integer,
  jti: randomId,
  scope: identifierWords,
  roles: single(identifier),
  authorization_details: single(authorizationDetail),
  cnf: optional(object({ jkt: thumbprint })),
  breakglass: breakglassClaim,
});

/** The claim set of a token (docs/format.md §8; RFC 7519, 9068, 9396, 7800). Times are NumericDate. */
export type Claims = Shape<typeof claimsSchema>;

/** How long before `nbf` a token may be issued: the walk from the vault. */
export const startsInMaxSeconds = 1800;
