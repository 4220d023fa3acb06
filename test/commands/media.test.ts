import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { lockState } from '../../src/machine/lock.ts';
import { mintAtOtherTime } from './other-clock.ts';
import {
  errorCodes,
  json,
  type MintJson,
  makeTrust,
  mintFlags,
  mintToken,
  openScenes,
  recordsOn,
  type Scene,
  trailFolderOf,
  waitingRecords,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
/** A trust with one token issued. */
let minted: Scene;
beforeAll(async () => {
  scenes = await openScenes();
  minted = scenes.origin.copy();
  await mintToken(minted);
});
afterAll(() => scenes.remove());

/** Mints; it must refuse with `code` before anybody is asked for a share, and leave no token. */
async function refusedBy(scene: Scene, flags: readonly string[], code: string) {
  const run = await scene.run([...flags, '--out', 'token', '--json']);
  expect(errorCodes(run)).toEqual([code]);
  expect(run.stderr).toMatch(/hint: .*([Nn]o token was issued|Nothing was (written|done))/);
  expect(existsSync(scene.path('token'))).toBe(false);
  return run;
}

async function goodFlags(scene: Scene): Promise<string[]> {
  return mintFlags(await writeRequest(scene));
}

/** The flags with other media. */
function onMedia(flags: readonly string[], ...media: readonly string[]): string[] {
  const others = flags.filter((flag, at) => flag !== '--medium' && flags[at - 1] !== '--medium');
  return [...others, ...media.flatMap((path) => ['--medium', path])];
}

test('a medium that is not there refuses, the refusal waits, and the next mint writes it first', async () => {
  const scene = minted.copy();
  const flags = await goodFlags(scene);
  const run = await refusedBy(scene, onMedia(flags, 'a', 'nowhere'), 'MEDIUM_NOT_FOUND');
  expect(run.status).toBe(6);
  expect(waitingRecords(scene)).toMatchObject([{ type: 'mint.refused', codes: ['MEDIUM_NOT_FOUND'] }]);
  expect(recordsOn(scene, 'a')).toHaveLength(3);

  const next = await scene.run([...flags, '--json']);
  expect(next.status).toBe(0);
  expect(recordsOn(scene, 'a').map(({ type }) => type)).toEqual([
    ...['genesis', 'mint.issued', 'mint.released'],
    ...['mint.refused', 'mint.issued', 'mint.released'],
  ]);
  expect(waitingRecords(scene)).toEqual([]);
});

test('the same directory twice is not two media', async () => {
  const scene = minted.copy();
  const run = await scene.run([...onMedia(await goodFlags(scene), 'a', 'a'), '--out', 'token', '--json']);
  expect(run.status).toBe(6);
  expect(errorCodes(run)[0]).toMatch(/^MEDIUM_/);
  expect(existsSync(scene.path('token'))).toBe(false);
});

test('media that are not removable are refused without --allow-fixed', async () => {
  const scene = minted.copy();
  const flags = (await goodFlags(scene)).filter((flag) => flag !== '--allow-fixed');
  const run = await scene.run([...flags, '--out', 'token', '--json']);
  expect(run.status).toBe(6);
  expect(errorCodes(run)[0]).toMatch(/^MEDIUM_(NOT_REMOVABLE|SAME_DEVICE)$/);
  expect(existsSync(scene.path('token'))).toBe(false);
});

test('a medium of another trust is refused and nothing is written to it', async () => {
  const scene = minted.copy();
  const other = scenes.fresh();
  await makeTrust(other);
  cpSync(other.path('a'), scene.path('foreign'), { recursive: true });
  const run = await refusedBy(scene, onMedia(await goodFlags(scene), 'a', 'foreign'), 'MEDIUM_FOREIGN');
  expect(run.status).toBe(6);
  expect(readdirSync(scene.path('foreign'), { recursive: true })).toEqual(
    readdirSync(other.path('a'), { recursive: true }),
  );
});

test('a medium that is behind is mended, and the mending is said and on the record', async () => {
  const scene = scenes.origin.copy();
  cpSync(scene.path('b'), scene.path('old'), { recursive: true });
  await mintToken(scene);
  const run = await scene.run([...onMedia(await goodFlags(scene), 'a', 'old'), '--json']);
  expect(run.status).toBe(0);
  expect((json(run) as MintJson).mended).toEqual([
    { medium: 'b', seq: 1 },
    { medium: 'b', seq: 2 },
  ]);
  expect(run.stderr).toContain('Mended b: records 1 to 2 were missing and copied.');
  expect(recordsOn(scene, 'old')).toEqual(recordsOn(scene, 'a'));
  expect(recordsOn(scene, 'a')).toContainEqual(expect.objectContaining({ type: 'media.mended', from: 1, to: 2 }));
});

test('a torn newest record on one medium is set aside, mended and on the record', async () => {
  const scene = minted.copy();
  truncateSync(join(trailFolderOf(scene, 'b'), '00000002.JWS'), 100);
  const run = await scene.run([...(await goodFlags(scene)), '--json']);
  expect(run.stderr).not.toContain('bug');
  expect(run.status).toBe(0);
  expect(readdirSync(trailFolderOf(scene, 'b'))).toContain('00000002.BAD');
  expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
  const told = recordsOn(scene, 'a').slice(3, -2);
  expect(JSON.stringify(told)).toContain('00000002.BAD');
});

test('a newest record that was torn on every medium before it was marked is set aside as recovered', async () => {
  const scene = minted.copy();
  // As a power cut leaves it while the recorder record is written: neither local copy nor mark has it.
  for (const medium of ['a', 'b']) truncateSync(join(trailFolderOf(scene, medium), '00000002.JWS'), 100);
  rmSync(join(scene.path('state', 'trail'), '00000002.JWS'));
  cpSync(markOfIssue(), scene.path('state', 'high-water.json'));
  const run = await scene.run([...(await goodFlags(scene)), '--json']);
  expect(run.status).toBe(0);
  for (const medium of ['a', 'b']) expect(readdirSync(trailFolderOf(scene, medium))).toContain('00000002.BAD');
  expect(recordsOn(scene, 'a').map(({ type }) => type)).toContain('recovered');

  function markOfIssue(): string {
    const folder = trailFolderOf(scene, 'a');
    const seen = JSON.parse(readFileSync(scene.path('state', 'high-water.json'), 'utf8'));
    const issued = readFileSync(join(folder, '00000001.JWS'));
    const file = scene.path('mark');
    writeFileSync(file, `${JSON.stringify({ ...seen, seq: 1, sha256: sha256Hex(issued) })}\n`);
    return file;
  }
});

describe('what looks wrong refuses only until it is accepted, and is then on the record', () => {
  /** Without --accept it refuses; with it a token leaves and its record names the anomaly. */
  async function needsAccept(scene: Scene, code: string, flags: readonly string[] = []) {
    const run = await scene.run([...(await goodFlags(scene)), ...flags, '--out', 'token', '--json']);
    const codes = errorCodes(run);
    expect(codes).toContain(code);
    expect(run.status).toBe(4);
    expect(existsSync(scene.path('token'))).toBe(false);
    const accept = [...new Set(codes)].flatMap((found) => ['--accept', found]);
    expect(run.stderr).toContain(`add: ${accept.join(' ')}. It goes on the record. No token was issued.`);
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ type: 'mint.refused', codes });
    const again = await scene.run([...(await goodFlags(scene)), ...flags, ...accept, '--json']);
    expect(again.stderr).not.toContain('hint:');
    expect(again.status).toBe(0);
    const { record, warnings } = json(again) as MintJson;
    expect(warnings.map((warning) => warning.code)).toContain(code);
    const issued = recordsOn(scene, 'a').find(({ seq }) => seq === record.seq);
    expect(issued?.['anomalies']).toContainEqual({
      code,
      detail: expect.any(String),
      confirmedBy: ['alice', 'bob', 'carol'],
    });
  }

  test('a tail that was cut off every copy', async () => {
    const scene = minted.copy();
    for (const folder of [trailFolderOf(scene, 'a'), trailFolderOf(scene, 'b'), scene.path('state', 'trail')]) {
      for (const name of ['00000001.JWS', '00000002.JWS', 'C0000002.TXT']) rmSync(join(folder, name), { force: true });
    }
    await needsAccept(scene, 'TRAIL_CUT');
  });

  test('a head code that names no record', async () => {
    const scene = minted.copy();
    await needsAccept(scene, 'HEAD_CODE_UNKNOWN', ['--head', 'zoo zoo zoo']);
  });

  test('two media with different ceremony records at one place', async () => {
    const [scene, twin] = [scenes.origin.copy(), scenes.origin.copy()];
    await mintToken(scene);
    await mintToken(twin);
    rmSync(scene.path('b'), { recursive: true });
    cpSync(twin.path('b'), scene.path('b'), { recursive: true });
    await needsAccept(scene, 'CONFLICTING_CEREMONY');
  });

  test('a clock before the last ceremony record', async () => {
    const scene = scenes.origin.copy();
    await mintAtOtherTime(scene, 7200);
    await needsAccept(scene, 'CLOCK_BEFORE_TRAIL');
  });

  test('a lost state directory is begun anew from the trust file', async () => {
    const scene = minted.copy();
    rmSync(scene.path('state'), { recursive: true });
    const without = await scene.run([...(await goodFlags(scene)), '--json']);
    expect(errorCodes(without)).toEqual(['STATE_MISSING']);
    expect(without.status).toBe(2);
    await needsAccept(scene, 'STATE_NEW', ['--trust', 'out/trust.jws']);
  });
});

