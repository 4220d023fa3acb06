import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lockState } from '../../src/machine/lock.ts';
import { keys, type PtySession, startPty } from '../terminal/pty.ts';
import { environment, type Run } from './program.ts';
import {
  errorCodes,
  json,
  makeTrust,
  mintToken,
  openScenes,
  recordsOn,
  type Scene,
  trailFolderOf,
  waitingRecords,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

/** A scene whose state directory knows its own media. */
async function ownScene(): Promise<Scene> {
  const scene = scenes.origin.copy();
  const file = scene.path('state', 'media.json');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(scenes.origin.dir, scene.dir));
  return scene;
}

function media(scene: Scene, ...args: string[]): Promise<Run> {
  return scene.run(['media', ...args, '--state', 'state', '--json']);
}

function care(scene: Scene, ...args: string[]): Promise<Run> {
  return media(scene, ...args, '--allow-fixed');
}

interface Listed {
  readonly media: readonly { label: string; state: string; lastSeq: number | null; pluggedIn: boolean; path: string }[];
  readonly head: number;
}

async function listed(scene: Scene): Promise<Record<string, string>> {
  const { media: all } = json(await media(scene, 'list')) as Listed;
  return Object.fromEntries(all.map(({ label, state, lastSeq }) => [label, `${state} ${lastSeq}`]));
}

function types(scene: Scene, medium: string): string[] {
  return recordsOn(scene, medium).map(({ type }) => type);
}

function tree(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
}

describe('media list', () => {
  test('in step, behind, other records, gone: and nothing is changed', async () => {
    const scene = await ownScene();
    expect(await listed(scene)).toEqual({ a: 'in-step 0', b: 'in-step 0' });
    cpSync(scene.path('b'), scene.path('old'), { recursive: true });
    await mintToken(scene);
    rmSync(scene.path('b'), { recursive: true });
    renameSync(scene.path('old'), scene.path('b'));
    const before = [tree(scene.path('a')), tree(scene.path('b')), tree(scene.path('state'))];
    expect(await listed(scene)).toEqual({ a: 'in-step 2', b: 'behind 0' });
    expect([tree(scene.path('a')), tree(scene.path('b')), tree(scene.path('state'))]).toEqual(before);
    truncateSync(join(trailFolderOf(scene, 'a'), '00000001.JWS'), 50);
    expect((await listed(scene))['a']).toBe('differs 2');
    rmSync(scene.path('a'), { recursive: true });
    expect((await listed(scene))['a']).toBe('not-plugged-in null');
  });

  test('a medium that only the trail names is listed too', async () => {
    const scene = await ownScene();
    rmSync(scene.path('state', 'media.json'));
    const { media: all } = json(await media(scene, 'list')) as Listed;
    expect(all.map(({ label, path, pluggedIn }) => [label, path, pluggedIn])).toEqual([
      ['a', null, false],
      ['b', null, false],
    ]);
  });
});

describe('media add', () => {
  test('a blank directory becomes a copy of everything, on the record of every medium', async () => {
    const scene = await ownScene();
    await mintToken(scene);
    mkdirSync(scene.path('c'));
    const run = await care(scene, 'add', 'c');
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({ label: 'c', added: true, head: { seq: 3 } });
    expect(types(scene, 'c')).toEqual(['genesis', 'mint.issued', 'mint.released', 'media.added']);
    expect(recordsOn(scene, 'c')).toEqual(recordsOn(scene, 'a'));
    expect(await listed(scene)).toEqual({ a: 'in-step 3', b: 'in-step 3', c: 'in-step 3' });
    expect(json(await care(scene, 'add', 'c'))).toMatchObject({ label: 'c', added: false, head: { seq: 3 } });
  });

  test('from the local copy alone, when every other medium is away', async () => {
    const scene = await ownScene();
    await mintToken(scene);
    for (const name of ['a', 'b']) rmSync(scene.path(name), { recursive: true });
    mkdirSync(scene.path('c'));
    expect((await care(scene, 'add', 'c')).status).toBe(0);
    expect(types(scene, 'c')).toEqual(['genesis', 'mint.issued', 'mint.released', 'media.added']);
    expect((await scene.run(['audit-check', 'c', '--trust', 'out/trust.jws'])).status).toBe(3);
  });

  test('nowhere, another trust, and a fixed disk without the flag are refused, and nothing is written', async () => {
    const [scene, other] = [await ownScene(), scenes.fresh()];
    await makeTrust(other);
    cpSync(other.path('a'), scene.path('foreign'), { recursive: true });
    mkdirSync(scene.path('c'));
    const before = tree(scene.dir);
    expect(errorCodes(await care(scene, 'add', 'nowhere'))).toEqual(['MEDIUM_NOT_FOUND']);
    expect(errorCodes(await care(scene, 'add', 'foreign'))).toEqual(['MEDIUM_FOREIGN']);
    const fixed = await media(scene, 'add', 'c');
    expect(fixed.status).toBe(6);
    expect(errorCodes(fixed)).toEqual(['MEDIUM_NOT_REMOVABLE']);
    expect(tree(scene.dir)).toEqual(before);
  });
});

