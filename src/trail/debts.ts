import { parseTime, type Seconds } from '../base/time.ts';
import type { FindingCode } from './findings.ts';
import type { HeadIndex } from './head-index.ts';
import type { RecordOf } from './record.ts';
import type { Review } from './review.ts';

/** Debts that are remembered; of more, the newest are: they are the ones that somebody can still look into. */
const kept = 4096;

/** An issuance that nobody has reviewed yet (docs/format.md §14). */
export interface Debt {
  readonly incident: string;
  /** Of the record that issued. */
  readonly seq: number;
  /** Its time. */
  readonly since: string;
  readonly subject: string;
  readonly role: string;
}

/** What a review record fails to be, or says for ever after. */
export interface ReviewBreach {
  readonly code: FindingCode;
  readonly message: string;
}

/** What a trail issued and nobody has reviewed, the oldest first. */
export class DebtKeeper {
  readonly #open = new Map<number, Debt>();
  /** The same by incident: their sequence numbers. */
  readonly #ofIncident = new Map<string, Set<number>>();

  get open(): readonly Debt[] {
    return [...this.#open.values()];
  }

  /** The oldest few: whether any is overdue shows in them. */
  oldest(count: number): readonly Debt[] {
    const found: Debt[] = [];
    for (const debt of this.#open.values()) {
      if (found.length >= count) break;
      found.push(debt);
    }
    return found;
  }

  add({ seq, time, tokens }: RecordOf<'mint.issued'>): void {
    const claims = tokens[0]?.claims;
    if (!claims) return;
    if (this.#open.size >= kept) {
      const [oldest] = this.#open.values();
      if (oldest !== undefined) this.#remove(oldest);
    }
    const { sub: subject, roles, breakglass } = claims;
    const { incident } = breakglass;
    this.#open.set(seq, { incident, seq, since: time, subject, role: roles[0] });
    const others = this.#ofIncident.get(incident);
    if (others) others.add(seq);
    else this.#ofIncident.set(incident, new Set([seq]));
  }

  /**
   * Closes what a review record reviews, and says what is wrong with it. `review`: what its statement says, or why that is refused;
   * `heads` are the ceremony records before it.
   */
  close(record: RecordOf<'review'>, review: Review | string, heads: HeadIndex): ReviewBreach[] {
    if (typeof review === 'string') return [refused(review)];
    const { incident, auditor, through, uses, conclusion } = review;
    if (incident !== record.incident || auditor !== record.auditor)
      return [refused('the record names another incident or auditor than the statement')];
    if (!heads.has(through.seq, through.sha256))
      return [refused(`it looked at a trail whose record ${through.seq} is another one`)];
    for (const seq of this.#ofIncident.get(incident) ?? []) {
      const debt = seq <= through.seq ? this.#open.get(seq) : undefined;
      if (debt) this.#remove(debt);
    }
    return lasting(review, uses.length, conclusion);
  }

  #remove({ seq, incident }: Debt): void {
    this.#open.delete(seq);
    const left = this.#ofIncident.get(incident);
    left?.delete(seq);
    if (left?.size === 0) this.#ofIncident.delete(incident);
  }
}

/** When the review of a debt is due; null beyond the last time that can be written. */
export function debtDue({ since }: Pick<Debt, 'since'>, withinSeconds: Seconds): Seconds | null {
  const due = (parseTime(since) ?? 0) + withinSeconds;
  return due <= 253_402_300_799 ? due : null;
}

function refused(why: string): ReviewBreach {
  return { code: 'REVIEW_REFUSED', message: `${why}; it closes nothing` };
}

function lasting(
  { auditor, incident, findings }: Review,
  logs: number,
  conclusion: Review['conclusion'],
): ReviewBreach[] {
  const found: ReviewBreach[] = [];
  if (logs === 0)
    found.push({
      code: 'REVIEW_WITHOUT_USES',
      message: `${auditor} reviewed ${incident} without a use log: nobody compared what was done with what was issued`,
    });
  if (conclusion === 'misuse')
    found.push({
      code: 'REVIEW_MISUSE',
      message: `${auditor} reviewed ${incident} and concluded misuse${findings.length > 0 ? `: ${findings.join(', ')}` : ''}`,
    });
  return found;
}