test('the words of the right head code are found', async () => {
  const scene = scenes.origin.copy();
  const { headCode } = await mintToken(scene);
  const flags = [...(await goodFlags(scene)), '--head', headCode.words.slice(0, 3).join(' '), '--json'];
  const run = await scene.run(flags);
  expect(run.status).toBe(0);
  expect((json(run) as MintJson).warnings.map(({ code }) => code)).toEqual(['MEDIA_FIXED']);
});

test('a clock that differs from the watch refuses', async () => {
  const scene = minted.copy();
  const run = await refusedBy(scene, [...(await goodFlags(scene)), '--clock', '2020-01-01T00:00:00Z'], 'CLOCK_DIFFERS');
  expect(run.status).toBe(7);
  expect(recordsOn(scene, 'b').at(-1)).toMatchObject({ type: 'mint.refused', codes: ['CLOCK_DIFFERS'] });
});

test('a second run at the same time is told to wait, and nothing is written', async () => {
  const scene = minted.copy();
  const flags = await goodFlags(scene);
  const lock = lockState(scene.path('state'));
  try {
    const run = await refusedBy(scene, flags, 'STATE_BUSY');
    expect(run.status).toBe(2);
  } finally {
    lock.release();
  }
  expect(recordsOn(scene, 'a')).toHaveLength(3);
});

