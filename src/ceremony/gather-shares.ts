import { wipe } from '../base/bytes.ts';
import type { Quorum } from '../share/quorum.ts';
import type { FoundAnomaly, Panel, Progress, QuorumPeople } from './people.ts';

/** Asks for shares until the quorum is complete. A refused share costs only itself: what was given stays (P3). */
export async function gatherShares(
  quorum: Quorum,
  panel: Panel,
  people: QuorumPeople,
  cardWords: number,
): Promise<void> {
  while (!quorum.complete) await gatherOne(quorum, panel, people, cardWords);
}

/**
 * Asks a complete quorum for the one share more that `why` costs, and after each attempt again whether somebody can give it. Where
 * nobody can it goes on without (P10). Resolves with what then goes on the record, confirmed by those who gave theirs.
 */
export async function gatherExtraShare(
  quorum: Quorum,
  panel: Panel,
  people: QuorumPeople,
  { why, cardWords }: { readonly why: string; readonly cardWords: number },
): Promise<FoundAnomaly[]> {
  quorum.needOneMore();
  while (!quorum.complete) {
    const answer = await people.extraShare(why, progressOf(quorum, cardWords));
    if (answer === 'comes') await gatherOne(quorum, panel, people, cardWords);
    else {
      quorum.contentWithGiven();
      return [{ code: 'REVIEW_OVERDUE', detail: `${why}, and nobody else could come` }];
    }
  }
  return [];
}

async function gatherOne(quorum: Quorum, panel: Panel, people: QuorumPeople, cardWords: number): Promise<void> {
  const typed = await people.nextShare(panel, progressOf(quorum, cardWords));
  try {
    await offerShare(quorum, typed, people, cardWords);
  } finally {
    wipe(typed);
  }
}

async function offerShare(quorum: Quorum, typed: Uint8Array, people: QuorumPeople, cardWords: number): Promise<void> {
  let offer = quorum.offer(typed);
  if ('refused' in offer) {
    const answer = await people.refused(offer.refused, offer.slip);
    if (answer === 'again' || !offer.slip) return;
    offer = quorum.accept(offer.slip);
  }
  if ('refused' in offer) {
    await people.refused(offer.refused, undefined);
    return;
  }
  people.accepted(offer.accepted.label, progressOf(quorum, cardWords));
}

function progressOf(quorum: Quorum, cardWords: number): Progress {
  return {
    given: quorum.given.map(({ label }) => label),
    missing: quorum.missing,
    waitingFor: quorum.waitingFor,
    cardWords,
  };
}
