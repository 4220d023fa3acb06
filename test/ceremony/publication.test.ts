import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { publicationNamed } from '../../src/ceremony/publication.ts';
import { publicationOf, publishTrust } from '../../src/ceremony/publish.ts';
import { openTrailSources, stateReading } from '../../src/ceremony/trail-sources.ts';
import { type DecidedChange, writeDecided } from '../../src/machine/decided.ts';
import { openState } from '../../src/machine/state.ts';
import { changeIn, copyOf, initialized, type Scene, scratch } from './fixture.ts';

const { dir, remove } = scratch('publication');
afterAll(remove);

let origin: Scene;
let rotated: Scene;
beforeAll(async () => {
  origin = await initialized(dir);
  rotated = copyOf(origin);
  const { error } = await changeIn(rotated, { kind: 'rotate.keys' });
  expect(error).toBeUndefined();
});

const fromState = async ({ stateDir }: Scene, media: readonly string[] = []) => {
  const state = openState(stateDir);
  const own = await stateReading(state);
  const sources = [...own.sources, ...(await openTrailSources(media, state.trust.id))];
  return publicationNamed({ ...own, sources }, state, []);
};
const fromMedium = async ([medium = '']: readonly string[], lists: readonly Uint8Array[] = []) =>
  publicationNamed(
    { sources: await openTrailSources([medium], null), trustFiles: [], trust: undefined },
    undefined,
    lists.map((bytes) => ({ name: 'list', bytes })),
  );
const named = ({ trust, versions, revocations }: Awaited<ReturnType<typeof fromState>>) => ({
  sha256: trust.sha256,
  versions: versions.map(({ sha256 }) => sha256),
  revocations: Buffer.from(revocations).toString('latin1'),
});
const kept = (scene: Scene) => {
  const { trust, versions, revocations } = publicationOf(openState(scene.stateDir));
  return named({ trust, versions, revocations, doubts: [], alarms: [] });
};

describe('what the trail names in force', () => {
  test('is on a ceremony machine what the ceremony itself published', async () => {
    expect(named(await fromState(rotated))).toEqual(kept(rotated));
    expect((await fromState(rotated)).doubts).toEqual([]);
  });

  test('is found on a medium alone, with the denials that somebody brings; lines that do not count are told and left out', async () => {
    const list = readFileSync(join(rotated.outDir, 'revocations.jws'));
    const found = await fromMedium(rotated.media, [Buffer.concat([list, Buffer.from('junk\n')])]);
    expect(named(found)).toEqual(kept(rotated));
    expect(found.alarms).toMatchObject([{ file: 'list', line: 3 }]);
  });

  test('is the newer one that a medium names, where this machine slept through the change', async () => {
    const asleep = copyOf(origin);
    expect((await fromState(asleep)).trust.payload.version).toBe(1);
    expect((await fromState(asleep, rotated.media)).trust.payload.version).toBe(2);
  });

  test('takes the denials of a change that stands in the trail and was not settled here', async () => {
    const scene = copyOf(rotated);
    const lines = readFileSync(join(scene.stateDir, 'revocations.jws'), 'latin1').split('\n');
    for (const name of ['trust', 'revocations.jws']) {
      rmSync(join(scene.stateDir, name), { recursive: true });
      cpSync(join(origin.stateDir, name), join(scene.stateDir, name), { recursive: true });
    }
    const decided: DecidedChange = {
      v: 1,
      kind: 'rotate.keys',
      decidedAt: '2026-01-31T12:10:00Z',
      seq: 1,
      prev: '0'.repeat(64),
      record: readFileSync(join(scene.stateDir, 'trail', '00000001.JWS'), 'latin1'),
      trust: readFileSync(join(scene.stateDir, 'trail', 'T0000002.TXT'), 'latin1'),
      statements: `${lines[1]}\n`,
      outDir: scene.outDir,
    };
    writeDecided(scene.stateDir, decided);
    expect(named(await fromState(scene))).toEqual(kept(rotated));
  });

  test('is not guessed: without its trust file, and behind what this machine accepted, nothing is published', async () => {
    const bare = copyOf(rotated);
    const [medium = ''] = bare.media;
    const [folder = ''] = readdirSync(join(medium, 'BGTRAIL')).filter((name) => /^[0-9a-f]{8}$/.test(name));
    rmSync(join(medium, 'BGTRAIL', folder, 'T0000002.TXT'));
    await expect(fromMedium(bare.media)).rejects.toMatchObject({ code: 'TRUST_MISSING' });
    const cut = copyOf(rotated);
    rmSync(join(cut.stateDir, 'trail', '00000001.JWS'));
    await expect(fromState(cut)).rejects.toMatchObject({ code: 'TRUST_OLDER' });
    expect((await fromState(cut, rotated.media)).trust.payload.version).toBe(2);
  });
});

test('a change whose out folder is gone is in force, and publishing from its machine makes up for it', async () => {
  const scene = copyOf(origin);
  rmSync(scene.outDir, { recursive: true });
  const { changed, notes, error } = await changeIn(scene, { kind: 'rotate.keys' });
  expect([error, changed?.published.error?.code]).toEqual([undefined, 'NOT_FOUND']);
  expect(notes.join('\n')).toContain(`run: breakglass trust publish --state ${scene.stateDir} ${scene.outDir}`);
  expect([existsSync(join(scene.stateDir, 'decided.json')), existsSync(scene.outDir)]).toEqual([false, false]);
  cpSync(origin.outDir, scene.outDir, { recursive: true });
  expect(publishTrust(await fromState(scene), scene.outDir)).toMatchObject({ before: 1, version: 2, error: null });
  expect(readFileSync(join(scene.outDir, 'trust.jws'))).toEqual(Buffer.from(changed?.trust.bytes ?? []));
});
