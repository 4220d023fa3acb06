import type { Claims } from '../token/claims.ts';
import type { UsedToken } from './use-record.ts';

/** What a use says of its token, once the signature of that was right. */
export function usedToken(claims: Claims, kid: string): UsedToken {
  const { family, sequence, incident, drill } = claims.breakglass;
  return { jti: claims.jti, kid, family, sequence, incident, subject: claims.sub, role: claims.roles[0], drill };
}