describe('media mend', () => {
  test('says what was copied and what was set aside, and puts it on the record', async () => {
    const scene = await ownScene();
    cpSync(scene.path('b'), scene.path('old'), { recursive: true });
    await mintToken(scene);
    rmSync(scene.path('b'), { recursive: true });
    renameSync(scene.path('old'), scene.path('b'));
    const run = await care(scene, 'mend');
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({ media: ['a', 'b'], copied: [{ medium: 'b', from: 1, to: 2 }], setAside: [] });
    expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
    expect(types(scene, 'a').at(-1)).toBe('media.mended');
    truncateSync(join(trailFolderOf(scene, 'b'), '00000003.JWS'), 100);
    const torn = json(await care(scene, 'mend'));
    expect(torn).toMatchObject({ setAside: [{ medium: 'b', name: '00000003.BAD' }] });
    const still = json(await care(scene, 'mend'));
    expect(still).toMatchObject({ copied: [], setAside: [], added: [], failures: [] });
  });

  test('a second run at the same time is refused', async () => {
    const scene = await ownScene();
    const lock = lockState(scene.path('state'));
    try {
      expect(errorCodes(await care(scene, 'mend'))).toEqual(['STATE_BUSY']);
    } finally {
      lock.release();
    }
  });
});

describe('media lost', () => {
  test('is on the record, the medium is forgotten, and too few are told', async () => {
    const scene = await ownScene();
    renameSync(scene.path('b'), scene.path('taxi'));
    const run = await care(scene, 'lost', 'b', '--reason', 'left in a taxi');
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({ label: 'b', left: ['a'], copies: 2, record: { seq: 1 } });
    expect(run.stderr).toContain('1 known media are left and a token leaves only with 2');
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ type: 'media.lost', label: 'b', reason: 'left in a taxi' });
    expect(Object.keys(await listed(scene))).toEqual(['a']);
  });

  test('a label that nobody has, one that is plugged in, and no reason are refused', async () => {
    const scene = await ownScene();
    const unknown = await care(scene, 'lost', 'zoe', '--reason', 'x');
    expect(errorCodes(unknown)).toEqual(['NOT_FOUND']);
    expect(unknown.stderr).toMatch(/known are: a \([\w-]{22}\), b \([\w-]{22}\)/);
    expect(errorCodes(await care(scene, 'lost', 'b', '--reason', 'x'))).toEqual(['USAGE']);
    expect(errorCodes(await care(scene, 'lost', 'b'))).toEqual(['--reason']);
    expect(errorCodes(await care(scene, 'lost', 'b', '--reason', 'a\u202eb'))).toEqual(['BAD_INPUT']);
    expect(types(scene, 'a')).toEqual(['genesis']);
  });

  test('with no medium at hand it waits, and the medium is forgotten all the same', async () => {
    const scene = await ownScene();
    for (const name of ['a', 'b']) renameSync(scene.path(name), scene.path(`${name}-away`));
    expect(json(await care(scene, 'lost', 'b', '--reason', 'in the river'))).toMatchObject({
      record: null,
      waiting: true,
    });
    expect(waitingRecords(scene)).toMatchObject([{ type: 'media.lost', label: 'b' }]);
    renameSync(scene.path('a-away'), scene.path('a'));
    expect((await care(scene, 'mend')).status).toBe(0);
    expect(types(scene, 'a').at(-1)).toBe('media.lost');
    expect(waitingRecords(scene)).toEqual([]);
  });
});

