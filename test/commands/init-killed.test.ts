import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeInitJournal } from '../../src/ceremony/init-journal.ts';
import { keys, startPty } from '../terminal/pty.ts';
import { environment } from './program.ts';
import {
  initFlags,
  json,
  makeTrust,
  mintFlags,
  now,
  openScenes,
  recordsOn,
  type Scene,
  trailFolderOf,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

const fresh = () => scenes.fresh();

interface Journal {
  readonly phase: string;
  readonly setId: string;
}

function journalOf(scene: Scene): Journal | undefined {
  const file = scene.path('state', 'init.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Journal) : undefined;
}

/** Runs init and kills it with SIGKILL as soon as `moment` is true. */
async function killedInit(scene: Scene, moment: () => boolean): Promise<void> {
  const child = spawn(join(scene.program.bin, 'breakglass'), initFlags, {
    cwd: scene.dir,
    env: environment(scene.program, scene.dir),
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.on('close', resolve));
  while (child.exitCode === null && child.signalCode === null) {
    if (moment()) child.kill('SIGKILL');
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
}

test('an init that was killed while a custodian looked at a card: the next one names the void set and runs afresh', async () => {
  const scene = fresh();
  const cards = initFlags.filter((flag, at) => flag !== '--card-dir' && initFlags[at - 1] !== '--card-dir');
  const session = startPty(join(scene.program.bin, 'breakglass'), [...cards, '--card-dir', 'alice=cards'], {
    cwd: scene.dir,
    env: environment(scene.program, scene.dir),
  });
  await session.shows('New passphrase for the share of alice');
  session.type(keys.enter);
  await session.shows('bob comes to the screen');
  expect(existsSync(scene.path('cards/alice.share'))).toBe(true);
  session.signal('SIGKILL');
  await session.ended();
  const journal = journalOf(scene);
  expect(journal).toMatchObject({ phase: 'dealing' });

  const mint = await scene.run([
    'mint',
    '--state',
    'state',
    '--request',
    'x',
    '--share',
    'x',
    '--confirm',
    'x',
    '--clock',
    'x',
    '--head',
    'none',
    '--json',
  ]);
  expect(json(mint)).toMatchObject({ errors: [{ code: 'INIT_UNFINISHED' }] });

  const again = await scene.run([...initFlags, '--json']);
  expect(again.status).toBe(0);
  expect(again.stderr).toContain(`was interrupted while it dealt set ${journal?.setId}`);
  expect(again.stderr).toContain('destroy its cards');
  expect(journalOf(scene)).toBeUndefined();
  expect(recordsOn(scene, 'a')).toMatchObject([{ type: 'genesis' }]);
  expect(recordsOn(scene, 'a')[0]?.['setId']).not.toBe(journal?.setId);
});

test('an init that was killed while it wrote: the next one only finishes the writing, with the same trust', async () => {
  const scene = fresh();
  await killedInit(scene, () => journalOf(scene)?.phase === 'writing');
  // The machine may have been quicker than the kill: then there is nothing to finish.
  const interrupted = journalOf(scene) !== undefined;
  const trust = readFileSync(scene.path('state', 'trust', 'T0000001.TXT'));
  const cards = readdirSync(scene.path('cards')).map((name) => readFileSync(scene.path('cards', name), 'utf8'));
  const again = await scene.run([...initFlags, '--json']);
  if (!interrupted) return expect(json(again)).toMatchObject({ errors: [{ code: 'EXISTS' }] });

  expect(again.status).toBe(0);
  expect(again.stderr).toContain('was interrupted while it wrote. Finishing it');
  expect(readFileSync(scene.path('out', 'trust.jws'))).toEqual(trust);
  expect(readdirSync(scene.path('cards')).map((name) => readFileSync(scene.path('cards', name), 'utf8'))).toEqual(
    cards,
  );
  expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
  expect((await scene.run([...mintFlags(await writeRequest(scene)), '--json'])).status).toBe(0);
});

test('a file that was half-written when init was killed is set aside, and the writing is finished', async () => {
  const scene = fresh();
  await makeTrust(scene);
  const folder = trailFolderOf(scene, 'b');
  const { medium: id } = JSON.parse(readFileSync(scene.path('b', 'BGTRAIL', 'MEDIUM.JSN'), 'utf8'));
  // As a kill in the middle of the writing leaves it: the journal stands, the newest file is torn, the rest is not there.
  for (const name of readdirSync(folder)) if (!name.startsWith('T0')) rmSync(join(folder, name));
  truncateSync(join(folder, 'T0000001.TXT'), 100);
  const [{ medium: other } = { medium: '' }] = JSON.parse(
    readFileSync(scene.path('state', 'media.json'), 'utf8'),
  ).media;
  writeInitJournal(scene.path('state'), {
    v: 1,
    phase: 'writing',
    startedAt: now(),
    setId: 'abcde',
    outDir: scene.path('out'),
    shareFiles: [],
    media: [
      { path: scene.path('a'), label: 'a', medium: other },
      { path: scene.path('b'), label: 'b', medium: id },
    ],
  });
  expect(await scene.run([...initFlags, '--json'])).toMatchObject({ status: 0 });
  expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
  expect(readdirSync(folder)).toContain('T0000001.BAD');
});

test('an init that was killed at any moment leaves something that the next one understands', async () => {
  const moments: readonly ((scene: Scene) => boolean)[] = [
    (scene) => existsSync(scene.path('state')),
    (scene) => journalOf(scene) !== undefined,
    (scene) => readdirSync(scene.path('cards')).length > 0,
    (scene) => readdirSync(scene.path('cards')).length > 3,
    (scene) => existsSync(scene.path('state', 'trust')),
    (scene) => existsSync(scene.path('state', 'trail', '00000000.JWS')),
    (scene) => existsSync(scene.path('a', 'BGTRAIL')),
    (scene) => existsSync(scene.path('b', 'BGTRAIL')),
    (scene) => existsSync(scene.path('out', 'trust.jws')),
  ];
  for (const moment of moments) {
    const scene = fresh();
    await killedInit(scene, () => moment(scene));
    const whole = journalOf(scene) === undefined && existsSync(scene.path('out', 'trust.jws'));
    const again = await scene.run([...initFlags, '--json']);
    expect(again, moment.toString()).toMatchObject({ status: whole ? 2 : 0 });
    const minted = await scene.run([...mintFlags(await writeRequest(scene)), '--json']);
    expect(minted, moment.toString()).toMatchObject({ status: 0 });
    expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
  }
});
