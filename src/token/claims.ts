import {
  arrayBetween,
  boolean,
  identifier,
  identifierWords,
  integer,
  integerBetween,
  literal,
  numericDate,
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
  iat: numericDate,
  nbf: numericDate,
  exp: numericDate,
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

/** The longest token, in bytes. */
export const tokenMaxBytes = 8192;

/** What the shape of the claims does not show: their order in time, and that each thing named twice is named alike. */
export function checkClaims(claims: Claims): string | undefined {
  const { iat, nbf, exp } = claims;
  const [detail] = claims.authorization_details;
  if (iat > nbf) return 'it is issued after it becomes valid (iat > nbf)';
  if (nbf >= exp) return 'it ends before it becomes valid (nbf >= exp)';
  if (detail.locations[0] !== claims.aud) return 'authorization_details is for another audience than aud';
  if (detail.privileges[0] !== claims.roles[0]) return 'authorization_details is for another role than roles';
  return undefined;
}
