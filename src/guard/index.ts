/** What a service imports to judge tokens by the same strict rules as `breakglass verify`. */
export { BreakglassError, type ErrorCode } from '../base/errors.ts';
export type { Seconds } from '../base/time.ts';
export { type RevocationList, readRevocations } from '../revocation/list.ts';
export type { Claims } from '../token/claims.ts';
export { type VerifiedToken, type VerifyOptions, verifyToken } from '../token/verify.ts';
export { acceptTrust, openTrust, type Trust } from '../trust/trust-file.ts';
