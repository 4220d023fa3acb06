import type { Claims } from '../token/claims.ts';
import type { Use, UsedToken } from './use-record.ts';

/** A token as a record of the trail issued it. */
export interface IssuedByRecord {
  readonly claims: Claims;
  /** Of the key of its epoch and kind. */
  readonly kid: string;
  /** Of the compact form. */
  readonly sha256: string;
  readonly seq: number;
  /** The time of the record. */
  readonly time: string;
}

export type IssuedTokens = ReadonlyMap<string, IssuedByRecord>;

/** Why no record issued this token, or undefined when one did. */
export function notIssued(
  token: UsedToken,
  { tokenSha256 }: Use,
  issued: IssuedByRecord | undefined,
): string | undefined {
  if (!issued)
    return `no record of this trail issued it (incident ${token.incident}, ${token.subject} as ${token.role})`;
  const { claims, kid, sha256, seq } = issued;
  const own = claims.breakglass;
  const members: readonly (readonly [string, unknown, unknown])[] = [
    ['kid', token.kid, kid],
    ['family', token.family, own.family],
    ['sequence', token.sequence, own.sequence],
    ['incident', token.incident, own.incident],
    ['subject', token.subject, claims.sub],
    ['role', token.role, claims.roles[0]],
    ['drill', token.drill, own.drill],
  ];
  const differing = members.filter(([, used, recorded]) => used !== recorded).map(([name]) => name);
  if (differing.length > 0) return `record ${seq} issued that jti with another ${differing.join(', ')}`;
  if (tokenSha256 === null || tokenSha256 === sha256) return undefined;
  return `record ${seq} issued that jti in other bytes: made outside the tool, or its ECDSA signature was spelt anew`;
}
