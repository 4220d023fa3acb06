import { describeDuration } from '../base/time.ts';
import { type Policy, policySeconds } from '../trust/policy.ts';

/** What a policy means, in plain words. */
export function explainPolicy(policy: Policy): string {
  const time = (text: string) => describeDuration(policySeconds(text));
  const people = Object.entries(policy.people).map(([label, roles]) => `  ${label}: ${roles.join(', ')}`);
  const roles = Object.entries(policy.roles).flatMap(([name, role]) => [
    `  ${name}: opens ${role.scopes.join(' ')} (${role.actions.join(', ')}) at ${role.audience}`,
    `    for ${role.circumstances.join(', ')}; one token up to ${time(role.maxLifetime)}, a strip up to ${time(role.maxDuration)}`,
    `    proof of possession ${role.holder}${role.minShares === undefined ? '' : `; ${role.minShares} shares`}`,
  ]);
  const separation = policy.separation ? 'does not count' : 'counts';
  return [
    'The policy is good. It means:',
    `A token leaves only when ${policy.copies} media hold its record; a failed preflight check ${policy.preflight === 'require' ? 'refuses' : 'is recorded'}.`,
    `The share of the person who gets the token ${separation}; a reason has at least ${policy.reason.minLength} characters.`,
    `At most ${policy.limits.maxPerDay} issuances in 24 hours, ${time(policy.limits.cooldown)} between two.`,
    `A drill every ${time(policy.drill.every)}: access within ${time(policy.drill.timeToAccess)}, kill within ${time(policy.drill.timeToKill)}.`,
    `A review within ${time(policy.review.within)} of each issuance, of the policy every ${time(policy.review.policyEvery)}.${policy.review.overdue === undefined ? '' : ' An overdue one costs a mint one more share.'}`,
    'People:',
    ...people,
    'Roles:',
    ...roles,
    '',
  ].join('\n');
}
