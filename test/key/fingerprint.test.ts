import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { words } from '../../src/base/words.ts';
import {
  fingerprintOf,
  fingerprintOfDigest,
  headWordCount,
  matchesWords,
  requestWordCount,
} from '../../src/key/fingerprint.ts';

const fingerprint = fingerprintOf('a request', requestWordCount);
const [first = '', second = '', third = ''] = fingerprint.words;

describe('a fingerprint', () => {
  test('is SHA-256 and its first bits as words, 11 a word, most significant first', () => {
    const digest = createHash('sha256').update('a request').digest();
    const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    const byHand = Array.from({ length: 12 }, (_, n) => words[Number.parseInt(bits.slice(11 * n, 11 * n + 11), 2)]);
    expect(fingerprint).toEqual({ sha256: digest.toString('hex'), words: byHand });
    expect(fingerprintOfDigest(fingerprint.sha256, headWordCount).words).toEqual(byHand.slice(0, 8));
  });

  test.each(['', 'ab', 'AB'.repeat(32), 'ab'.repeat(31), 'ab'.repeat(33), 'no hex'])(
    'is of no other text than a digest: %j',
    (text) => {
      expect(() => fingerprintOfDigest(text, 8)).toThrow(TypeError);
    },
  );
});

describe('typed words match a fingerprint', () => {
  const all = fingerprint.words.join(' ');
  test.each([
    ['all of them', all],
    ['in upper case', all.toUpperCase()],
    ['with other spaces, commas and line breaks', ` ${fingerprint.words.join(',\n\t')} `],
    ['with four letters a word', fingerprint.words.map((word) => word.slice(0, 4)).join(' ')],
  ])('%s', (_, typed) => {
    expect(matchesWords(typed, fingerprint)).toBe(true);
  });

  test.each([
    ['none', ''],
    ['one too few', fingerprint.words.slice(1).join(' ')],
    ['the last left out', fingerprint.words.slice(0, 11).join(' ')],
    ['one too many', `${all} ${first}`],
    ['two swapped', [second, first, ...fingerprint.words.slice(2)].join(' ')],
    ['a word that is not in the list', all.replace(third, 'breakglass')],
    ['a word with letters added', all.replace(first, `${first}x`)],
    ['three letters of a longer word', all.replace(first, first.slice(0, 3))],
    ['joined without spaces', fingerprint.words.join('')],
    ['the hex instead', fingerprint.sha256],
  ])('but not: %s', (_, typed) => {
    expect(matchesWords(typed, fingerprint)).toBe(false);
  });

  test('as a prefix only of as many as are asked for, or more', () => {
    const prefix = (count: number) => fingerprint.words.slice(0, count).join(' ');
    expect([2, 3, 4, 12].map((count) => matchesWords(prefix(count), fingerprint, 3))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(matchesWords(`${first} ${second} ${first}`, fingerprint, 3)).toBe(first === third);
  });

  test('never with one word replaced by another, at any place', () => {
    fc.assert(
      fc.property(fc.nat({ max: 11 }), fc.constantFrom(...words), (at, word) => {
        const typed = fingerprint.words.with(at, word).join(' ');
        expect(matchesWords(typed, fingerprint)).toBe(word === fingerprint.words[at]);
      }),
      { numRuns: 200, seed: 5 },
    );
  });
});
