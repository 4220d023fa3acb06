/** What people run away from the ceremony: one module, so that starting one of them reads few files. */
export { runAuditCheck } from './audit-check-run.ts';
export { runReviewNewKey } from './auditor-key.ts';
export { runDrillDue } from './drill-due-run.ts';
export { runGuardKey } from './guard-run.ts';
export { runPeopleLeave, runPeopleList } from './people-run.ts';
export { runPolicyCheck, runPolicyNew } from './policy-run.ts';
export { runProof } from './proof-run.ts';
export { runRequest } from './request-run.ts';
export { runReview } from './review-run.ts';
export { runRevocationsCheck, runRevocationsMerge, runRevocationsShow } from './revocations-run.ts';
export { runRevoke } from './revoke-run.ts';
export { runStripCurrent } from './strip-run.ts';
export { runTrustExport, runTrustPin, runTrustShow } from './trust-run.ts';
export { runVerify } from './verify-run.ts';
