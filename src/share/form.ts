import { secretBytes, wipe } from '../base/bytes.ts';
import type { BreakglassError } from '../base/errors.ts';
import { shareRefusal } from './refusal.ts';
import { checksumRefusal, type Share, type Strength, shareLayouts, unpackShare, wipeShare } from './share.ts';

/** A symbol that the form does not have: a word that is not in the list, a character out of place. */
export const unknownSymbol = 0xffff;

/** One of the two ways to write a share: as a row of symbols, which are words or characters. */
export interface ShareForm {
  readonly name: 'words' | 'text';
  readonly symbolName: 'word' | 'character';
  /** How many symbols a whole card has. */
  readonly lengths: Readonly<Record<Strength, number>>;
  /** Symbols are numbers below this. */
  readonly alphabetSize: number;
  /** The symbols of what was typed, secret; `unknownSymbol` for what the form does not have. Of any length. */
  read(typed: Uint8Array): Uint16Array;
  /** The symbols of a share, secret: the only ones that `read` gives for its card. */
  write(share: Share): Uint16Array;
  /** The bits of fields and checksum that `symbols` of the right length stand for. */
  join(symbols: Uint16Array, into: Uint8Array): void;
  /** False if the symbol can never stand at this position, counted from 0. */
  admits(symbol: number, position: number): boolean;
  /** A symbol as it is printed on the card. */
  spell(symbol: number): string;
}

/** `count` zero symbols that can be wiped. */
export function secretSymbols(count: number): Uint16Array {
  return new Uint16Array(secretBytes(2 * count).buffer);
}

/**
 * The share that `symbols` are the one spelling of. Throws `SHARE_LENGTH`, `SHARE_WORD_UNKNOWN`, or an error of
 * `unpackShare`. Reading, writing again and comparing leaves no second spelling: of the padding, the prefix, or bech32m's own
 * checksum.
 */
export function openSymbols(form: ShareForm, symbols: Uint16Array): Share {
  const strength = strengthOf(form, symbols.length);
  if (!strength) throw lengthRefusal(form, symbols.length);
  const strangers = [...symbols.keys()].filter((position) => !form.admits(symbols[position] ?? 0, position));
  if (strangers.length > 0) throw unknownRefusal(form, strangers);
  const bits = secretBytes(shareLayouts[strength].bitsLength);
  try {
    form.join(symbols, bits);
    const share = unpackShare(bits);
    if (isSpelling(form, symbols, share)) return share;
    wipeShare(share);
    throw checksumRefusal();
  } finally {
    wipe(bits);
  }
}

/** True if `symbols` are exactly what the card of `share` shows. */
export function isSpelling(form: ShareForm, symbols: Uint16Array, share: Share): boolean {
  const written = form.write(share);
  const same = written.length === symbols.length && written.every((symbol, position) => symbol === symbols[position]);
  written.fill(0);
  return same;
}

/** The strength of a card with so many symbols, or undefined if no card has that many. */
export function strengthOf(form: ShareForm, count: number): Strength | undefined {
  return ([128, 256] as const).find((strength) => form.lengths[strength] === count);
}

function lengthRefusal(form: ShareForm, count: number): BreakglassError {
  const { 128: short, 256: long } = form.lengths;
  return shareRefusal(
    'SHARE_LENGTH',
    `the share has ${count} ${form.symbolName}${count === 1 ? '' : 's'}; a card has ${short} or ${long}`,
    'compare it with the card and enter all of it',
  );
}

function unknownRefusal(form: ShareForm, positions: readonly number[]): BreakglassError {
  const numbers = positions.map((position) => position + 1).join(', ');
  const named = positions.length === 1 ? `${form.symbolName} ${numbers}` : `${form.symbolName}s ${numbers}`;
  const verb = positions.length === 1 ? 'is' : 'are';
  return shareRefusal(
    'SHARE_WORD_UNKNOWN',
    form.name === 'words'
      ? `${named} of the share ${verb} not in the word list`
      : `${named} of the share cannot stand there: the text form is all lower or all upper case, without b, i, o and 1 after bg1`,
    'compare it with the card and enter it again',
  );
}