test('a file at --out is not overwritten, and nobody is asked for a share', async () => {
  const scene = minted.copy();
  writeFileSync(scene.path('token'), 'mine');
  const run = await scene.run([...(await goodFlags(scene)), '--out', 'token', '--json']);
  expect(errorCodes(run)).toEqual(['EXISTS']);
  expect(readFileSync(scene.path('token'), 'utf8')).toBe('mine');
});

test('media are found by their label where the state directory knows them', async () => {
  const scene = scenes.fresh();
  await makeTrust(scene);
  const run = await scene.run([...onMedia(await goodFlags(scene)), '--json']);
  expect(run.status).toBe(0);
  expect(recordsOn(scene, 'b')).toHaveLength(3);
});

test('a blank third medium becomes a copy', async () => {
  const scene = minted.copy();
  mkdirSync(scene.path('c'));
  const run = await scene.run([...onMedia(await goodFlags(scene), 'a', 'b', 'c'), '--json']);
  expect(run.status).toBe(0);
  expect(recordsOn(scene, 'c')).toEqual(recordsOn(scene, 'a'));
  expect(recordsOn(scene, 'c').map(({ type }) => type)).toContain('media.added');
});

test('what an attempt has mended is still shown to the next quorum, even if that attempt was refused', async () => {
  const [scene, twin] = [scenes.origin.copy(), scenes.origin.copy()];
  await mintToken(scene);
  await mintToken(twin);
  rmSync(scene.path('b'), { recursive: true });
  cpSync(twin.path('b'), scene.path('b'), { recursive: true });
  // Somebody alone begins a mint, which mends the media, and leaves.
  const alone = await scene.run([...(await goodFlags(scene)), '--clock', '2020-01-01T00:00:00Z', '--json']);
  expect(errorCodes(alone)).toEqual(['CLOCK_DIFFERS']);
  const next = await scene.run([...(await goodFlags(scene)), '--json']);
  expect(errorCodes(next)).toContain('CONFLICTING_CEREMONY');
  // Once a quorum has confirmed it, it is on its record and asked no more.
  const accept = ['--accept', 'CONFLICTING_CEREMONY', '--accept', 'TRAIL_FORKED'];
  expect(await scene.run([...(await goodFlags(scene)), ...accept])).toMatchObject({ status: 0 });
  expect(await scene.run(await goodFlags(scene))).toMatchObject({ status: 0 });
  const anomalies = recordsOn(scene, 'a').flatMap(
    (record) => record['anomalies'] as { code: string; confirmedBy: string[] }[],
  );
  expect(anomalies).toContainEqual(
    expect.objectContaining({ code: 'CONFLICTING_CEREMONY', confirmedBy: ['alice', 'bob', 'carol'] }),
  );
});

test('a state directory that was begun anew stays new until a quorum has confirmed it', async () => {
  const scene = minted.copy();
  rmSync(scene.path('state'), { recursive: true });
  const flags = [...(await goodFlags(scene)), '--trust', 'out/trust.jws'];
  for (const attempt of [1, 2, 3]) {
    const run = await scene.run([...flags, '--json']);
    expect({ attempt, codes: errorCodes(run) }).toEqual({ attempt, codes: ['STATE_NEW'] });
  }
  expect(await scene.run([...flags, '--accept', 'STATE_NEW'])).toMatchObject({ status: 0 });
  expect(await scene.run(await goodFlags(scene))).toMatchObject({ status: 0 });
});
