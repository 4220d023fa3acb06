import type { Seconds } from '../base/time.ts';
import type { Part } from '../trust/policy.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { Debt } from './debts.ts';
import {
  cardCheck,
  type Deadline,
  type DrillDates,
  drillDates,
  type OpenReview,
  openReviews,
  policyReview,
} from './due.ts';
import type { CardSeen, Upkeep } from './upkeep.ts';

/** The card of a custodian of the active set, and when it was last seen to be good. */
export interface ListedCard extends Deadline {
  readonly setId: string;
  readonly index: number;
  /** How it was seen; null when it never was since it was dealt. */
  readonly by: CardSeen['by'] | null;
}

export interface ListedPerson {
  readonly label: string;
  readonly parts: readonly Part[];
  readonly card: ListedCard | null;
  /** Has a revoker key. */
  readonly revoker: boolean;
}

export interface PeopleList {
  readonly people: readonly ListedPerson[];
  readonly drill: DrillDates;
  readonly policyReview: Deadline;
  /** Incidents whose issuances nobody has reviewed yet. */
  readonly reviews: readonly OpenReview[];
}

/** Everybody of the policy, of the active set and of the revokers, and what is overdue. */
export function listPeople(
  trust: Trust,
  { upkeep, debts }: { readonly upkeep: Upkeep; readonly debts: readonly Debt[] },
  now: Seconds,
): PeopleList {
  const { policy } = trust.payload;
  const custodians = trust.set.shares.map(({ custodian }) => custodian);
  const revokers = trust.revokers.map(({ label }) => label);
  const labels = [...new Set([...Object.keys(policy.people), ...custodians, ...revokers])];
  return {
    people: labels.map((label) => ({
      label,
      parts: Object.hasOwn(policy.people, label) ? (policy.people[label] ?? []) : [],
      card: cardOf(label, trust, upkeep, now),
      revoker: revokers.includes(label),
    })),
    drill: drillDates(upkeep, policy, now),
    policyReview: policyReview(upkeep, policy, now),
    reviews: openReviews(debts, policy, now),
  };
}

function cardOf(label: string, { set, payload }: Trust, upkeep: Upkeep, now: Seconds): ListedCard | null {
  const share = set.shares.find(({ custodian }) => custodian === label);
  if (!share) return null;
  const seen = upkeep.cardSeen(set.setId, share.index);
  const check = cardCheck(seen, upkeep.sets.get(set.setId), payload.policy, now);
  return { setId: set.setId, index: share.index, ...check };
}
