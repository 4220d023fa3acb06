import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  errorCodes,
  json,
  type MintJson,
  mintFlags,
  mintToken,
  openScenes,
  recordsOn,
  type Scene,
  waitingRecords,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

/** A trust with one token issued, whose every copy of the trail is gone; the sticks are blank ones. */
async function burnedDown(): Promise<Scene> {
  const scene = scenes.origin.copy();
  await mintToken(scene);
  for (const name of ['a', 'b']) {
    rmSync(scene.path(name), { recursive: true });
    mkdirSync(scene.path(name));
  }
  rmSync(scene.path('state', 'trail'), { recursive: true });
  return scene;
}

test('when every copy of the trail is lost, a quorum that confirms it begins the trail anew behind the high-water mark', async () => {
  const scene = await burnedDown();
  const flags = mintFlags(await writeRequest(scene));
  const run = await scene.run([...flags, '--accept', 'TRAIL_CUT', '--out', 'token', '--json']);
  expect(run.status).toBe(0);
  const records = recordsOn(scene, 'a');
  expect(records.map(({ type }) => type)).toEqual([
    'restart',
    'media.added',
    'media.added',
    'mint.issued',
    'mint.released',
  ]);
  expect(records[0]).toMatchObject({ seq: 3, anchor: 'high-water mark of this machine, record 2' });
  expect(recordsOn(scene, 'b')).toEqual(records);

  const head = (json(run) as MintJson).headCode.words.join(' ');
  const audit = await scene.run(['audit-check', 'a', 'b', '--trust', 'out/trust.jws', '--head', head, '--json']);
  expect(audit.status).toBe(0);
  expect(json(audit)).toMatchObject({
    verdict: 'intact',
    findings: expect.arrayContaining([expect.objectContaining({ code: 'RESTARTED' })]),
  });
});

test('a loss that nobody confirms refuses, writes no record, and what happened waits for the quorum', async () => {
  const scene = await burnedDown();
  const flags = mintFlags(await writeRequest(scene));
  const refused = await scene.run([...flags, '--out', 'token', '--json']);
  expect(errorCodes(refused)).toEqual(['TRAIL_CUT']);
  expect(recordsOn(scene, 'a')).toEqual([]);
  expect(waitingRecords(scene).map(({ type }) => type)).toEqual(['media.added', 'media.added', 'mint.refused']);

  const run = await scene.run([...flags, '--accept', 'TRAIL_CUT', '--out', 'token', '--json']);
  expect(run.status).toBe(0);
  expect(recordsOn(scene, 'a').map(({ type }) => type)).toEqual([
    'restart',
    'media.added',
    'media.added',
    'mint.refused',
    'mint.issued',
    'mint.released',
  ]);
});

test('without a high-water mark nothing says where to go on: the mint refuses and says what to plug in', async () => {
  const scene = await burnedDown();
  rmSync(scene.path('state', 'high-water.json'));
  const run = await scene.run([
    ...mintFlags(await writeRequest(scene)),
    '--accept',
    'TRAIL_CUT',
    '--out',
    'token',
    '--json',
  ]);
  expect(errorCodes(run)).toEqual(['TRAIL_MISSING']);
  expect(run.stderr).toContain('no token was issued');
});
