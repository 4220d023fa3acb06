import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runShell } from './program.ts';
import { errorCodes, goodShares, initFlags, json, now, openScenes, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

const names = ['jwks-es256.json', 'revocations.jws', 'trust.jws'];
const contents = (scene: Scene, dir: string) =>
  Object.fromEntries(readdirSync(scene.path(dir)).map((name) => [name, readFileSync(scene.path(dir, name), 'latin1')]));

async function rotateKeys(scene: Scene, out: string) {
  const why = ['--reason', 'the yearly rotation of everything', '--state', 'state', '--json'];
  const prepared = await scene.run(['rotate', 'keys', ...why, '--prepare', 'r.json']);
  const { fingerprint } = json(prepared) as { fingerprint: { words: string[] } };
  return scene.run([
    ...['rotate', 'keys', '--request', 'r.json', '--confirm', fingerprint.words.join(' '), '--head', 'none'],
    ...['--clock', now(), ...goodShares.flatMap((share) => ['--share', share]), '--medium', 'a', '--medium', 'b'],
    ...['--allow-fixed', '--state', 'state', '--out', out, '--json'],
  ]);
}

/** The command that a hint says, run as it stands there. */
async function runAdvice(scene: Scene, stderr: string) {
  const [, line = ''] = /run: (breakglass trust publish .*)/.exec(stderr) ?? [];
  expect(line).not.toBe('');
  return runShell(scene.program, scene.dir, line);
}

describe('a ceremony that could not publish', () => {
  test('is in force, says 6, and the command that it names makes up for it byte for byte', async () => {
    const scene = scenes.origin.copy();
    const out = "the stick's folder";
    writeFileSync(scene.path(out), 'a file');
    const run = await rotateKeys(scene, out);
    expect(run.status).toBe(6);
    expect(json(run)).toMatchObject({
      kind: 'rotate.keys',
      trust: { version: 2 },
      published: { dir: scene.path(out), ok: false, code: 'NOT_FOUND', before: null, version: null },
    });
    expect(run.stderr).toMatch(/not published: .*What was decided is in force all the same/);
    expect(readFileSync(scene.path(out), 'utf8')).toBe('a file');
    expect((await runAdvice(scene, run.stderr)).status).toBe(6);

    rmSync(scene.path(out));
    renameSync(scene.path('out'), scene.path(out));
    const published = await runAdvice(scene, run.stderr);
    expect([published.status, published.stderr]).toEqual([0, '']);
    expect(published.stdout).toContain(`${scene.path(out)}: published over version 1, read back`);
    mkdirSync(scene.path('fresh'));
    expect((await scene.run(['trust', 'publish', 'fresh', '--state', 'state'])).status).toBe(0);
    expect(contents(scene, out)).toEqual(contents(scene, 'fresh'));
    expect(readdirSync(scene.path('fresh')).sort()).toEqual(names);
  });

  test('goes for an init too; an out folder with a trust in it is refused before anything is made', async () => {
    const scene = scenes.fresh();
    mkdirSync(scene.path('out'));
    writeFileSync(scene.path('out', 'trust.jws'), 'of another trust');
    const taken = await scene.run([...initFlags, '--json']);
    expect([taken.status, errorCodes(taken)]).toEqual([2, ['EXISTS']]);
    expect([existsSync(scene.path('state', 'trust')), readdirSync(scene.path('a'))]).toEqual([false, []]);
    rmSync(scene.path('out', 'trust.jws'));
    mkdirSync(scene.path('out', 'revocations.jws'));
    const made = await scene.run([...initFlags, '--json']);
    expect(made.status).toBe(6);
    expect(json(made)).toMatchObject({ head: { seq: 0 }, published: { ok: false, code: 'BAD_INPUT' } });
    rmSync(scene.path('out', 'revocations.jws'), { recursive: true });
    expect((await runAdvice(scene, made.stderr)).status).toBe(0);
    expect(readdirSync(scene.path('out')).sort()).toEqual(names);
  });
});

describe('trust publish', () => {
  test('writes to every folder that it can and says of each what came of it, as JSON too', async () => {
    const scene = scenes.origin.copy();
    mkdirSync(scene.path('fresh'));
    const run = await scene.run(['trust', 'publish', 'out', 'gone', 'fresh', '--state', 'state', '--json']);
    expect(run.status).toBe(6);
    const files = (outcome: string) =>
      ['revocations.jws', 'jwks-es256.json', 'trust.jws'].map((name) => ({ name, outcome }));
    expect(json(run)).toEqual({
      v: 1,
      trustId: expect.stringMatching(/^[0-9a-f]{64}$/),
      trust: { version: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/), words: expect.any(Array) },
      epoch: 1,
      folders: [
        { dir: 'out', ok: true, code: null, message: null, before: 1, version: 1, files: files('same') },
        {
          ...{ dir: 'gone', ok: false, code: 'NOT_FOUND', message: 'there is no folder gone' },
          ...{ before: null, version: null, files: files('not-written') },
        },
        { dir: 'fresh', ok: true, code: null, message: null, before: null, version: 1, files: files('written') },
      ],
      alarms: [],
      warnings: [],
    });
    expect(run.stderr).toBe(
      'breakglass: not published: there is no folder gone\n' +
        'hint: mount it, or check the path. Nothing was written there. Then run the same command again.\n',
    );
    expect(contents(scene, 'fresh')).toEqual(contents(scene, 'out'));
  });

  test('goes by a medium where the state is lost, takes the denials of a list, and refuses without them', async () => {
    const scene = scenes.origin.copy();
    expect((await rotateKeys(scene, 'out')).status).toBe(0);
    rmSync(scene.path('state'), { recursive: true });
    mkdirSync(scene.path('fresh'));
    const lost = await scene.run(['trust', 'publish', 'fresh', '--json']);
    expect([lost.status, errorCodes(lost)]).toEqual([2, ['STATE_MISSING']]);
    const bare = await scene.run(['trust', 'publish', 'fresh', '--medium', 'b', '--json']);
    expect(bare.status).toBe(6);
    expect(json(bare)).toMatchObject({ folders: [{ code: 'REVOCATIONS_MISSING' }] });
    expect(readdirSync(scene.path('fresh'))).toEqual([]);
    const list = ['--revocations', 'out/revocations.jws'];
    const run = await scene.run(['trust', 'publish', 'fresh', '--medium', 'b', ...list]);
    expect(run.status).toBe(0);
    expect(run.stderr).toMatch(/^there is no state .*: going by the media alone/);
    expect(contents(scene, 'fresh')).toEqual(contents(scene, 'out'));
  });

  test('of a machine that is behind its folder names both versions and writes nothing', async () => {
    const scene = scenes.origin.copy();
    cpSync(scene.path('state'), scene.path('asleep'), { recursive: true });
    expect((await rotateKeys(scene, 'out')).status).toBe(0);
    const there = contents(scene, 'out');
    const run = await scene.run(['trust', 'publish', 'out', '--state', 'asleep']);
    expect(run.status).toBe(6);
    expect(run.stderr).toMatch(/out holds version 2 \(\w{8}\), which is newer than version 1 \(\w{8}\) here/);
    expect(run.stdout).toContain('NOT WRITTEN  trust.jws');
    expect(contents(scene, 'out')).toEqual(there);
    const awake = await scene.run(['trust', 'publish', 'out', '--state', 'asleep', '--medium', 'a']);
    expect([awake.status, contents(scene, 'out')]).toEqual([0, there]);
  });
});