describe('media test without a terminal', () => {
  test('by label, by id and by directory: good, said to prove less, and on the record', async () => {
    const scene = await ownScene();
    const { media: all } = json(await media(scene, 'list')) as { media: { id: string }[] };
    const before = tree(scene.path('a')).length;
    for (const [at, name] of ['a', all[0]?.id ?? '', './a'].entries()) {
      const run = await care(scene, 'test', name);
      expect(run.status).toBe(0);
      expect(json(run)).toMatchObject({ ok: true, label: 'a', replugged: false, record: { seq: at + 1 } });
    }
    expect(recordsOn(scene, 'b').at(-1)).toMatchObject({
      type: 'media.tested',
      reason: expect.stringContaining('proves less'),
    });
    expect(tree(scene.path('a')).length).toBe(before + 3);
    expect((await scene.run(['audit-check', 'a', 'b', '--trust', 'out/trust.jws', '--json'])).stdout).not.toMatch(
      /FILE_UNKNOWN|"tampered"/,
    );
  });

  test('a folder under the name of the probe fails the test, and the failure is recorded elsewhere', async () => {
    const scene = await ownScene();
    mkdirSync(scene.path('b', 'BGPROBE.TMP'));
    const run = await care(scene, 'test', 'b');
    expect(run.status).toBe(6);
    expect(json(run)).toMatchObject({ ok: false, label: 'b', record: { seq: 1 }, media: ['a'] });
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({
      type: 'media.tested',
      label: 'b',
      reason: expect.stringMatching(/^failed /),
    });
    expect(types(scene, 'b')).toEqual(['genesis']);
  });

  test('unknown, not plugged in, blank and foreign media are refused, and nothing is recorded', async () => {
    const [scene, other] = [await ownScene(), scenes.fresh()];
    await makeTrust(other);
    cpSync(other.path('a'), scene.path('foreign'), { recursive: true });
    mkdirSync(scene.path('blank'));
    renameSync(scene.path('b'), scene.path('away'));
    const outcomes = [
      ['zoe', 'NOT_FOUND'],
      ['b', 'MEDIUM_NOT_FOUND'],
      ['blank', 'MEDIUM_NOT_FOUND'],
      ['foreign', 'MEDIUM_FOREIGN'],
    ] as const;
    for (const [name, code] of outcomes) expect(errorCodes(await care(scene, 'test', name))).toEqual([code]);
    expect(types(scene, 'a')).toEqual(['genesis']);
    expect(waitingRecords(scene)).toEqual([]);
  });

  test('without a state directory every command says so', async () => {
    const scene = await ownScene();
    for (const args of [['list'], ['add', 'a'], ['test', 'a'], ['mend'], ['lost', 'a', '--reason', 'x']]) {
      const run = await scene.run(['media', ...args, '--state', 'nowhere', '--json']);
      expect(errorCodes(run)).toEqual(['STATE_MISSING']);
      expect(existsSync(scene.path('nowhere'))).toBe(false);
    }
  });
});

describe('media test at a terminal', () => {
  function startTest(scene: Scene): PtySession {
    const args = ['media', 'test', 'a', '--state', 'state', '--allow-fixed'];
    return startPty(join(scene.program.bin, 'breakglass'), args, {
      cwd: scene.dir,
      env: environment(scene.program, scene.dir),
    });
  }

  test('sees the medium go and come back', async () => {
    const scene = await ownScene();
    const session = startTest(scene);
    await session.shows('unplug it, and plug it in again');
    expect(existsSync(scene.path('a', 'BGPROBE.TMP'))).toBe(true);
    renameSync(scene.path('a'), scene.path('hand'));
    await session.shows('It is gone.');
    renameSync(scene.path('hand'), scene.path('a'));
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });
    expect(session.screen).toContain('GOOD: a took 262144 bytes and gave them back after it was unplugged.');
    expect(existsSync(scene.path('a', 'BGPROBE.TMP'))).toBe(false);
    expect(recordsOn(scene, 'b').at(-1)).toMatchObject({ reason: expect.stringMatching(/unplugged in between$/) });
    expect(recordsOn(scene, 'b').at(-1)?.['reason']).not.toContain('not unplugged');
  });

  test('a stick that comes back without what was flushed is bad', async () => {
    const scene = await ownScene();
    const session = startTest(scene);
    await session.shows('unplug it, and plug it in again');
    renameSync(scene.path('a'), scene.path('hand'));
    await session.shows('It is gone.');
    rmSync(scene.path('hand', 'BGPROBE.TMP'));
    renameSync(scene.path('hand'), scene.path('a'));
    expect(await session.ended()).toEqual({ status: 6, signal: 0 });
    expect(session.screen).toContain('BAD: stick a: what was flushed to it is not there any more');
    expect(recordsOn(scene, 'b').at(-1)).toMatchObject({
      type: 'media.tested',
      reason: expect.stringContaining('MEDIUM_READ_BACK'),
    });
    expect(types(scene, 'a')).toEqual(['genesis']);
  });

  test('a key reads back without the re-plug', async () => {
    const scene = await ownScene();
    const session = startTest(scene);
    await session.shows('unplug it, and plug it in again');
    session.type(keys.enter);
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ reason: expect.stringContaining('proves less') });
  });

  test('Ctrl-C at the question leaves no probe, and the record says that the test was not ended', async () => {
    const scene = await ownScene();
    const session = startTest(scene);
    await session.shows('unplug it, and plug it in again');
    session.type(keys.ctrlC);
    expect(await session.ended()).toEqual({ status: 130, signal: 0 });
    expect(existsSync(scene.path('a', 'BGPROBE.TMP'))).toBe(false);
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({
      type: 'media.tested',
      reason: expect.stringMatching(/^not ended/),
    });
  });

  test('pulled and never plugged in again: a key gives up, the test failed, and the others hold the record', async () => {
    const scene = await ownScene();
    const session = startTest(scene);
    await session.shows('unplug it, and plug it in again');
    renameSync(scene.path('a'), scene.path('hand'));
    await session.shows('It is gone.');
    session.type(keys.enter);
    expect((await session.ended()).status).toBe(6);
    expect(recordsOn(scene, 'b').at(-1)).toMatchObject({
      type: 'media.tested',
      reason: expect.stringMatching(/^failed \(MEDIUM_/),
    });
  });
});
