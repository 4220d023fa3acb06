import { type createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openJws, sealJws, verifyJws } from '../../src/base/jws.ts';
import { deriveKey, ed25519JwkOf, importSigningKey, type KeyName, keyRoles } from '../../src/key/derive.ts';

const origin = { trustName: 'Example', nonce: new Uint8Array(16).fill(1) };
const seed = () => new Uint8Array(16).fill(9);
const name: KeyName = { role: 'token', alg: 'ES256', epoch: 1 };

describe('a derived key', () => {
  test('is another for every seed, name, nonce, role, algorithm and epoch', async () => {
    const derived = await Promise.all([
      deriveKey(seed(), origin, name),
      deriveKey(new Uint8Array(32).fill(9), origin, name),
      deriveKey(seed().fill(8), origin, name),
      deriveKey(seed(), { ...origin, trustName: 'Example\0' }, name),
      deriveKey(seed(), { ...origin, nonce: new Uint8Array(16).fill(2) }, name),
      deriveKey(seed(), origin, { ...name, epoch: 2 }),
      ...keyRoles.filter((role) => role !== 'token').map((role) => deriveKey(seed(), origin, { ...name, role })),
      ...keyRoles.map((role) => deriveKey(seed(), origin, { role, alg: 'Ed25519', epoch: 1 })),
    ]);
    expect(new Set(derived.map(({ kid }) => kid)).size).toBe(derived.length);
  });

  test('leaves the seed to the caller, and its private half with nobody', async () => {
    const given = seed();
    const key = await deriveKey(given, origin, name);
    expect(given).toEqual(seed());
    expect(key.key.extractable).toBe(false);
    await expect(webcrypto.subtle.exportKey('pkcs8', key.key)).rejects.toThrow();
    expect(JSON.stringify(key)).not.toContain('"d"');
  });

  test.each(keyRoles)('of the role %s signs under the alg that its files have', async (role) => {
    for (const alg of ['ES256', 'Ed25519'] as const) {
      const key = await deriveKey(seed(), origin, { role, alg, epoch: 1 });
      expect(key.alg).toBe(role === 'token' || role === 'drill' ? alg : 'EdDSA');
      if (key.alg === 'EdDSA' && alg === 'ES256') continue;
      const jws = openJws(await sealJws({ v: 1 }, 'breakglass-use+jws', key), 'breakglass-use+jws', 'it');
      expect([jws.header.kid, verifyJws(jws, key.public.key)]).toEqual([key.kid, true]);
    }
  });
});

test('a key from PKCS#8 is the key of that file, and no other curve is taken', async () => {
  const der = (pair: { privateKey: ReturnType<typeof createPrivateKey> }) =>
    pair.privateKey.export({ type: 'pkcs8', format: 'der' });
  const pair = generateKeyPairSync('ed25519');
  const key = await importSigningKey(der(pair), { alg: 'Ed25519', role: 'deny' });
  expect(ed25519JwkOf(key)).toMatchObject({ x: pair.publicKey.export({ format: 'jwk' }).x });
  await expect(
    importSigningKey(der(generateKeyPairSync('x25519')), { alg: 'Ed25519', role: 'deny' }),
  ).rejects.toThrow();
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  await expect(importSigningKey(der(p384), { alg: 'ES256', role: 'token' })).rejects.toThrow();
  const token = await deriveKey(seed(), origin, name);
  expect(() => ed25519JwkOf(token)).toThrow(TypeError);
});
