import type { Seconds } from '../base/time.ts';
import { type Policy, type PolicyRole, policyRole, policySeconds, type Violation, violation } from '../trust/policy.ts';
import { type Claims, startsInMaxSeconds } from './claims.ts';

/**
 * Every rule of `policy` that a token breaks. A verifier judges by its own policy, not by the one of the mint: a policy that
 * was narrowed narrows tokens that are still alive. Paths are those of the claims.
 */
export function checkClaimsAgainstPolicy(claims: Claims, policy: Policy): Violation[] {
  const [name] = claims.roles;
  const role = policyRole(policy, name);
  return role
    ? checkClaimsAgainstRole(claims, role)
    : [violation('request-role', 'roles', `the policy has no role ${name}`)];
}

/** The same against the one role that the token names. */
export function checkClaimsAgainstRole(claims: Claims, role: PolicyRole): Violation[] {
  const [detail] = claims.authorization_details;
  return [
    ...checkAudience(claims, role),
    ...checkWithin('role-scopes', 'scope', claims.scope.split(' '), role.scopes),
    ...checkWithin('role-actions', 'authorization_details.0.actions', detail.actions, role.actions),
    ...checkTimes(claims, role),
    ...checkHolder(claims, role),
  ];
}

function checkAudience(claims: Claims, role: PolicyRole): Violation[] {
  if (claims.aud === role.audience) return [];
  const message = `the policy gives role ${claims.roles[0]} the audience ${role.audience}, not ${claims.aud}`;
  return [violation('role-audience', 'aud', message)];
}

function checkWithin(
  rule: 'role-scopes' | 'role-actions',
  path: string,
  claimed: readonly string[],
  allowed: readonly string[],
): Violation[] {
  if (claimed.every((item) => allowed.includes(item))) return [];
  const over = claimed.filter((item) => !allowed.includes(item));
  return [
    violation(rule, path, `the policy does not give this role ${over.join(', ')} (it gives ${allowed.join(', ')})`),
  ];
}

function checkTimes(claims: Claims, role: PolicyRole): Violation[] {
  const found: Violation[] = [];
  const lifetime = claims.exp - claims.nbf;
  if (lifetime > policySeconds(role.maxLifetime))
    found.push(
      violation('role-max-lifetime', 'exp', `a lifetime of ${lifetime} s is over the ${role.maxLifetime} of this role`),
    );
  const offset = claims.exp - claims.iat;
  if (offset > policySeconds(role.maxDuration) + startsInMaxSeconds)
    found.push(
      violation(
        'role-max-duration',
        'exp',
        `it ends ${offset} s after it was issued, over the ${role.maxDuration} and 30 m of this role`,
      ),
    );
  return found;
}

function checkHolder(claims: Claims, role: PolicyRole): Violation[] {
  if (role.holder === 'optional' || claims.cnf) return [];
  return [violation('role-holder', 'cnf', 'this role needs a token that is bound to a holder key')];
}

/** The longest that any token of this policy may live, from its issue to the end of its strip. */
export function longestLifeSeconds(policy: Policy): Seconds {
  const durations = Object.values(policy.roles).map(({ maxDuration }) => policySeconds(maxDuration));
  return Math.max(...durations) + startsInMaxSeconds;
}
