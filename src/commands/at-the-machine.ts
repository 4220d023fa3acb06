/** What custodians run at the air-gapped machine, apart from `mint`: one module, so that starting one of them reads few files. */
export { runDrill } from './drill-run.ts';
export { runInit } from './init-run.ts';
export { runMediaAdd, runMediaList, runMediaLost, runMediaMend, runMediaTest } from './media-run.ts';
export { runPolicyApply } from './policy-apply-run.ts';
export { runPreflightCheck } from './preflight-run.ts';
export { runRevocationsReset } from './revocations-reset-run.ts';
export { runRotate } from './rotate-run.ts';
export { runShareCheck } from './share-run.ts';
export { runTrustPublish } from './trust-publish-run.ts';
