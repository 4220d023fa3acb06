import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  copySecret,
  equalBytes,
  formatBase64url,
  formatHex,
  parseBase64url,
  parseHex,
  secretBytes,
  sha256,
  sha256Hex,
  wipe,
} from '../../src/base/bytes.ts';

const bytes = fc.uint8Array({ maxLength: 70 });

describe('a text of bytes', () => {
  test('is read back from its one spelling', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(new Uint8Array(parseHex(formatHex(value)) ?? [])).toEqual(value);
        expect(new Uint8Array(parseBase64url(formatBase64url(value)) ?? [])).toEqual(value);
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  test('of a part of a buffer is of that part', () => {
    const whole = Uint8Array.of(1, 2, 3, 4, 5);
    expect([formatHex(whole.subarray(1, 3)), formatBase64url(whole.subarray(1, 3))]).toEqual(['0203', 'AgM']);
  });

  test.each(['0', 'AB', 'ab ', ' ab', 'ab\n', '0x', 'zz', 'a b '])('is not hex: %j', (text) => {
    expect(parseHex(text)).toBeUndefined();
  });

  test.each(['A', 'AA==', 'AA=', 'AB', 'A A', 'AA\n', ' AA', '+A', '/A', 'AAA\u0100', 'AAAAA', 'ÄA'])(
    'is not canonical base64url: %j',
    (text) => {
      expect(parseBase64url(text)).toBeUndefined();
    },
  );

  test('that random characters make is base64url only if it is the spelling of what it says', () => {
    const letters = fc.string({ unit: fc.constantFrom(...'AQgwBZaz09-_=+/ \n'), maxLength: 8 });
    fc.assert(
      fc.property(letters, (text) => {
        const read = parseBase64url(text);
        if (read) expect(formatBase64url(read)).toBe(text);
      }),
      { numRuns: 500, seed: 4 },
    );
  });
});

test('SHA-256 is over the parts one after the other, strings as UTF-8', () => {
  const expected = createHash('sha256').update('aé\0').update(Uint8Array.of(1, 2)).digest('hex');
  expect(sha256Hex('aé', Uint8Array.of(0, 1), Uint8Array.of(2))).toBe(expected);
  expect(formatHex(sha256('aé\0\u0001\u0002'))).toBe(expected);
});

test('equal bytes are equal whatever holds them', () => {
  expect(equalBytes(Buffer.from([1, 2]), Uint8Array.of(0, 1, 2).subarray(1))).toBe(true);
  expect(equalBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
});

test('a secret lies outside the heap, is a copy of its own, and is wiped whole', () => {
  const given = Uint8Array.of(1, 2, 3);
  const secret = copySecret(given);
  expect(Buffer.isBuffer(secret)).toBe(false);
  expect([secretBytes(3).buffer.byteLength, secret.buffer.byteLength]).toEqual([3, 3]);
  wipe(secret, given);
  expect([...secret, ...given]).toEqual([0, 0, 0, 0, 0, 0]);
});
