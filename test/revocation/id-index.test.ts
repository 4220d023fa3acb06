import { expect, test } from 'vitest';
import { IdIndex } from '../../src/revocation/id-index.ts';
import { fixedBytes } from '../share/fixture.ts';

const idOf = (n: number) => Buffer.from(fixedBytes(`id ${n}`, 16)).toString('base64url');

test('finds every id that was put in, and no other, through every growth', () => {
  const index = new IdIndex<{ n: number }>();
  for (let n = 0; n < 3000; n++) {
    index.set(idOf(n), { n });
    if (n % 97 === 0) for (let m = 0; m < 3000; m += 31) expect(index.get(idOf(m))?.n).toBe(m <= n ? m : undefined);
  }
  for (let n = 0; n < 6000; n++) expect(index.get(idOf(n))?.n).toBe(n < 3000 ? n : undefined);
});

test('the last value of an id counts', () => {
  const index = new IdIndex<{ n: number }>();
  for (const n of [1, 2]) index.set(idOf(7), { n });
  expect(index.get(idOf(7))).toEqual({ n: 2 });
});

test('ids that differ in one bit, wherever it stands, are different ids', () => {
  const index = new IdIndex<{ bit: number }>();
  const withBit = (bit: number) => {
    const bytes = Buffer.alloc(16);
    if (bit >= 0) bytes[bit >> 3] = 1 << (bit & 7);
    return bytes.toString('base64url');
  };
  // -1: the id of zero bits alone, which looks like an empty slot.
  for (let bit = -1; bit < 128; bit++) {
    expect(index.get(withBit(bit))).toBeUndefined();
    index.set(withBit(bit), { bit });
  }
  for (let bit = -1; bit < 128; bit++) expect(index.get(withBit(bit))).toEqual({ bit });
});

const alike = Buffer.alloc(12, 1);
test.each([
  ['begin', (last: Buffer) => Buffer.concat([alike, last])],
  ['end', (first: Buffer) => Buffer.concat([first, alike])],
] as const)('ids that %s alike are told apart, as many as there are', (_, join) => {
  const index = new IdIndex<{ n: number }>();
  const idAt = (n: number) => join(Buffer.of(0, 0, n >> 8, n & 255)).toString('base64url');
  for (let n = 0; n < 600; n++) index.set(idAt(n), { n });
  for (let n = 0; n < 1200; n++) expect(index.get(idAt(n))?.n).toBe(n < 600 ? n : undefined);
});

test.each([
  '',
  'short',
  'A'.repeat(23),
  `${'A'.repeat(21)}B`,
  `${'A'.repeat(21)}=`,
  `${'A'.repeat(21)}é`,
  `+${'A'.repeat(21)}`,
])('%j is no id: it is found nowhere and goes nowhere', (text) => {
  const index = new IdIndex<object>();
  index.set('A'.repeat(22), {});
  expect(index.get(text)).toBeUndefined();
  expect(() => index.set(text, {})).toThrow(TypeError);
});
