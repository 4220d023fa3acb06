import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitsAt, digestWords, parseWords, wordIndex, words } from '../../src/base/words.ts';

describe('the word list', () => {
  test('is the English one of BIP-39, byte for byte', () => {
    const file = `${words.join('\n')}\n`;
    expect(words).toHaveLength(2048);
    expect(createHash('sha256').update(file).digest('hex')).toBe(
      '2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda',
    );
  });

  test('has every word found by its spelling and by four letters or more, and by nothing else', () => {
    for (const [index, word] of words.entries()) {
      expect(wordIndex(word)).toBe(index);
      for (let length = 4; length < word.length; length++) expect(wordIndex(word.slice(0, length))).toBe(index);
      expect(wordIndex(`${word}x`)).toBeUndefined();
      if (word.length > 3) expect(wordIndex(word.slice(0, 3))).not.toBe(index);
    }
  });

  test.each(['', 'abc', 'Abandon', 'abandon ', 'abandonx', 'abanx', 'constructor', '__proto__'])(
    'does not have %j',
    (typed) => {
      expect(wordIndex(typed)).toBeUndefined();
    },
  );
});

test('the bits of bytes are read most significant first, over their borders', () => {
  const bytes = Uint8Array.of(0b1010_0101, 0b1100_0011, 0b1111_0000);
  expect([bitsAt(bytes, 0, 3), bitsAt(bytes, 5, 6), bitsAt(bytes, 0, 24), bitsAt(bytes, 20, 4)]).toEqual([
    5, 46, 0xa5c3f0, 0,
  ]);
});

test('words that were typed are the words that were shown, whatever is between them', () => {
  const separators = fc.constantFrom(' ', '  ', ', ', '\n', '\t,');
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 17, maxLength: 17 }), separators, (digest, separator) => {
      const shown = digestWords(digest, 12);
      expect(parseWords(shown.join(separator).toUpperCase())).toEqual(shown);
      expect(parseWords(shown.map((word) => word.slice(0, 4)).join(separator))).toEqual(shown);
    }),
    { numRuns: 100, seed: 6 },
  );
  expect([parseWords(''), parseWords('abandon nonsense')]).toEqual([[], undefined]);
});
