import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localFamilies } from '../../src/ceremony/renewal.ts';
import { openState } from '../../src/machine/state.ts';
import { realHost } from '../../src/medium/real-host.ts';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { goodPolicy } from '../trust/fixture.ts';
import { type Attempt, copyOf, initialized, mintIn, recordsOn, type Scene, scratch } from './fixture.ts';

const { dir, remove } = scratch('renewal');
let origin: Scene;
let family: string;
beforeAll(async () => {
  const text = startingPolicy.replace('frank = ["custodian"]', 'frank = ["custodian", "responder"]');
  const role = text.slice(text.indexOf('[roles.db-admin]')).replace('db-admin', 'db-owner');
  origin = await initialized(dir, { policy: goodPolicy(`${text}\n${role}`) });
  family = await minted(origin, { minute: 1, request: { durationSeconds: 2400 } });
});
afterAll(remove);

async function minted(scene: Scene, attempt: Attempt): Promise<string> {
  return (await mintIn(scene, attempt)).minted?.claims[0]?.breakglass.family ?? '';
}

const renewing = (renews: string, attempt: Attempt = {}): Attempt => ({
  minute: 10,
  ...attempt,
  options: { renews, ...attempt.options },
});

describe('a renewal', () => {
  test.each(['last', 'named'])(
    'goes on with the family and its sequence (%s), and the custodians see it',
    async (how) => {
      const scene = copyOf(origin);
      const attempt = renewing(how === 'last' ? 'last' : family, { request: { durationSeconds: 1800 } });
      const { minted: renewed, panels } = await mintIn(scene, attempt);
      expect(renewed?.claims.map(({ breakglass }) => [breakglass.family, breakglass.sequence])).toEqual([
        [family, 4],
        [family, 5],
        [family, 6],
      ]);
      expect(panels[0]?.rows).toContainEqual(['renews', `family ${family}, from its token 4 on`]);
      const again = await mintIn(scene, renewing('last', { minute: 11 }));
      expect(again.minted?.claims[0]?.breakglass).toMatchObject({ family, sequence: 7 });
    },
  );

  test('of the last family takes the last one of its incident and its kind', async () => {
    const scene = copyOf(origin);
    await minted(scene, { minute: 2, request: { incident: 'inc-2' } });
    await minted(scene, { minute: 3, request: { kind: 'drill' }, options: { mode: 'drill' } });
    expect(await minted(scene, renewing('last'))).toBe(family);
    const drill = renewing('last', { minute: 11, request: { kind: 'drill' }, options: { mode: 'drill' } });
    expect(await minted(scene, drill)).not.toBe(family);
  });

  test('may come with another holder key, for keys get lost', async () => {
    const { jwk } = (await openState(origin.stateDir).recorder()).public;
    const { error } = await mintIn(copyOf(origin), renewing(family, { request: { holder: jwk } }));
    expect(error).toBeUndefined();
  });

  test.each<[string, string, string, Attempt]>([
    ['a family that the trail does not know', 'FAMILY_UNKNOWN', 'A'.repeat(22), {}],
    ['the last one of an incident that has none', 'FAMILY_UNKNOWN', 'last', { request: { incident: 'inc-9' } }],
    ['another incident', 'FAMILY_DIFFERS', '', { request: { incident: 'inc-2' } }],
    ['another role', 'FAMILY_DIFFERS', '', { request: { role: 'db-owner' } }],
    ['another subject', 'FAMILY_DIFFERS', '', { request: { subject: 'frank' }, cards: ['alice', 'bob', 'erin'] }],
    [
      'a drill of a production family',
      'FAMILY_DIFFERS',
      '',
      { request: { kind: 'drill' }, options: { mode: 'drill' } },
    ],
  ])('is refused before any share: %s', async (_what, code, renews, attempt) => {
    const scene = copyOf(origin);
    const { error, asked, tokens } = await mintIn(scene, renewing(renews || family, attempt));
    expect([asked, tokens]).toEqual([[], []]);
    expect(error).toMatchObject({ code });
    expect(recordsOn(scene.media[0] ?? '').at(-1)).toMatchObject({ type: 'mint.refused', codes: [code] });
  });

  test('of a family that was killed is refused', async () => {
    const scene = copyOf(origin);
    const kill = readFileSync(join(scene.dir, 'inc-1.kill.jws'));
    const revocations = [{ name: 'inc-1.kill.jws', bytes: kill }];
    const { error } = await mintIn(scene, renewing('last', { options: { revocations } }));
    expect(error).toMatchObject({ code: 'REQUEST_REVOKED', message: expect.stringContaining(`family ${family}`) });
  });
});

test('the copy of the trail on the machine tells of the families for a new request; without one it knows none', async () => {
  const scene = copyOf(origin);
  const state = openState(scene.stateDir);
  expect([...(await localFamilies(state, realHost))]).toEqual([
    [
      family,
      {
        sequence: 3,
        incident: 'inc-1',
        subject: 'dana',
        role: 'db-admin',
        drill: false,
        circumstance: 'outage',
        holder: null,
      },
    ],
  ]);
  rmSync(state.trailDir, { recursive: true });
  expect((await localFamilies(state, realHost)).size).toBe(0);
});
