import { createHash, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { jwkSets, pemFiles, trustFilesFor } from '../../src/ceremony/trust-files.ts';
import { ed25519JwkOf } from '../../src/key/derive.ts';
import { exampleToken, type Fixture, makeFixture, midnight } from '../token/fixture.ts';

let fixtures: readonly Fixture[];
beforeAll(async () => {
  fixtures = await Promise.all([makeFixture('ES256'), makeFixture('Ed25519')]);
});

const parse = (bytes: Uint8Array | undefined) => JSON.parse(Buffer.from(bytes ?? []).toString());

describe('the JWK Set', () => {
  test('holds the active token keys and no other, with alg, kid and use', async () => {
    for (const { trust, alg, token } of fixtures) {
      const sets = jwkSets(trust);
      expect([...sets.keys()]).toEqual([`jwks-${alg.toLowerCase()}.json`]);
      const { keys } = parse([...sets.values()][0]);
      expect(keys).toEqual([{ ...token.public.jwk, alg, kid: token.kid, use: 'sig' }]);
      expect(await calculateJwkThumbprint(keys[0])).toBe(token.kid);
    }
  });

  test('is one that jose verifies a token with', async () => {
    for (const fixture of fixtures) {
      const keySet = createLocalJWKSet(parse([...jwkSets(fixture.trust).values()][0]));
      const { payload } = await jwtVerify(await exampleToken(fixture), keySet, {
        currentDate: new Date(midnight * 1000),
      });
      expect(payload.sub).toBe('dana');
    }
  });
});

test('a medium holds the trust file and every key in PEM, under names of 8.3', () => {
  for (const { trust, root, retiredToken, revoker } of fixtures) {
    const files = trustFilesFor(trust, ed25519JwkOf(revoker));
    expect([...files.keys()].sort()).toEqual([
      'DENY0001.PEM',
      'DENY0002.PEM',
      'DRILL002.PEM',
      'RECORD01.PEM',
      'ROOT0001.PEM',
      'T0000001.TXT',
      'TOKEN001.PEM',
      'TOKEN002.PEM',
      'TRAIL002.PEM',
    ]);
    expect(
      createHash('sha256')
        .update(files.get('T0000001.TXT') ?? '')
        .digest('hex'),
    ).toBe(trust.id);
    const pems = pemFiles(trust);
    for (const [name, key] of [
      ['ROOT0001.PEM', root],
      ['TOKEN001.PEM', retiredToken],
    ] as const)
      expect(createPublicKey(Buffer.from(pems.get(name) ?? [])).equals(key.public.key)).toBe(true);
  }
});
