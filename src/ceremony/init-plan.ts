import { BreakglassError } from '../base/errors.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import type { KeyAlg } from '../key/public.ts';
import type { PreflightEntry } from '../trail/record.ts';
import { checkPolicyForSet, type Policy } from '../trust/policy.ts';
import type { NewMedium } from './init-media.ts';

export interface InitPlan {
  readonly name: string;
  readonly issuer: string;
  readonly policy: Policy;
  readonly threshold: number;
  readonly custodians: readonly string[];
  readonly revokers: readonly { readonly label: string; readonly jwk: Ed25519Jwk }[];
  readonly alg: KeyAlg;
  readonly strength: 128 | 256;
  readonly media: readonly NewMedium[];
  readonly mediaRule: 'removable' | 'fixed-allowed';
  readonly stateDir: string;
  readonly outDir: string;
  readonly preflight: PreflightEntry;
  readonly clockSource: 'people' | 'flag' | 'none' | 'sandbox';
}

/** Throws `POLICY_INVALID` with every violation at once. */
export function checkInitPlan(plan: InitPlan): void {
  const violations = checkPolicyForSet(plan.policy, plan);
  const problems = violations.map(({ rule, message }) => ({ name: rule as string, message }));
  if (plan.threshold < 2 || plan.threshold > 16)
    problems.push({ name: 'threshold', message: `the threshold must be 2 to 16, it is ${plan.threshold}` });
  if (plan.custodians.length < plan.threshold) {
    problems.push({
      name: 'threshold',
      message: `a threshold of ${plan.threshold} needs at least as many custodians, there are ${plan.custodians.length}`,
    });
  }
  if (new Set(plan.custodians).size !== plan.custodians.length)
    problems.push({ name: 'people', message: 'a custodian is named twice' });
  if (new Set(plan.revokers.map(({ label }) => label)).size !== plan.revokers.length)
    problems.push({ name: 'people', message: 'a revoker is named twice' });
  if (plan.media.length < Math.max(2, plan.policy.copies)) {
    problems.push({
      name: 'copies',
      message: `the policy wants ${plan.policy.copies} copies and an init at least 2 media, there are ${plan.media.length}`,
    });
  }
  if (problems.length === 0) return;
  throw new BreakglassError(
    'POLICY_INVALID',
    problems.length === 1 ? (problems[0]?.message ?? '') : `the plan breaks ${problems.length} rules`,
    {
      hint: 'mend the policy or the flags and run init again. No key was made and nothing was written.',
      details: problems,
    },
  );
}
