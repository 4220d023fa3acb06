import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyDecoder } from '../../src/terminal/keys.ts';

function decode(typed: string) {
  const decoder = new KeyDecoder();
  return [...Buffer.from(typed, 'latin1')].map((byte) => decoder.take(byte)).filter((key) => key !== undefined);
}

test.each([
  ['an arrow', '\x1b[A'],
  ['an arrow with Ctrl', '\x1b[1;5C'],
  ['F1 of a Linux console', '\x1b[[A'],
  ['F1 of an xterm', '\x1bOP'],
  ['Delete', '\x1b[3~'],
  ['Alt-x', '\x1bx'],
  ['a report of the mouse', '\x1b[<0;1;1M'],
  ['a colour of the terminal', '\x1b[?1;2c'],
  ['NUL', '\x00'],
])('%s means nothing', (_, sequence) => {
  expect(decode(`a${sequence}b`)).toEqual([0x61, 0x62]);
});

test('Ctrl-C works in the middle of a sequence', () => {
  expect(decode('\x1b[12\x03')).toEqual(['interrupt']);
});

test('a lone Escape is a key after a moment, and what follows is text again', () => {
  const decoder = new KeyDecoder();
  expect(decoder.take(0x1b)).toBeUndefined();
  expect([1, 2, 3, 4].map(() => decoder.idle())).toEqual([undefined, undefined, undefined, 'escape']);
  expect(decoder.take(0x61)).toBe(0x61);
});

test('a paste is marked at both ends', () => {
  expect(decode('\x1b[200~a\x1b[201~')).toEqual(['paste-begins', 0x61, 'paste-ends']);
});

test('no bytes make it wait for more than 32, nor let a control byte through as text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const decoder = new KeyDecoder();
      const keys = [...bytes].map((byte) => decoder.take(byte));
      expect(keys.every((key) => typeof key !== 'number' || (key >= 0x20 && key !== 0x7f))).toBe(true);
      const swallowed = Array.from({ length: 40 }, () => decoder.take(0x30));
      expect(swallowed.at(-1)).toBe(0x30);
    }),
    { numRuns: 200 },
  );
});
