import { sharesNeeded } from '../trust/policy.ts';
import { custodianLabels, type Trust } from '../trust/trust-file.ts';
import type { DebtKeeper } from './debts.ts';
import { costlyReviews, openReviews } from './due.ts';
import { type Breach, recordSeconds } from './quorum-check.ts';
import type { Issuance } from './record.ts';

/** A review may become overdue while a ceremony is held. */
const ceremonySeconds = 3600;
/** Debts that are looked at for each issuance of a long trail. */
const looked = 64;

/** How an issuance leaves out the share that overdue reviews cost (docs/format.md §14). */
export function checkExtraShare(record: Issuance, trust: Trust, debts: Pick<DebtKeeper, 'oldest'>): Breach[] {
  const { policy } = trust.payload;
  if (record.type === 'drill' || policy.review.overdue === undefined) return [];
  const open = openReviews(debts.oldest(looked), policy, recordSeconds(record) - ceremonySeconds);
  const costly = costlyReviews(open, policy);
  const [first] = costly;
  if (first === undefined || record.anomalies.some(({ code }) => code === 'REVIEW_OVERDUE')) return [];
  const { role, subject } = record.request;
  const separated = policy.separation ? subject : null;
  const wanted = extraShareNeeded(trust, role, separated);
  if (record.custodians.length >= wanted) return [];
  const message = `the review of ${first} was overdue, so the policy wants ${wanted} shares; ${record.custodians.length} were given, and nobody said why`;
  return [{ code: 'REVIEW_SHARE_MISSING', message }];
}

/** One share more than the role needs, at most as many as there are custodians whose share counts. */
export function extraShareNeeded(trust: Trust, role: string | null, separated: string | null): number {
  const counted = custodianLabels(trust.set).filter((label) => label !== separated).length;
  return Math.min(sharesNeeded(trust.payload.policy, role, trust.set.threshold) + 1, counted);
}
