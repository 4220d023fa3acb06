import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, test } from 'vitest';
import { isBreakglassError } from '../../src/base/errors.ts';
import type { PublicJwk } from '../../src/base/schema.ts';
import { formatPem, jwkAlg, loadPublicKey, thumbprint } from '../../src/key/public.ts';

const okp = (hex: string): PublicJwk => ({
  crv: 'Ed25519',
  kty: 'OKP',
  x: Buffer.from(hex, 'hex').toString('base64url'),
});
const coordinate = (n: bigint) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex').toString('base64url');
const ec = (x: bigint, y: bigint): PublicJwk => ({ crv: 'P-256', kty: 'EC', x: coordinate(x), y: coordinate(y) });

function refusal(jwk: PublicJwk): string {
  try {
    loadPublicKey(jwk, 'dana');
    return 'accepted';
  } catch (error) {
    if (!isBreakglassError(error, 'KEY_REFUSED')) throw error;
    return error.message;
  }
}

/** Every encoding of the eight points of small order that some library takes, RFC 8032 and ZIP 215 together. */
const smallOrder: readonly [what: string, hex: string, refused: RegExp][] = [
  ['the neutral element', `01${'00'.repeat(31)}`, /small order/],
  ['order 2: y = -1', `ec${'ff'.repeat(30)}7f`, /small order/],
  ['order 4: y = 0', '00'.repeat(32), /small order/],
  ['order 4: y = 0 and the sign bit', `${'00'.repeat(31)}80`, /small order/],
  ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', /small order/],
  ['order 8 and the sign bit', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', /small order/],
  ['order 8, the other', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', /small order/],
  [
    'order 8, the other and the sign bit',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    /small order/,
  ],
  ['y = 1, x = 0 with the sign bit', `01${'00'.repeat(30)}80`, /not a canonical point/],
  ['y = -1, x = 0 with the sign bit', `ec${'ff'.repeat(31)}`, /not a canonical point/],
  ['y = p', `ed${'ff'.repeat(30)}7f`, /not a canonical point/],
  ['y = p and the sign bit', `ed${'ff'.repeat(31)}`, /not a canonical point/],
  ['y = p + 1', `ee${'ff'.repeat(30)}7f`, /not a canonical point/],
  ['y = p + 1 and the sign bit', `ee${'ff'.repeat(31)}`, /not a canonical point/],
];

describe('an Ed25519 key', () => {
  test('that was generated is loaded, with the thumbprint of RFC 7638 and a PEM that openssl reads', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const jwk = publicKey.export({ format: 'jwk' }) as PublicJwk;
    const key = loadPublicKey({ crv: 'Ed25519', kty: 'OKP', x: jwk.x }, 'dana');
    expect([key.alg, key.kid]).toEqual(['Ed25519', await calculateJwkThumbprint({ ...jwk })]);
    expect(createPublicKey(formatPem(key)).equals(publicKey)).toBe(true);
  });

  test.each(smallOrder)('of small order is refused: %s', (_, hex, refused) => {
    expect(refusal(okp(hex))).toMatch(refused);
  });

  test('is refused in each of the 19 encodings with y of p or more', () => {
    for (let n = 0; n < 19; n++)
      for (const top of ['7f', 'ff'])
        expect(refusal(okp(`${(0xed + n).toString(16)}${'ff'.repeat(30)}${top}`))).toMatch(/not a canonical point/);
  });

  test('that is not on the curve is refused', () => {
    const off = Array.from(
      { length: 20 },
      (_, n) => `${(n + 2).toString(16).padStart(2, '0')}${'00'.repeat(31)}`,
    ).filter((hex) => {
      try {
        ed25519.Point.fromHex(hex);
        return false;
      } catch {
        return true;
      }
    });
    expect(off.length).toBeGreaterThan(5);
    for (const hex of off) expect(refusal(okp(hex))).toMatch(/not a canonical point/);
  });

  test.each([
    ['31 bytes', 'ab'.repeat(31)],
    ['33 bytes', 'ab'.repeat(33)],
    ['nothing', ''],
  ])('of %s is refused', (_, hex) => {
    expect(refusal(okp(hex))).toMatch(/not 32 bytes/);
  });

  test('in another spelling of base64url is refused', () => {
    const good = Buffer.from(ed25519.Point.BASE.toBytes()).toString('base64url');
    expect(refusal({ crv: 'Ed25519', kty: 'OKP', x: good })).toBe('accepted');
    for (const x of [`${good}=`, ` ${good}`, `${good.slice(0, -1)}n`])
      expect(refusal({ crv: 'Ed25519', kty: 'OKP', x })).toMatch(/not 32 bytes/);
  });

  test('LIMIT: with a part of small order beside a large one is loaded, for no signature can be forged under it', () => {
    const torsion = ed25519.Point.fromHex(smallOrder[4]?.[1] ?? '');
    const mixed = ed25519.Point.BASE.multiply(5n).add(torsion);
    expect([mixed.isTorsionFree(), refusal(okp(mixed.toHex()))]).toEqual([false, 'accepted']);
  });
});

const { p } = p256.Point.CURVE();
const generator = p256.Point.BASE.toAffine();

/** A point whose x is so small that x + p fits 32 bytes too. */
function pointOfSmallX() {
  for (let x = 1n; ; x++) {
    try {
      return p256.Point.fromHex(`02${x.toString(16).padStart(64, '0')}`).toAffine();
    } catch {
      // Half of all x are on no point.
    }
  }
}

describe('a P-256 key', () => {
  test('that was generated is loaded, with the thumbprint of RFC 7638 and a PEM that openssl reads', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x, y } = publicKey.export({ format: 'jwk' }) as { x: string; y: string };
    const key = loadPublicKey({ crv: 'P-256', kty: 'EC', x, y }, 'dana');
    expect([key.alg, key.kid]).toEqual(['ES256', await calculateJwkThumbprint({ crv: 'P-256', kty: 'EC', x, y })]);
    expect(createPublicKey(formatPem(key)).equals(publicKey)).toBe(true);
  });

  const small = pointOfSmallX();
  test.each([
    ['not on the curve', ec(generator.x, generator.y + 1n)],
    ['infinity written as 0, 0', ec(0n, 0n)],
    ['infinity written as 0, 1', ec(0n, 1n)],
    ['its x and y swapped', ec(generator.y, generator.x)],
    ['an x of p', ec(p, generator.y)],
    ['all bits set', ec(2n ** 256n - 1n, 2n ** 256n - 1n)],
    ['an x above p of a point of the curve', ec(small.x + p, small.y)],
    ['of another y', ec(generator.x, (generator.y * 2n) % p)],
  ])('that is %s is refused', (_, jwk) => {
    expect(refusal(jwk)).toMatch(/not a point of the curve/);
  });

  test('is the same with y and with -y, which are two keys', () => {
    const [plus, minus] = [ec(generator.x, generator.y), ec(generator.x, p - generator.y)];
    expect([refusal(plus), refusal(minus)]).toEqual(['accepted', 'accepted']);
    expect(thumbprint(plus)).not.toBe(thumbprint(minus));
    expect(jwkAlg(plus)).toBe('ES256');
  });
});

test('a refusal names whose key it is and never holds a private half', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d } = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({ format: 'jwk' });
  const message = refusal(okp('00'.repeat(32)));
  expect(message).toMatch(/^the public key of dana is refused: /);
  expect(message).not.toContain(d);
});
