import { isBreakglassError } from '../base/errors.ts';
import type { State } from '../machine/state.ts';
import type { Debt } from '../trail/debts.ts';
import type { TrailFacts } from '../trail/facts.ts';
import { openReview, type Review } from '../trail/review.ts';
import type { Attempt } from './attempt.ts';
import { type RunFacts, waitForMedium } from './trail-writer.ts';

/** A review that somebody brings to a ceremony. */
export interface ReviewSource {
  /** As it was named on the command line. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Puts reviews of auditors among what waits for a medium: it is written first, before anybody is asked for a share. One that does not
 * hold is told and left out, and stops nothing (P10). The attempt remembers what is on its way.
 */
export function importReviews(
  state: State,
  sources: readonly ReviewSource[],
  { attempt, run, note }: { readonly attempt: Attempt; readonly run: RunFacts; readonly note: (text: string) => void },
): void {
  for (const statement of waitingReviews(state)) remember(statement, state, attempt);
  for (const { name, bytes } of sources) {
    const statement = Buffer.from(bytes).toString('latin1').replace(/\n$/, '');
    if (attempt.reviews.has(statement)) continue;
    const problem = remember(statement, state, attempt);
    const review = attempt.reviews.get(statement);
    if (review) {
      const { incident, auditor } = review;
      waitForMedium(state, run, { type: 'review', incident, statement, auditor }, []);
    } else note(`breakglass: alarm: the review ${name} was left out: ${problem}`);
  }
}

/** Those of a run before. A state directory that cannot be read is told of where the trail is opened. */
function waitingReviews(state: State): string[] {
  try {
    return state.readPending().records.flatMap(({ members }) => (members.type === 'review' ? [members.statement] : []));
  } catch (error) {
    if (isBreakglassError(error)) return [];
    throw error;
  }
}

/** The debts that are left when what is on its way is written too. */
export function unreviewed(facts: TrailFacts, reviews: ReadonlyMap<string, Review>): readonly Debt[] {
  const holding = [...reviews.values()].filter(({ through }) => facts.hasHead(through.seq, through.sha256));
  return facts.debts.filter(
    ({ incident, seq }) => !holding.some((review) => review.incident === incident && seq <= review.through.seq),
  );
}

/** The reason why it does not hold, if it does not. */
function remember(statement: string, state: State, { reviews }: Attempt): string | undefined {
  try {
    reviews.set(statement, openReview(statement, state.trust.id, state.trust.auditors));
    return undefined;
  } catch (error) {
    if (isBreakglassError(error)) return error.message;
    throw error;
  }
}
