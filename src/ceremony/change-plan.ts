import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import type { Seconds } from '../base/time.ts';
import type { DenyEntry } from '../revocation/statement.ts';
import { checkPolicyForSet, type Policy } from '../trust/policy.ts';
import { checkRequestAge, type Request } from '../trust/request.ts';
import { custodianLabels, type Trust } from '../trust/trust-file.ts';

/** The cards of a new set. */
export interface DealPlan {
  readonly threshold: number;
  readonly custodians: readonly string[];
}

/** What a change ceremony will do (docs/ceremony.md, change). `policy` is left out where it stays. */
export type Change =
  | { readonly kind: 'rotate.keys'; readonly policy?: Policy }
  | { readonly kind: 'rotate.shares'; readonly policy?: Policy; readonly deal: DealPlan }
  | { readonly kind: 'rotate.seed'; readonly policy?: Policy; readonly deal: DealPlan; readonly strength: 128 | 256 }
  | {
      readonly kind: 'policy';
      readonly policy: Policy;
      readonly addRevokers: readonly { readonly label: string; readonly jwk: Ed25519Jwk }[];
      readonly retireRevokers: readonly string[];
      readonly addAuditors: readonly { readonly label: string; readonly jwk: Ed25519Jwk }[];
      readonly retireAuditors: readonly string[];
    }
  | { readonly kind: 'revocations.reset'; readonly entries: readonly DenyEntry[] };

export type ChangeKind = Change['kind'];

/**
 * SHA-256 of what the change will do (docs/format.md §7, `parameters`). Revokers count by their labels: their keys are made in the
 * ceremony.
 */
export function changeParameters(change: Change): string {
  return sha256Hex(canonicalJson(contents(change)));
}

function contents(change: Change): object {
  const { kind } = change;
  const policySha256 = 'policy' in change && change.policy ? sha256Hex(canonicalJson(change.policy)) : null;
  switch (kind) {
    case 'rotate.keys':
      return { kind, policySha256 };
    case 'rotate.shares':
      return { kind, policySha256, threshold: change.deal.threshold, custodians: change.deal.custodians };
    case 'rotate.seed':
      return {
        kind,
        policySha256,
        threshold: change.deal.threshold,
        custodians: change.deal.custodians,
        strength: change.strength,
      };
    case 'policy':
      return {
        kind,
        policySha256,
        addRevokers: change.addRevokers.map(({ label }) => label),
        retireRevokers: change.retireRevokers,
        addAuditors: change.addAuditors.map(({ label, jwk }) => ({ label, jwk })),
        retireAuditors: change.retireAuditors,
      };
    case 'revocations.reset':
      return { kind, allow: change.entries.map((entry) => sha256Hex(canonicalJson(entry))).sort() };
  }
}

/** Throws `REQUEST_INVALID` or `REQUEST_EXPIRED` unless the request is of this trust, of today, and asks for this very change. */
export function checkChangeRequest(request: Request, change: Change, trust: Trust, now: Seconds): void {
  if (request.kind !== change.kind)
    throw invalid(
      `it asks for ${request.kind}, and this is ${change.kind}`,
      'give the request that was written for it',
    );
  if (request.trust !== trust.id)
    throw invalid(
      `it is for another trust: ${request.trust.slice(0, 8)}, not ${trust.id.slice(0, 8)}`,
      'write a new one',
    );
  checkRequestAge(request, now);
  if (request.parameters !== changeParameters(change))
    throw invalid('it was written for another change than these flags make', 'give the same flags as with --prepare');
}

/** Throws `POLICY_INVALID` with every rule that the change breaks at once. */
export function checkChange(change: Change, trust: Trust): void {
  const problems: { name: string; message: string }[] = [];
  const add = (name: string, message: string) => problems.push({ name, message });
  const { payload, set } = trust;
  const deal = 'deal' in change ? change.deal : { threshold: set.threshold, custodians: custodianLabels(set) };
  const policy = ('policy' in change && change.policy) || payload.policy;
  for (const { rule, message } of checkPolicyForSet(policy, deal)) add(rule, message);
  if (deal.threshold < 2 || deal.threshold > 16)
    add('threshold', `the threshold must be 2 to 16, it is ${deal.threshold}`);
  if (deal.custodians.length < deal.threshold)
    add('threshold', `a threshold of ${deal.threshold} needs as many custodians, there are ${deal.custodians.length}`);
  if (new Set(deal.custodians).size < deal.custodians.length) add('people', 'a custodian is named twice');
  if (policy.copies > 16) add('copies', 'a policy wants at most 16 copies');
  if (change.kind === 'policy') {
    const { addRevokers, retireRevokers, addAuditors, retireAuditors } = change;
    for (const message of [
      ...checkPeople('a revoker', payload.revokers, addRevokers, retireRevokers),
      ...checkPeople('an auditor', payload.auditors, addAuditors, retireAuditors),
    ])
      add('people', message);
  }
  if (change.kind === 'revocations.reset' && change.entries.length === 0)
    add('revocations', 'no denial in force is meant: there is nothing to allow');
  if (problems.length === 0) return;
  throw new BreakglassError(
    'POLICY_INVALID',
    problems.length === 1 ? (problems[0]?.message ?? '') : `the change breaks ${problems.length} rules`,
    { hint: 'mend the policy or the flags and run the same command again. Nothing was signed.', details: problems },
  );
}

interface Labelled {
  readonly label: string;
}

/** Who goes must be there, and who comes must not, unless somebody of that label goes. */
function checkPeople(
  what: 'a revoker' | 'an auditor',
  there: readonly Labelled[],
  coming: readonly Labelled[],
  going: readonly string[],
): string[] {
  const labels = there.map(({ label }) => label);
  const [, noun] = what.split(' ');
  return [
    ...going
      .filter((label) => !labels.includes(label))
      .map((label) => `${label} is no ${noun} (${labels.join(', ') || 'there is none'})`),
    ...coming
      .filter(({ label }) => labels.includes(label) && !going.includes(label))
      .map(({ label }) => `${label} is ${what} already`),
    ...coming
      .filter(({ label }, at) => coming.findIndex((other) => other.label === label) < at)
      .map(({ label }) => `${label} is named twice`),
  ];
}

function invalid(why: string, what: string): BreakglassError {
  return new BreakglassError('REQUEST_INVALID', `the request is refused: ${why}`, {
    hint: `${what}. Nothing was signed.`,
  });
}
