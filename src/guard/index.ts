/** What a service imports to judge tokens by the same strict rules as `breakglass verify`. */
export { BreakglassError, type ErrorCode } from '../base/errors.ts';
export type { Seconds } from '../base/time.ts';
export { type RevocationList, readRevocations } from '../revocation/list.ts';
export type { Claims } from '../token/claims.ts';
export { type VerifiedToken, type VerifyOptions, verifyToken } from '../token/verify.ts';
export { acceptTrust, openTrust, type Trust } from '../trust/trust-file.ts';
export { accessOf } from './adapters/attach.ts';
export type { AdapterOptions, Checker, Wanted } from './adapters/decide.ts';
export { type ExpressRequest, expressGuard } from './adapters/express.ts';
export { type FastifyGuard, fastifyGuard } from './adapters/fastify.ts';
export { type FetchGuard, fetchGuard } from './adapters/fetch.ts';
export { type NodeGuard, nodeGuard } from './adapters/node.ts';
export type { Access, Answer, Decision } from './decision.ts';
export type { GuardRequest, Requirement } from './request.ts';
