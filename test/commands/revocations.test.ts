import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRevokers, mintTo, revokeBy, statementLine, verdict } from './revocation-scene.ts';
import { json, openScenes, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
let origin: Scene;
let other: Scene;
beforeAll(async () => {
  scenes = await openScenes();
  origin = await makeRevokers(scenes);
  other = await makeRevokers(scenes);
  await mintTo(origin, 'one.jwt');
});
afterAll(() => scenes.remove());

const by = ['--trust', 'out/trust.jws', '--state', 'desk'];
const text = (scene: Scene, file = 'revocations.jws') => readFileSync(scene.path(file), 'latin1');
const check = (scene: Scene, files: readonly string[]) =>
  scene.run(['revocations', 'check', ...files, ...by, '--json']);

interface CheckJson {
  readonly alarms: readonly { readonly file: string; readonly line: number | null; readonly message: string }[];
}

describe('revocations check', () => {
  test('a good list is valid, and its statements and denials are counted', async () => {
    const scene = origin.copy();
    await revokeBy(scene, ['--incident', 'inc-1', '--subject', 'dana']);
    const run = await check(scene, ['revocations.jws']);
    expect(run.status).toBe(0);
    expect(json(run)).toEqual({ v: 1, valid: true, statements: 2, entries: 2, alarms: [] });
  });

  test.each([
    ['a line of another trust', async () => statementLine(other, 'deny', {}), 'no root, deny or revoker key'],
    [
      'a forged line',
      async () => (await statementLine(origin, 'deny', {})).replace(/.{9}\n$/, 'AAAAAAAAA\n'),
      'the signature of the deny key of epoch 1 is wrong',
    ],
    [
      'a line that allows, by the deny key',
      async () => statementLine(origin, 'deny', { allow: ['ab'.repeat(32)] }),
      'may only deny',
    ],
    ['a torn last line', async () => (await statementLine(origin, 'deny', {})).slice(0, 90), 'line feed'],
  ])('%s is an alarm with its line, status 1, and the neighbours count', async (_what, make, message) => {
    const scene = origin.copy();
    await revokeBy(scene, ['--incident', 'inc-1']);
    writeFileSync(scene.path('revocations.jws'), await make(), { flag: 'a' });
    const run = await check(scene, ['revocations.jws']);
    expect(run.status).toBe(1);
    expect(json(run)).toMatchObject({ v: 1, valid: false, statements: 2, entries: 1 });
    const { alarms } = json(run) as CheckJson;
    expect(alarms[0]).toMatchObject({ file: 'revocations.jws', line: 3 });
    expect(alarms.map((alarm) => alarm.message).join()).toContain(message);
    expect(await verdict(scene, 'one.jwt')).toBe('TOKEN_REVOKED');
  });

  test('a good last line without its line feed is an alarm and counts: status 0', async () => {
    const scene = origin.copy();
    writeFileSync(scene.path('cut.jws'), text(scene).trimEnd());
    const run = await check(scene, ['cut.jws']);
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({ valid: true, statements: 1, alarms: [{ file: 'cut.jws', line: 1 }] });
  });

  test('a source that lost a line is an alarm, and the denial stays on this machine', async () => {
    const scene = origin.copy();
    await revokeBy(scene, ['--incident', 'inc-1']);
    writeFileSync(scene.path('old.jws'), text(origin));
    const run = await check(scene, ['old.jws']);
    expect(run.status).toBe(0);
    const { alarms } = json(run) as CheckJson;
    expect(alarms).toMatchObject([{ file: 'old.jws', line: null, message: expect.stringContaining('has lost') }]);
    expect(await verdict(scene, 'one.jwt', 'old.jws')).toBe('TOKEN_REVOKED');
    const shown = await scene.run(['revocations', 'show', 'old.jws', ...by]);
    expect(shown).toMatchObject({ status: 0, stdout: 'Nothing is denied.\n' });
    expect(shown.stderr).toContain('alarm: old.jws: it has lost a statement');
  });

  test('two lists in any order deny the same, and are counted together', async () => {
    const scene = origin.copy();
    await revokeBy(scene, ['--incident', 'inc-1', '--list', 'x.jws']);
    await revokeBy(scene, ['--incident', 'inc-2', '--list', 'y.jws']);
    const counts = { valid: true, statements: 2, entries: 2 };
    expect(json(await check(scene, ['x.jws', 'y.jws']))).toMatchObject(counts);
    expect(json(await check(scene, ['y.jws', 'x.jws']))).toMatchObject(counts);
  });

  test('without a trust file nothing can be decided; a list that is not there is named', async () => {
    expect(await origin.run(['revocations', 'check', 'revocations.jws'])).toMatchObject({ status: 3 });
    const run = await origin.run(['revocations', 'check', 'nowhere.jws', ...by]);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('the revocation list was not found at nowhere.jws');
  });
});

test('revocations show says every denial in force, oldest first, in words and as JSON', async () => {
  const scene = origin.copy();
  await revokeBy(scene, ['--all', '--before', '2026-01-01T00:00:00Z', '--reason', 'old ones']);
  await revokeBy(scene, ['--epoch', '1', '--closed']);
  const run = await scene.run(['revocations', 'show', ...by]);
  expect(run.stdout).toMatch(
    /^revoked at \S+ by erin \(everything, issued before 2026-01-01T00:00:00Z: old ones\)\nclosed at \S+ by erin \(epoch 1 and older: the incident is over\)\n$/,
  );
  expect(json(await scene.run(['revocations', 'show', ...by, '--json']))).toMatchObject({
    v: 1,
    file: 'revocations.jws',
    statements: 3,
    entries: [
      { kind: 'all', value: null, before: 1_767_225_600, by: 'erin', reason: 'old ones', closed: false },
      { kind: 'epoch', value: 1, reason: 'closed: the incident is over', closed: true },
    ],
    alarms: [],
  });
});

describe('revocations merge', () => {
  test('is the union of the lines: judges nothing, keeps what it does not know, needs no trust file', async () => {
    const scene = origin.copy();
    writeFileSync(scene.path('x.jws'), 'one\ntwo\n');
    writeFileSync(scene.path('y.jws'), 'two\nthree');
    const run = await scene.run(['revocations', 'merge', 'x.jws', 'y.jws', '--out', 'z.jws', '--json']);
    expect(run).toMatchObject({ status: 0, stdout: '{"v":1,"file":"z.jws","lines":3}\n' });
    expect(text(scene, 'z.jws')).toBe('one\ntwo\nthree\n');
  });

  test('loses nothing of what stands in the file it writes, which may be one of them', async () => {
    const scene = origin.copy();
    writeFileSync(scene.path('x.jws'), 'one\n');
    await scene.run(['revocations', 'merge', 'x.jws', 'revocations.jws', '--out', 'revocations.jws']);
    expect(text(scene)).toBe(`${text(origin)}one\n`);
  });

  test('needs --out, and every list', async () => {
    const scene = origin.copy();
    expect(await scene.run(['revocations', 'merge', 'revocations.jws'])).toMatchObject({ status: 2 });
    const run = await scene.run(['revocations', 'merge', 'revocations.jws', 'gone.jws', '--out', 'z.jws']);
    expect(run).toMatchObject({ status: 2, stdout: '' });
  });
});
