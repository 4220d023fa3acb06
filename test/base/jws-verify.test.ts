import { describe, expect, test } from 'vitest';
import { BreakglassError } from '../../src/base/errors.ts';
import { openJws, sealJws, verifyJws, verifyJwsInBackground } from '../../src/base/jws.ts';
import { deriveKey } from '../../src/key/derive.ts';

const seed = new Uint8Array(16).fill(3);
const origin = { trustName: 'Example', nonce: new Uint8Array(16) };
const typ = 'breakglass-use+jws';
const keys = await Promise.all(
  (['Ed25519', 'ES256'] as const).map((alg) => deriveKey(seed, origin, { role: 'token', alg, epoch: 1 })),
);

const open = (compact: string) => openJws(compact, typ, 'it');

describe('a signature', () => {
  test('is right under its own key only, in the foreground as in the background', async () => {
    for (const signer of keys) {
      const jws = open(await sealJws({ v: 1 }, typ, signer));
      for (const key of keys) {
        expect(verifyJws(jws, key.public.key)).toBe(key === signer);
        expect(await verifyJwsInBackground(jws, key.public.key)).toBe(key === signer);
      }
    }
  });

  // OpenSSL throws for Ed25519 with a digest, and would take a digest of its own for ECDSA without one.
  test.each(['EdDSA', 'Ed25519', 'ES256'])(
    'under the alg %s is wrong for a key of the other kind, and nothing is thrown',
    async (alg) => {
      for (const signer of keys) {
        const [, payload, signature] = (await sealJws({ v: 1 }, typ, signer)).split('.');
        const header = Buffer.from(`{"alg":"${alg}","kid":"${signer.kid}","typ":"${typ}"}`).toString('base64url');
        const jws = open(`${header}.${payload}.${signature}`);
        for (const key of keys) {
          const good = verifyJws(jws, key.public.key);
          expect(good).toBe(false || (key === signer && alg === signer.alg));
          expect(await verifyJwsInBackground(jws, key.public.key)).toBe(good);
        }
      }
    },
  );

  test('with any bit changed is wrong, or refused by its form', async () => {
    const [key] = keys;
    if (!key) throw new Error('no key');
    const compact = await sealJws({ v: 1 }, typ, key);
    const start = compact.lastIndexOf('.') + 1;
    for (let at = start; at < compact.length; at++) {
      const changed = `${compact.slice(0, at)}${compact[at] === 'A' ? 'B' : 'A'}${compact.slice(at + 1)}`;
      let good = false;
      try {
        good = verifyJws(open(changed), key.public.key);
      } catch (error) {
        expect(error).toBeInstanceOf(BreakglassError);
      }
      expect(good).toBe(false);
    }
  });
});
