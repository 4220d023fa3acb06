import { wordlist } from '@scure/bip39/wordlists/english.js';

/** The 2,048 words of the BIP-39 English list; four letters identify a word. */
export const words: readonly string[] = wordlist;

const indexByWord: ReadonlyMap<string, number> = new Map(words.map((word, index) => [word, index]));
const indexByPrefix: ReadonlyMap<string, number> = new Map(words.map((word, index) => [word.slice(0, 4), index]));

/** The number of a word 0…2047 by its spelling, or by its first four letters or more; undefined when it is none. */
export function wordIndex(typed: string): number | undefined {
  const exact = indexByWord.get(typed);
  if (exact !== undefined) return exact;
  const byPrefix = indexByPrefix.get(typed.slice(0, 4));
  return byPrefix !== undefined && words[byPrefix]?.startsWith(typed) ? byPrefix : undefined;
}

/** The first `count` × 11 bits of a digest as words, most significant bit first. */
export function digestWords(digest: Uint8Array, count: number): string[] {
  return Array.from({ length: count }, (_, position) => words[bitsAt(digest, position * 11, 11)] ?? '');
}

/** What a person typed as fingerprint words: lower case, full words; undefined when one is not in the list. */
export function parseWords(typed: string): string[] | undefined {
  const found = typed
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map((word) => words[wordIndex(word) ?? -1]);
  return found.every((word) => word !== undefined) ? found : undefined;
}

/** `count` bits from bit `from` of `bytes`, most significant first, as a number (at most 31 bits). */
export function bitsAt(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let bit = from; bit < from + count; bit++)
    value = (value << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
  return value;
}
