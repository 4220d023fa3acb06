/** What a service imports: a guard that judges break-glass tokens by the same strict rules as `breakglass verify` (docs/guard.md). */
export { BreakglassError, type ErrorCode } from '../base/errors.ts';
export type { Seconds } from '../base/time.ts';
export type { Selector } from '../revocation/denial.ts';
export { type RevocationList, readRevocations } from '../revocation/list.ts';
export type { DenyEntry } from '../revocation/statement.ts';
export type { Claims } from '../token/claims.ts';
export { type VerifiedToken, type VerifyOptions, verifyToken } from '../token/verify.ts';
export { acceptTrust, openTrust, type Trust } from '../trust/trust-file.ts';
export type { Use } from '../use/use-record.ts';
export type { Clocks } from './clock.ts';
export type { Access, Answer, Decision } from './decision.ts';
export { describeEvent, type GuardEvent } from './events.ts';
export { createGuard, type DenyOptions, type Guard, type GuardHealth } from './guard.ts';
export type { GuardOptions, UseLogPlace } from './options.ts';
export type { GuardRequest, Requirement } from './request.ts';
export type { SourceState } from './revocation-channel.ts';
export type { OnSessionEnd, Session, SessionEnd, Sessions } from './sessions.ts';
export type { SecondSinkState, UseLogHead, UseLogState } from './use-log.ts';
