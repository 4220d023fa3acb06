import type { BreakglassError } from '../base/errors.ts';
import type { ShareSet } from '../trust/trust-schema.ts';
import { CandidateProver } from './candidate.ts';
import { type CardReading, readCard } from './card.ts';
import { type ShareForm, secretSymbols, strengthOf, unknownSymbol } from './form.ts';
import { shareRefusal } from './refusal.ts';
import type { Share } from './share.ts';

/** The one slip between what was entered and a card that was dealt. */
export interface Slip {
  readonly form: 'words' | 'text';
  readonly kind: 'wrong' | 'swapped' | 'doubled' | 'missing';
  /** Counted from 1: the word or character of the card; of `doubled`, the one too many in what was entered. */
  readonly position: number;
  /** The later of the two that are `swapped`. */
  readonly swappedWith: number | undefined;
  /** What the card shows at `position`; empty for one too many after the end. For the terminal only. */
  readonly meant: string;
  /** The share of the card; whoever holds the slip wipes it. */
  readonly share: Share;
}

/**
 * Finds the card of `sets` that `typed` is one slip away from, by trying every slip: one word or character wrong, two swapped,
 * one too many, one missing. The commitment decides, never the checksum. At most 60,000 hashes; every candidate is built in a
 * buffer that is wiped.
 */
export function findSlip(typed: Uint8Array, sets: readonly ShareSet[]): Slip | undefined {
  const reading = readCard(typed);
  if (!reading) return undefined;
  const { symbols } = reading;
  try {
    return (
      searchCards(reading, symbols.length, sets, findSwapped) ??
      searchCards(reading, symbols.length, sets, findWrong) ??
      searchCards(reading, symbols.length - 1, sets, findDoubled) ??
      searchCards(reading, symbols.length + 1, sets, findMissing)
    );
  } finally {
    symbols.fill(0);
  }
}

/** `SHARE_SLIP`: says the kind and the place, never what was meant. */
export function slipRefusal({ form, kind, position, swappedWith }: Slip): BreakglassError {
  const symbol = form === 'words' ? 'word' : 'character';
  const messages = {
    wrong: `${symbol} ${position} of the share is wrong`,
    swapped: `${symbol}s ${position} and ${swappedWith} of the share are swapped`,
    doubled: `the share has one ${symbol} too many: number ${position} of what was entered`,
    missing: `${symbol} ${position} of the share is missing`,
  } as const satisfies Record<Slip['kind'], string>;
  return shareRefusal(
    'SHARE_SLIP',
    messages[kind],
    'compare that place with the card, and confirm the correction or enter the share again',
  );
}

/** What was entered, the card being built from it, and how that card is proved. */
interface Search {
  readonly form: ShareForm;
  readonly typed: Uint16Array;
  readonly card: Uint16Array;
  readonly prover: CandidateProver;
}

interface Found {
  readonly kind: Slip['kind'];
  /** Counted from 0. */
  readonly at: number;
  readonly swappedWith?: number;
  readonly share: Share;
}

function searchCards(
  { form, symbols }: CardReading,
  length: number,
  sets: readonly ShareSet[],
  find: (search: Search) => Found | undefined,
): Slip | undefined {
  const strength = strengthOf(form, length);
  if (!strength) return undefined;
  const card = secretSymbols(length);
  const prover = new CandidateProver(form, strength, sets);
  try {
    const found = find({ form, typed: symbols, card, prover });
    return found && slipOf(form, card, found);
  } finally {
    card.fill(0);
    prover.wipe();
  }
}

function slipOf(form: ShareForm, card: Uint16Array, { kind, at, swappedWith, share }: Found): Slip {
  const symbol = card[at];
  return {
    form: form.name,
    kind,
    position: at + 1,
    swappedWith: swappedWith === undefined ? undefined : swappedWith + 1,
    meant: symbol === undefined ? '' : form.spell(symbol),
    share,
  };
}

function findWrong(search: Search): Found | undefined {
  const { typed, card } = search;
  for (const at of suspects(typed)) {
    card.set(typed);
    const share = tryEverySymbol(search, at, typed[at]);
    if (share) return { kind: 'wrong', at, share };
  }
  return undefined;
}

function findSwapped({ typed, card, prover }: Search): Found | undefined {
  if (typed.includes(unknownSymbol)) return undefined;
  for (const at of typed.keys()) {
    for (let other = at + 1; other < typed.length; other++) {
      if (typed[at] === typed[other]) continue;
      card.set(typed);
      card.set(typed.subarray(at, at + 1), other);
      card.set(typed.subarray(other, other + 1), at);
      const share = prover.prove(card);
      if (share) return { kind: 'swapped', at, swappedWith: other, share };
    }
  }
  return undefined;
}

function findDoubled({ typed, card, prover }: Search): Found | undefined {
  for (const at of suspects(typed)) {
    card.set(typed.subarray(0, at));
    card.set(typed.subarray(at + 1), at);
    const share = prover.prove(card);
    if (share) return { kind: 'doubled', at, share };
  }
  return undefined;
}

function findMissing(search: Search): Found | undefined {
  const { typed, card } = search;
  if (typed.includes(unknownSymbol)) return undefined;
  for (const at of card.keys()) {
    card.set(typed.subarray(0, at));
    card.set(typed.subarray(at), at + 1);
    const share = tryEverySymbol(search, at, undefined);
    if (share) return { kind: 'missing', at, share };
  }
  return undefined;
}

function tryEverySymbol({ form, card, prover }: Search, at: number, entered: number | undefined): Share | undefined {
  for (let symbol = 0; symbol < form.alphabetSize; symbol++) {
    if (symbol === entered) continue;
    card[at] = symbol;
    const share = prover.prove(card);
    if (share) return share;
  }
  return undefined;
}

/** Where a single slip can be: anywhere, or at the one symbol that the form does not have. */
function suspects(typed: Uint16Array): number[] {
  const positions = [...typed.keys()];
  const unknown = positions.filter((position) => typed[position] === unknownSymbol);
  if (unknown.length > 1) return [];
  return unknown.length === 1 ? unknown : positions;
}
