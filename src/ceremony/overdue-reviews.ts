import { costlyReviews, type OpenReview, type ReviewWarning, reviewWarnings } from '../trail/due.ts';
import type { Policy } from '../trust/policy.ts';

const namedMax = 3;

/** Why a mint wants one share more, or null (docs/format.md §14). */
export function extraShareOf(reviews: readonly OpenReview[], policy: Policy): string | null {
  const costly = costlyReviews(reviews, policy);
  if (costly.length === 0) return null;
  return `the review of ${named(costly)} is overdue, which costs one more share`;
}

/** What the panel says of incidents that nobody has reviewed: what custodians leave open, they see the next time. */
export function reviewRows(
  reviews: readonly OpenReview[],
  extraShare: string | null,
): readonly (readonly [label: string, value: string])[] {
  if (reviews.length === 0) return [];
  const late = reviews.filter(({ overdue }) => overdue).map(({ incident }) => incident);
  const open = reviews.filter(({ overdue }) => !overdue).map(({ incident }) => incident);
  const parts = [
    ...(late.length > 0 ? [`OVERDUE: ${named(late)}`] : []),
    ...(open.length > 0 ? [`open: ${named(open)}`] : []),
    ...(extraShare === null ? [] : ['one more share, or it goes on the record']),
  ];
  return [['reviews', parts.join('; ')]];
}

/** Those that are overdue, one by one as far as people read. */
export function overdueWarnings(reviews: readonly OpenReview[]): ReviewWarning[] {
  return reviewWarnings(reviews.filter(({ overdue }) => overdue).slice(0, 10));
}

function named(incidents: readonly string[]): string {
  const more = incidents.length - namedMax;
  return `${incidents.slice(0, namedMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
