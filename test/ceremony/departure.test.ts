import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BreakglassError } from '../../src/base/errors.ts';
import { readDeparture } from '../../src/ceremony/departure.ts';
import { sandboxDealer } from '../../src/ceremony/drill-people.ts';
import { openTrailSources, stateReading } from '../../src/ceremony/trail-sources.ts';
import { openState } from '../../src/machine/state.ts';
import { combiningGroups } from '../../src/trust/departure-advice.ts';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { goodPolicy, noon } from '../trust/fixture.ts';
import { changeIn, copyOf, custodians, initialized, mintIn, type Scene, scratch, trustOf } from './fixture.ts';

const { dir, remove } = scratch('departure');
let origin: Scene;
beforeAll(async () => {
  origin = await initialized(dir);
});
afterAll(remove);

async function leave(scene: Scene, ...leaving: [string, ...string[]]) {
  const { departure } = await readDeparture(leaving, await stateReading(openState(scene.stateDir)), noon + 60 * 60);
  return { ...departure, groups: combiningGroups(departure) };
}

/** Deals the cards again to these people; the scene as it stands then, with their cards. */
async function dealt(
  scene: Scene,
  people: readonly string[],
  cards: readonly string[],
  minute: number,
): Promise<Scene> {
  const deal = { threshold: 3, custodians: people };
  const outcome = await changeIn(scene, { kind: 'rotate.shares', deal }, { minute, cards });
  expect(outcome.error).toBeUndefined();
  return { ...scene, cards: outcome.newCards };
}

describe('a departure after real ceremonies', () => {
  test('one of five leaves', async () => {
    expect(await leave(origin, 'bob')).toMatchObject({ needs: 'shares', decided: true, groups: [] });
  });

  test('M leave over a year across two share rotations', async () => {
    const first = copyOf(origin);
    expect((await leave(first, 'bob')).needs).toBe('shares');
    const second = await dealt(first, ['alice', 'carol', 'erin', 'frank'], ['alice', 'bob', 'carol'], 10);
    expect(await leave(second, 'carol')).toMatchObject({ needs: 'shares', groups: [] });
    const third = await dealt(second, ['alice', 'erin', 'frank'], ['alice', 'carol', 'erin'], 20);
    expect(await leave(third, 'erin')).toMatchObject({
      needs: 'seed',
      decided: true,
      groups: [['bob', 'carol', 'erin']],
      missingVersions: [],
    });
    const seed = await changeIn(
      third,
      { kind: 'rotate.seed', strength: 128, deal: { threshold: 2, custodians: ['alice', 'frank', 'erin'] } },
      { minute: 30, cards: ['alice', 'erin', 'frank'] },
    );
    expect(seed.error).toBeUndefined();
    expect(await leave(third, 'erin')).toMatchObject({ needs: 'shares', decided: true, groups: [] });
    expect((await leave(third, 'erin')).harmless).toHaveLength(3);
  });

  test('a re-deal that was broken off counts, before and after a trust version lists it as abandoned', async () => {
    const scene = copyOf(origin);
    let cards = 0;
    const broken = await changeIn(
      scene,
      { kind: 'rotate.shares', deal: { threshold: 2, custodians: ['alice', 'bob', 'carol', 'erin'] } },
      {
        dealer: {
          ...sandboxDealer(new Map()),
          deal: async () => {
            cards += 1;
            if (cards === 3) throw new BreakglassError('ABORTED', 'stopped by Ctrl-C', { hint: 'again' });
            return 'read-back';
          },
        },
      },
    );
    expect(broken.error).toMatchObject({ code: 'ABORTED' });
    const begun = await leave(scene, 'bob', 'erin');
    expect(begun).toMatchObject({ needs: 'seed', groups: [['bob', 'erin']] });
    expect(begun.open[0]?.status).toBe('begun');
    const policy = goodPolicy(startingPolicy.replace('reason.minLength = 20', 'reason.minLength = 21'));
    const none = { addRevokers: [], retireRevokers: [], addAuditors: [], retireAuditors: [] };
    const applied = await changeIn(scene, { kind: 'policy', policy, ...none }, { minute: 20 });
    expect(applied.error).toBeUndefined();
    const listed = await leave(scene, 'bob', 'erin');
    expect(listed).toMatchObject({ needs: 'seed', decided: true, groups: [['bob', 'erin']] });
    expect(listed.open[0]?.status).toBe('abandoned');
  });

  test('the rotation that is advised can be held with the policy that forgets who left', async () => {
    const scene = copyOf(origin);
    const policy = goodPolicy(startingPolicy.replace('bob = ["custodian"]\n', ''));
    const deal = { threshold: 3, custodians: custodians.filter((label) => label !== 'bob') };
    const outcome = await changeIn(
      scene,
      { kind: 'rotate.shares', policy, deal },
      { cards: ['alice', 'carol', 'erin'] },
    );
    expect(outcome.error).toBeUndefined();
    expect(trustOf(scene).payload.policy.people['bob']).toBeUndefined();
    expect(await leave(scene, 'bob')).toMatchObject({ needs: 'nothing', groups: [] });
  });

  test('a responder with a valid token and no revoker: keys, until the token is over', async () => {
    const scene = copyOf(origin);
    await mintIn(scene, { minute: 55 });
    expect(await leave(scene, 'dana')).toMatchObject({ needs: 'keys', tokenHolders: ['dana'], decided: true });
    await changeIn(scene, { kind: 'rotate.keys' }, { minute: 57 });
    expect(await leave(scene, 'dana')).toMatchObject({ needs: 'nothing', tokenHolders: [], decided: true });
  });
});

describe('what is read', () => {
  test('nobody of that name is refused, naming who there is', async () => {
    await expect(leave(origin, 'zoe')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: expect.stringContaining('alice, bob, carol, dana, erin, frank, grace'),
    });
  });

  test('a planted trust file is not used, and is told', async () => {
    const scene = copyOf(origin);
    writeFileSync(join(scene.stateDir, 'trail', 'T0000009.TXT'), 'bob stays for ever\n');
    const reading = await stateReading(openState(scene.stateDir));
    const { departure, refused } = await readDeparture(['bob'], reading, noon);
    expect(departure).toMatchObject({ needs: 'shares', decided: true });
    expect(refused).toHaveLength(1);
  });

  test('media that are behind the trust file at hand leave a doubt', async () => {
    const scene = copyOf(origin);
    const old = copyOf(scene);
    await dealt(scene, ['alice', 'carol', 'erin', 'frank'], ['alice', 'bob', 'carol'], 10);
    const trust = trustOf(scene);
    const sources = await openTrailSources([old.media[0] ?? ''], trust.id);
    const { departure } = await readDeparture(['carol'], { sources, trustFiles: [], trust }, noon);
    expect(departure).toMatchObject({ needs: 'shares', decided: false });
    expect(departure.doubts.join()).toContain('names only version 1');
  });

  test('a trail that names a version that is not at hand leaves a doubt', async () => {
    const scene = copyOf(origin);
    await dealt(scene, ['alice', 'carol', 'erin', 'frank'], ['alice', 'bob', 'carol'], 10);
    const [medium = ''] = scene.media;
    const [folder = ''] = [join(medium, 'BGTRAIL', trustOf(scene).id.slice(0, 8))];
    rmSync(join(folder, 'T0000002.TXT'));
    const sources = await openTrailSources([medium], null);
    const { departure } = await readDeparture(['bob'], { sources, trustFiles: [], trust: undefined }, noon);
    expect(departure.decided).toBe(false);
    expect(departure.doubts.join()).toContain('version 2');
  });
});
