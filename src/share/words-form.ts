import { wipe } from '../base/bytes.ts';
import { bitsAt, words } from '../base/words.ts';
import { joinSymbols } from './bits.ts';
import { openSymbols, type ShareForm, secretSymbols, unknownSymbol } from './form.ts';
import { formatShareBits, type Share } from './share.ts';

const bitsPerWord = 11;

/** 17 or 29 words of the BIP-39 English list. */
export const wordsForm: ShareForm = {
  name: 'words',
  symbolName: 'word',
  lengths: { 128: 17, 256: 29 },
  alphabetSize: words.length,
  read: readWords,
  write: writeWords,
  join: (symbols, into) => joinSymbols(symbols, bitsPerWord, into),
  admits: (symbol) => symbol < words.length,
  spell: (symbol) => words[symbol] ?? '',
};

/** The words of a card, secret. They are the list's own strings: no new copy is made. */
export function formatShareWords(share: Share): string[] {
  const symbols = writeWords(share);
  const spelled = Array.from(symbols, wordsForm.spell);
  symbols.fill(0);
  return spelled;
}

/** The share whose words `typed` holds, in any case, numbered or not, cut to four letters or more. Throws `SHARE_…`. */
export function parseShareWords(typed: Uint8Array): Share {
  const symbols = readWords(typed);
  try {
    return openSymbols(wordsForm, symbols);
  } finally {
    symbols.fill(0);
  }
}

function writeWords(share: Share): Uint16Array {
  const symbols = secretSymbols(wordsForm.lengths[share.strength]);
  const bits = formatShareBits(share);
  for (const position of symbols.keys()) symbols[position] = bitsAt(bits, position * bitsPerWord, bitsPerWord);
  wipe(bits);
  return symbols;
}

// Works on bytes throughout: a string of a typed word could not be wiped.
function readWords(typed: Uint8Array): Uint16Array {
  const symbols = secretSymbols(typed.length);
  let count = 0;
  for (let from = 0; from < typed.length; from++) {
    if (isSeparator(typed[from])) continue;
    const end = tokenEnd(typed, from);
    const start = numberingEnd(typed, from, end);
    if (start < end) symbols[count++] = wordAt(typed.subarray(start, end));
    from = end;
  }
  return symbols.subarray(0, count);
}

const separators = new Set(Buffer.from(' \t\r\n,'));
const numberingMarks = new Set(Buffer.from('.):'));

function isSeparator(byte: number | undefined): boolean {
  return byte !== undefined && separators.has(byte);
}

function tokenEnd(typed: Uint8Array, from: number): number {
  let end = from;
  while (end < typed.length && !isSeparator(typed[end])) end++;
  return end;
}

/** Where the word begins after `1`, `1.`, `1)` or `1:`, which may stand before it or alone. */
function numberingEnd(typed: Uint8Array, from: number, end: number): number {
  let start = from;
  while (start < Math.min(end, from + 2) && isDigit(typed[start])) start++;
  const isNumbered = start > from && start < end && numberingMarks.has(typed[start] ?? 0);
  return isNumbered ? start + 1 : start;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

// Made when the first words are read: a share in its text form has no need of it.
let symbolByStem: ReadonlyMap<number, number> | undefined;

function wordAt(typed: Uint8Array): number {
  symbolByStem ??= new Map(words.map((word, symbol) => [stem(Buffer.from(word)), symbol]));
  const symbol = symbolByStem.get(stem(typed)) ?? unknownSymbol;
  const word = words[symbol] ?? '';
  const isCutFrom = typed.every((byte, at) => (byte | 0x20) === word.charCodeAt(at));
  return isCutFrom ? symbol : unknownSymbol;
}

/** The first four letters, which identify a word, as a number without regard to case. */
function stem(letters: Uint8Array): number {
  return letters.subarray(0, 4).reduce((number, byte) => (number << 5) | (byte & 0x1f), 0);
}
