import { formatTime, parseTime, type Seconds } from '../base/time.ts';
import { type Policy, policySeconds } from '../trust/policy.ts';
import { type Debt, debtDue } from './debts.ts';
import type { CardSeen, Upkeep } from './upkeep.ts';

/** A drill dated further ahead of the clock than this says that one of the two clocks is wrong. */
const aheadSeconds = 600;

/** When the last drill was and the next one is to be. */
export interface DrillDates {
  readonly last: string | null;
  /** `drill.every` after the last one, or after genesis; null when neither is known. */
  readonly next: string | null;
  /** `due`: never drilled, or longer ago than `drill.every`. `ahead`: the last one is dated in the future. */
  readonly state: 'due' | 'not-due' | 'ahead';
  /** `next` has passed. */
  readonly overdue: boolean;
}

/** Something that is to be done at intervals. */
export interface Deadline {
  readonly last: string | null;
  readonly next: string | null;
  readonly overdue: boolean;
}

export interface DrillWarning {
  readonly code: 'DRILL_OVERDUE';
  readonly message: string;
}

export function drillDates(upkeep: Pick<Upkeep, 'lastDrill' | 'genesis'>, policy: Policy, now: Seconds): DrillDates {
  const { lastDrill: last, genesis } = upkeep;
  const { next, overdue } = deadline(last ?? genesis, policy.drill.every, now);
  const ahead = last !== null && (parseTime(last) ?? 0) > now + aheadSeconds;
  return { last, next, state: ahead ? 'ahead' : last === null || overdue ? 'due' : 'not-due', overdue };
}

/** What people should hear when the last drill is too long ago, or the first one never came. Never a reason to refuse (P10). */
export function drillWarnings(
  upkeep: Pick<Upkeep, 'lastDrill' | 'genesis'>,
  policy: Policy,
  now: Seconds,
): DrillWarning[] {
  const { last, next, overdue } = drillDates(upkeep, policy, now);
  if (!overdue) return [];
  const { every } = policy.drill;
  const message =
    last === null
      ? `there never was a drill; the policy wants one every ${every}, so the first was due by ${next}`
      : `the last drill was on ${last}; the policy wants one every ${every}, so the next was due by ${next}`;
  return [{ code: 'DRILL_OVERDUE', message }];
}

/** When somebody last looked at the policy, and when it is to be looked at again. */
export function policyReview({ lastPolicy }: Pick<Upkeep, 'lastPolicy'>, policy: Policy, now: Seconds): Deadline {
  return deadline(lastPolicy, policy.review.policyEvery, now);
}

/** When a card was last seen to be good; `since` is when its set came into force. */
export function cardCheck(
  seen: CardSeen | undefined,
  since: string | undefined,
  policy: Policy,
  now: Seconds,
): Deadline & { readonly by: CardSeen['by'] | null } {
  const { next, overdue } = deadline(seen?.time ?? since ?? null, policy.review.policyEvery, now);
  return { last: seen?.time ?? null, by: seen?.by ?? null, next, overdue };
}

/** An incident whose issuances wait for a review. */
export interface OpenReview {
  readonly incident: string;
  /** The records that issued, the oldest first. */
  readonly records: readonly number[];
  /** The time of the oldest. */
  readonly since: string;
  /** When its review is due. */
  readonly due: string | null;
  readonly overdue: boolean;
}

/** The incidents with debts, the one that is due first before the others. */
export function openReviews(debts: readonly Debt[], policy: Policy, now: Seconds): OpenReview[] {
  const incidents = new Map<string, Debt[]>();
  for (const debt of debts) {
    const others = incidents.get(debt.incident);
    if (others) others.push(debt);
    else incidents.set(debt.incident, [debt]);
  }
  const within = policySeconds(policy.review.within);
  return [...incidents].map(([incident, all]) => {
    const times = all.map(({ since }) => since).sort();
    const since = times[0] ?? '';
    const due = debtDue({ since }, within);
    const records = all.map(({ seq }) => seq);
    return { incident, records, since, due: due === null ? null : formatTime(due), overdue: due !== null && now > due };
  });
}

export interface ReviewWarning {
  readonly code: 'REVIEW_OPEN' | 'REVIEW_OVERDUE';
  readonly message: string;
  /** The oldest record that waits. */
  readonly seq: number | null;
}

/** What people should hear of issuances that nobody has reviewed. Never a reason to refuse (P10). */
export function reviewWarnings(reviews: readonly OpenReview[]): ReviewWarning[] {
  return reviews.map(({ incident, records, due, overdue }) => {
    const what = records.length === 1 ? `record ${records[0]}` : `${records.length} records from ${records[0]} on`;
    const by = due === null ? '' : `, due by ${due}`;
    return overdue
      ? {
          code: 'REVIEW_OVERDUE',
          message: `nobody has reviewed ${incident} (issued by ${what})${by}`,
          seq: records[0] ?? null,
        }
      : {
          code: 'REVIEW_OPEN',
          message: `${incident} (issued by ${what}) waits for its review${by}`,
          seq: records[0] ?? null,
        };
  });
}

/** The incidents whose overdue reviews cost a mint one more share; none where the policy does not say so. */
export function costlyReviews(reviews: readonly OpenReview[], policy: Policy): string[] {
  if (policy.review.overdue !== 'extra-share') return [];
  return reviews.filter(({ overdue }) => overdue).map(({ incident }) => incident);
}

function deadline(last: string | null, every: string, now: Seconds): Deadline {
  const since = last === null ? undefined : parseTime(last);
  if (since === undefined) return { last, next: null, overdue: false };
  const next = since + policySeconds(every);
  // The last second of the year 9999: a policy may say "every 999999999d".
  const writable = next <= 253_402_300_799;
  return { last, next: writable ? formatTime(next) : null, overdue: now > next };
}
