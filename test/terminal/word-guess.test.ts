import fc from 'fast-check';
import { expect, test } from 'vitest';
import { words } from '../../src/base/words.ts';
import { canBecomeWord, completeWord, nearestWords } from '../../src/terminal/word-guess.ts';

const bytes = (text: string) => Buffer.from(text);

test('every word is complete in full, and by its first four letters', () => {
  for (const word of words) {
    expect(completeWord(bytes(word))).toBe(word);
    expect(completeWord(bytes(word.slice(0, 4).toUpperCase()))).toBe(word);
  }
});

test('fewer letters are enough where only one word begins so, and not where several do', () => {
  expect(completeWord(bytes('zeb'))).toBe('zebra');
  expect(completeWord(bytes('abs'))).toBeUndefined();
  expect(completeWord(bytes(''))).toBeUndefined();
  expect(completeWord(bytes('absurdly'))).toBeUndefined();
});

test('a single slip in a word is guessed: its word is among the nearest', () => {
  fc.assert(
    fc.property(fc.constantFrom(...words.filter((word) => word.length > 5)), fc.nat(), (word, seed) => {
      const at = 1 + (seed % (word.length - 2));
      const slips = [
        `${word.slice(0, at)}${word.slice(at + 1)}`,
        `${word.slice(0, at)}${word[at]}${word.slice(at)}`,
        `${word.slice(0, at)}${word[at + 1]}${word[at]}${word.slice(at + 2)}`,
      ].filter((typed) => !canBecomeWord(bytes(typed)));
      for (const typed of slips) expect(nearestWords(bytes(typed)).length).toBeGreaterThan(0);
    }),
    { numRuns: 60 },
  );
  expect(nearestWords(bytes('absrd'))).toEqual(['absurd']);
  expect(nearestWords(bytes('bausa'))).not.toContain('zoo');
  expect(nearestWords(bytes('qqqqqqqq'))).toEqual([]);
});
