import { words } from '../base/words.ts';

const longestSuggestion = 3;
const farthestSlip = 2;

/** The word of the list that `typed` is, or the only one that begins like it; undefined otherwise. Case does not matter. */
export function completeWord(typed: Uint8Array): string | undefined {
  if (typed.length === 0) return undefined;
  const candidates = words.filter((word) => beginsWith(word, typed));
  return candidates.length === 1 ? candidates[0] : candidates.find((word) => word.length === typed.length);
}

/** True if a word of the list begins like `typed`. */
export function canBecomeWord(typed: Uint8Array): boolean {
  return words.some((word) => beginsWith(word, typed));
}

/** Up to three words of the list that a person who typed this may have meant, the nearest first. */
export function nearestWords(typed: Uint8Array): string[] {
  const ranked = words
    .map((word) => ({ word, ...distances(typed, word) }))
    .filter(({ whole, begun }) => Math.min(whole, begun) <= farthestSlip)
    .sort((a, b) => a.begun - b.begun || a.whole - b.whole);
  const nearest = ranked[0]?.begun;
  return ranked
    .filter(({ begun }) => begun === nearest)
    .slice(0, longestSuggestion)
    .map(({ word }) => word);
}

function beginsWith(word: string, typed: Uint8Array): boolean {
  return typed.length <= word.length && typed.every((byte, position) => lower(byte) === word.charCodeAt(position));
}

// Optimal string alignment: a wrong, missing, doubled or swapped letter counts one. `whole` is the distance to the word, `begun`
// that to the nearest beginning of it.
function distances(typed: Uint8Array, word: string): { readonly whole: number; readonly begun: number } {
  let before: number[] = [];
  let last = Array.from({ length: word.length + 1 }, (_, column) => column);
  for (let row = 1; row <= typed.length; row++) {
    const next = [row];
    for (let column = 1; column <= word.length; column++) {
      const same = lower(typed[row - 1] ?? 0) === word.charCodeAt(column - 1);
      const swapped =
        row > 1 &&
        lower(typed[row - 1] ?? 0) === word.charCodeAt(column - 2) &&
        lower(typed[row - 2] ?? 0) === word.charCodeAt(column - 1);
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = last;
    last = next;
  }
  return { whole: last[word.length] ?? 0, begun: Math.min(...last) };
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
