import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/base/canonical.ts';
import { openJws } from '../../src/base/jws.ts';

const encode = (text: string) => Buffer.from(text).toString('base64url');
const kidOf = (n: number) =>
  Buffer.alloc(32, n % 256)
    .fill(n >> 8, 0, 1)
    .toString('base64url');
const compact = (typ: string, kid: string) =>
  `${encode(canonicalJson({ alg: 'EdDSA', kid, typ }))}.${encode('{}')}.${encode('s'.repeat(64))}`;

describe('the header of a JWS', () => {
  test('is the same on the first and on every later reading', () => {
    for (const n of [1, 1, 2, 1])
      expect(openJws(compact('breakglass-use+jws', kidOf(n)), 'breakglass-use+jws', 'it').header.kid).toBe(kidOf(n));
  });

  test('that was read as one type is refused as another', () => {
    const record = compact('breakglass-record+jws', kidOf(3));
    expect(openJws(record, 'breakglass-record+jws', 'it').header.typ).toBe('breakglass-record+jws');
    expect(() => openJws(record, 'breakglass+jwt', 'it')).toThrow('typ breakglass+jwt');
  });

  test('is read right however many other kids a stranger invents', () => {
    for (let n = 0; n < 1000; n++)
      expect(openJws(compact('breakglass-use+jws', kidOf(n)), 'breakglass-use+jws', 'it').header.kid).toBe(kidOf(n));
  });
});
