import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pinnedKey } from '../../src/ceremony/pinned-key.ts';
import { deriveKey } from '../../src/key/derive.ts';
import { keyOrigin, openTrust, type Trust } from '../../src/trust/trust-file.ts';
import { initialized, type Scene, scratch } from './fixture.ts';

const folder = scratch('pinned-key');
let scene: Scene;
let trust: Trust;
beforeAll(async () => {
  scene = await initialized(folder.dir);
  trust = openTrust(readFileSync(join(scene.outDir, 'trust.jws')));
});
afterAll(folder.remove);

test.each(['token', 'drill', 'trail', 'deny'] as const)(
  'a seed that does not give the pinned %s key signs nothing',
  async (use) => {
    const foreign = Buffer.alloc(16, 7);
    await expect(pinnedKey(foreign, trust, use)).rejects.toMatchObject({
      code: 'KEY_MISMATCH',
      message: `the rebuilt ${use} key is not the one that the trust file pins`,
    });
  },
);

test('a seed that gives the pinned key gives it', async () => {
  const seed = Buffer.alloc(16, 7);
  const token = await deriveKey(seed, keyOrigin(trust.payload), { role: 'token', alg: 'ES256', epoch: 1 });
  const keys = trust.keys.map((key) => (key.use === 'token' ? { ...key, public: token.public } : key));
  expect((await pinnedKey(seed, { ...trust, keys }, 'token')).kid).toBe(token.kid);
});
