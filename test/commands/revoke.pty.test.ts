import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRevocations } from '../../src/revocation/list.ts';
import type { Claims } from '../../src/token/claims.ts';
import { keys, type PtySession, startPty } from '../terminal/pty.ts';
import { environment } from './program.ts';
import { makeRevokers, mintTo, passphrase, revokeBy, trustOf, verdict } from './revocation-scene.ts';
import { openScenes, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
let origin: Scene;
let older: Claims;
let newer: Claims;
beforeAll(async () => {
  scenes = await openScenes();
  origin = await makeRevokers(scenes);
  [older] = (await mintTo(origin, 'older.jwt')) as [Claims];
  [newer] = (await mintTo(origin, 'newer.jwt', ['--incident', 'inc-2'])) as [Claims];
});
afterAll(() => scenes.remove());

function start(scene: Scene, flags: readonly string[] = []): PtySession {
  const env = environment(scene.program, scene.dir);
  const by = ['revoke', '--trust', 'out/trust.jws', '--state', 'desk', ...flags];
  return startPty(join(scene.program.bin, 'breakglass'), by, { cwd: scene.dir, env });
}

const entries = (scene: Scene) =>
  readRevocations(readFileSync(scene.path('revocations.jws')), trustOf(scene)).entries.map(({ kind, value }) => [
    kind,
    value,
  ]);

describe('revoke at a terminal, without a selector', () => {
  test('lists what is open, the newest first; one key and the passphrase kill it', async () => {
    const scene = origin.copy();
    const session = start(scene, ['--trail', 'a']);
    await session.shows('Which one dies?');
    expect(session.screen).toMatch(/1 {2}inc-2: dana as db-admin, until .*\n.*(?:\n.*)?2 {2}inc-1: dana as db-admin/);
    session.type('1');
    await session.shows('Passphrase of erin.revoker.age:');
    session.type(`${passphrase}${keys.enter}`);
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });
    expect(session.screen).toContain('REVOKED: family');
    expect(session.output).not.toContain(passphrase);
    expect(entries(scene)).toEqual([['family', newer.breakglass.family]]);
    expect([await verdict(scene, 'newer.jwt'), await verdict(scene, 'older.jwt')]).toEqual(['TOKEN_REVOKED', 'valid']);
  });

  test('a: everything that was issued until now', async () => {
    const scene = origin.copy();
    const session = start(scene, ['--trail', 'a']);
    await session.shows('Which one dies?');
    session.type('xz9a');
    await session.shows('Passphrase of erin.revoker.age:');
    session.type(`${passphrase}${keys.enter}`);
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });
    expect(session.screen).toContain('REVOKED: everything, issued before');
    expect(entries(scene)).toEqual([['all', null]]);
    expect([await verdict(scene, 'newer.jwt'), await verdict(scene, 'older.jwt')]).toEqual([
      'TOKEN_REVOKED',
      'TOKEN_REVOKED',
    ]);
  });

  test('what is denied already is not on the list; without a trail an incident is asked for', async () => {
    const scene = origin.copy();
    await revokeBy(scene, ['--incident', 'inc-2']);
    const session = start(scene, ['--trail', 'a']);
    await session.shows('Which one dies?');
    expect(session.screen).not.toContain('inc-2');
    session.type(keys.ctrlC);
    expect((await session.ended()).status).toBe(130);
    const blind = start(scene);
    await blind.shows('Nothing is open, as far as is known here.');
    blind.type('i');
    await blind.shows('Incident');
    blind.type(`Inc-1${keys.enter}`);
    await blind.shows('Passphrase of erin.revoker.age:');
    blind.type(`${passphrase}${keys.enter}`);
    expect((await blind.ended()).status).toBe(0);
    expect(entries(scene)).toEqual([
      ['incident', 'inc-2'],
      ['incident', 'inc-1'],
    ]);
  });

  test('more than nine families: n turns the page', async () => {
    const scene = origin.copy();
    for (let n = 0; n < 8; n++) await mintTo(scene, `more-${n}.jwt`, ['--incident', `inc-more-${n}`]);
    const session = start(scene, ['--trail', 'b']);
    await session.shows('Which one dies?');
    expect(session.screen).toContain('n  the next of 10');
    expect(session.screen).not.toContain('inc-1:');
    session.type('n');
    await session.shows('1  inc-1: dana as db-admin');
    session.type('1');
    await session.shows('Passphrase of');
    session.type(`${passphrase}${keys.enter}`);
    expect((await session.ended()).status).toBe(0);
    expect(entries(scene)).toEqual([['family', older.breakglass.family]]);
  });
});

describe('the passphrase', () => {
  test('wrong twice: the kill file is named, and the right one still works', async () => {
    const scene = origin.copy();
    rmSync(scene.path('inc-2.kill.jws'));
    const session = start(scene, ['--incident', 'inc-1']);
    for (const typed of ['wrong', 'wrong again']) {
      await session.prints('Passphrase of erin.revoker.age:');
      session.type(`${typed}${keys.enter}`);
      await session.prints('that passphrase does not open erin.revoker.age');
    }
    await session.prints('revoke --kill inc-1.kill.jws');
    await session.prints('Passphrase of erin.revoker.age:');
    session.type(`${passphrase}${keys.enter}`);
    expect((await session.ended()).status).toBe(0);
    expect(entries(scene)).toEqual([['incident', 'inc-1']]);
  });

  test.each([
    ['Ctrl-C', keys.ctrlC],
    ['end of input', keys.ctrlD],
  ])('%s there denies nothing and leaves nothing', async (_what, key) => {
    const scene = origin.copy();
    const session = start(scene, ['--incident', 'inc-1']);
    await session.shows('Passphrase of erin.revoker.age:');
    session.type(`half a passphr${key}`);
    expect((await session.ended()).status).toBe(130);
    expect(readFileSync(scene.path('revocations.jws'))).toEqual(readFileSync(origin.path('revocations.jws')));
    expect(existsSync(scene.path('desk', 'seen'))).toBe(false);
    expect(existsSync(scene.path('revocations.jws.lock'))).toBe(false);
  });
});
