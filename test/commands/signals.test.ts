import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sealWithPassphrase } from '../../src/machine/sealed.ts';
import { keys, startPty } from '../terminal/pty.ts';
import { environment } from './program.ts';
import {
  custodians,
  errorCodes,
  initFlags,
  json,
  mintFlags,
  now,
  openScenes,
  recordsOn,
  type Scene,
  type WrittenRequest,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs without a terminal; descriptor 3 is the pipe `fd3`, once somebody writes to that. */
function start(
  scene: Scene,
  args: readonly string[],
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const line = existsSync(scene.path('fd3')) ? 'exec breakglass "$@" 3<fd3' : 'exec breakglass "$@"';
  const child = spawn('/bin/sh', ['-c', line, 'breakglass', ...args], {
    cwd: scene.dir,
    env: environment(scene.program, scene.dir),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      seen[name] += text;
    });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, ...seen }));
  });
  return { child, ended };
}

function makePipe(scene: Scene, name: string): string {
  execFileSync('mkfifo', [scene.path(name)]);
  return name;
}

/** Resolves with the writing end once a process reads the pipe: before, opening it fails. */
async function writerOf(scene: Scene, pipe: string): Promise<number> {
  for (;;) {
    try {
      return openSync(scene.path(pipe), constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENXIO')) throw error;
      await sleep(5);
    }
  }
}

/** Gives a file through the pipe; resolves when the reader has taken all and let the pipe go. */
async function give(scene: Scene, pipe: string, file: string): Promise<void> {
  const descriptor = await writerOf(scene, pipe);
  writeSync(descriptor, readFileSync(scene.path(file)));
  closeSync(descriptor);
  for (;;) {
    try {
      closeSync(openSync(scene.path(pipe), constants.O_WRONLY | constants.O_NONBLOCK));
    } catch {
      return;
    }
    await sleep(5);
  }
}

async function mintAgain(scene: Scene): Promise<void> {
  const run = await scene.run([...mintFlags(await writeRequest(scene)), '--json']);
  expect({ status: run.status, stderr: run.stderr }).toMatchObject({ status: 0 });
}

function expectStopped(scene: Scene, ended: Ended, signal: NodeJS.Signals, undone: string): void {
  expect(ended).toEqual({
    status: 130,
    signal: null,
    stdout: '',
    stderr: expect.stringContaining(
      `breakglass: stopped by ${signal}\nhint: ${undone}. Run the same command again to start over; this attempt is on the record.\n`,
    ),
  });
  expect(readdirSync(scene.path('state/lock'))).toEqual([]);
}

function expectNoToken(scene: Scene, ended: Ended, signal: NodeJS.Signals): void {
  expectStopped(scene, ended, signal, 'No token was issued');
  expect(existsSync(scene.path('token'))).toBe(false);
  expect(readdirSync(scene.dir).filter((name) => name.includes('kill'))).toEqual([]);
  for (const medium of ['a', 'b']) expect(typesOn(scene, medium)).not.toContain('mint.issued');
}

const typesOn = (scene: Scene, medium: string) => recordsOn(scene, medium).map(({ type }) => type);
const lastOn = (scene: Scene, medium: string) => recordsOn(scene, medium).at(-1);
const mintTo = (request: WrittenRequest, shares: readonly string[]) => [
  ...mintFlags(request, shares),
  '--out',
  'token',
];

describe.each(signals)(
  '%s ends a mint without a terminal with status 130, on the record and without a token:',
  (signal) => {
    test('while the request is awaited, and before anything of it is known', async () => {
      const scene = scenes.origin.copy();
      const request = await writeRequest(scene);
      const mint = start(scene, mintTo({ ...request, file: makePipe(scene, 'request') }, ['cards/alice.share']));
      const writer = await writerOf(scene, 'request');
      mint.child.kill(signal);
      expectNoToken(scene, await mint.ended, signal);
      closeSync(writer);
      for (const medium of ['a', 'b'])
        expect(lastOn(scene, medium)).toMatchObject({ type: 'mint.aborted', stage: 'request', request: null });
      await mintAgain(scene);
    });

    test('while nobody has opened the pipe of a share yet', async () => {
      const scene = scenes.origin.copy();
      const shares = [makePipe(scene, 'first'), makePipe(scene, 'second'), 'cards/carol.share'];
      const mint = start(scene, mintTo(await writeRequest(scene), shares));
      await give(scene, 'first', 'cards/alice.share');
      mint.child.kill(signal);
      expectNoToken(scene, await mint.ended, signal);
      for (const medium of ['a', 'b'])
        expect(lastOn(scene, medium)).toMatchObject({
          ...{ type: 'mint.aborted', code: 'ABORTED', stage: 'shares', custodians: ['alice'] },
        });
      await mintAgain(scene);
    });

    test('while half of a share has come', async () => {
      const scene = scenes.origin.copy();
      const mint = start(scene, mintTo(await writeRequest(scene), ['cards/alice.share', makePipe(scene, 'pipe')]));
      const writer = await writerOf(scene, 'pipe');
      writeSync(writer, readFileSync(scene.path('cards/bob.share')).subarray(0, 20));
      mint.child.kill(signal);
      expectNoToken(scene, await mint.ended, signal);
      closeSync(writer);
      expect(lastOn(scene, 'a')).toMatchObject({ type: 'mint.aborted', stage: 'shares', custodians: ['alice'] });
      await mintAgain(scene);
    });

    test('while --passphrase-fd gives nothing', async () => {
      const scene = scenes.origin.copy();
      const sealed = await sealWithPassphrase(readFileSync(scene.path('cards/bob.share')), Buffer.from('of bob'), {
        workFactor: 2,
      });
      writeFileSync(scene.path('cards/bob.share.age'), sealed);
      makePipe(scene, 'fd3');
      const shares = [makePipe(scene, 'pipe'), 'cards/bob.share.age', 'cards/carol.share'];
      const mint = start(scene, [...mintTo(await writeRequest(scene), shares), '--passphrase-fd', '3']);
      const writer = await writerOf(scene, 'fd3');
      await give(scene, 'pipe', 'cards/alice.share');
      mint.child.kill(signal);
      expectNoToken(scene, await mint.ended, signal);
      closeSync(writer);
      expect(lastOn(scene, 'b')).toMatchObject({ type: 'mint.aborted', stage: 'shares', custodians: ['alice'] });
      await mintAgain(scene);
    });

    test('while media are written, and what was begun there is finished first', async () => {
      const scene = scenes.origin.copy();
      execFileSync('rm', ['-r', scene.path('b/BGTRAIL')]);
      const mint = start(scene, mintTo(await writeRequest(scene), [makePipe(scene, 'pipe')]));
      while (!existsSync(scene.path('b/BGTRAIL'))) await new Promise((resolve) => setImmediate(resolve));
      mint.child.kill(signal);
      expectNoToken(scene, await mint.ended, signal);
      expect(lastOn(scene, 'a')).toMatchObject({ type: 'mint.aborted', custodians: [] });
      expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
      await mintAgain(scene);
    });
  },
);

test('a mint that is stopped with no medium at hand leaves its record in the state directory: the next one writes it first', async () => {
  const scene = scenes.origin.copy();
  const request = await writeRequest(scene);
  const mint = start(scene, mintTo({ ...request, file: makePipe(scene, 'request') }, ['cards/alice.share']));
  const writer = await writerOf(scene, 'request');
  for (const medium of ['a', 'b']) renameSync(scene.path(medium), scene.path(`${medium}-gone`));
  mint.child.kill('SIGTERM');
  expectStopped(scene, await mint.ended, 'SIGTERM', 'No token was issued');
  closeSync(writer);
  expect(readdirSync(scene.path('state/pending'))).toHaveLength(1);
  for (const medium of ['a', 'b']) renameSync(scene.path(`${medium}-gone`), scene.path(medium));
  expect(typesOn(scene, 'a')).toEqual(['genesis']);
  await mintAgain(scene);
  expect(readdirSync(scene.path('state/pending'))).toEqual([]);
  for (const medium of ['a', 'b'])
    expect(recordsOn(scene, medium).slice(1, 3)).toMatchObject([
      { type: 'mint.aborted', code: 'ABORTED', stage: 'request', custodians: [] },
      { type: 'mint.issued' },
    ]);
});

test('--json says it on standard output too', async () => {
  const scene = scenes.origin.copy();
  const mint = start(scene, [...mintTo(await writeRequest(scene), [makePipe(scene, 'pipe')]), '--json']);
  const writer = await writerOf(scene, 'pipe');
  mint.child.kill('SIGTERM');
  const ended = await mint.ended;
  closeSync(writer);
  expect(ended.status).toBe(130);
  expect(errorCodes(ended)).toEqual(['ABORTED']);
});

test.each(signals)('%s after the record began to be written does not keep the token back', async (signal) => {
  const scene = scenes.origin.copy();
  const mint = start(
    scene,
    mintTo(
      await writeRequest(scene),
      ['alice', 'bob', 'carol'].map((who) => `cards/${who}.share`),
    ),
  );
  const [folder = ''] = readdirSync(scene.path('a/BGTRAIL')).filter((name) => /^[0-9a-f]{8}$/.test(name));
  const record = join(scene.path('a/BGTRAIL'), folder, '00000001.JWS');
  while (!existsSync(record)) await new Promise((resolve) => setImmediate(resolve));
  mint.child.kill(signal);
  const ended = await mint.ended;
  expect(ended).toMatchObject({ status: 0, signal: null });
  expect(readFileSync(scene.path('token'), 'utf8')).toMatch(/^ey[\w-]+\.[\w-]+\.[\w-]+\n$/);
  for (const medium of ['a', 'b']) expect(typesOn(scene, medium)).toEqual(['genesis', 'mint.issued', 'mint.released']);
});

const places = ['--state', 'state', '--out', 'out', '--json'];
const quorum = ['--share', 'cards/alice.share', '--share', 'cards/bob.share', '--share', 'cards/carol.share'];
const newCards = custodians.flatMap((label) => ['--card-dir', `${label}=home`]);

interface Change {
  readonly command: readonly string[];
  readonly cards: readonly string[];
}

async function prepared(scene: Scene, { command, cards }: Change): Promise<readonly string[]> {
  const made = await scene.run([...command, '--reason', 'the yearly change', '--prepare', 'change.json', ...places]);
  expect(made.stderr).toBe('');
  const { fingerprint } = json(made) as { fingerprint: { words: string[] } };
  return [
    ...[...command, ...cards, '--request', 'change.json', '--confirm', fingerprint.words.join(' '), '--head', 'none'],
    ...['--medium', 'a', '--medium', 'b', '--allow-fixed', '--clock', now(), ...places],
  ];
}

describe.each([
  ['rotate keys', { command: ['rotate', 'keys'], cards: [] }, 'rotate'],
  ['rotate shares', { command: ['rotate', 'shares'], cards: newCards }, 'rotate'],
  ['rotate seed', { command: ['rotate', 'seed'], cards: newCards }, 'rotate'],
  ['policy apply', { command: ['policy', 'apply', 'narrow.toml'], cards: [] }, 'policy'],
] satisfies [string, Change, string][])('%s', (_name, change, type) => {
  test('stopped by SIGTERM while a share is awaited changes nothing, is on the record, and can be done again', async () => {
    const scene = scenes.origin.copy();
    const policy = readFileSync(scene.path('policy.toml'), 'utf8');
    writeFileSync(scene.path('narrow.toml'), policy.replace('maxPerDay = 12', 'maxPerDay = 6'));
    const args = await prepared(scene, change);
    const before = readFileSync(scene.path('out/trust.jws'));
    const run = start(scene, [...args, '--share', 'cards/alice.share', '--share', makePipe(scene, 'pipe')]);
    const writer = await writerOf(scene, 'pipe');
    run.child.kill('SIGTERM');
    const ended = await run.ended;
    closeSync(writer);
    expectStopped(scene, { ...ended, stdout: '' }, 'SIGTERM', 'Nothing was changed');
    expect(errorCodes(ended)).toEqual(['ABORTED']);
    expect(readFileSync(scene.path('out/trust.jws'))).toEqual(before);
    expect(readdirSync(scene.path('home'))).toEqual([]);
    expect(lastOn(scene, 'a')).toMatchObject({ type: 'mint.aborted', stage: 'shares', custodians: ['alice'] });
    expect(await scene.run([...args, ...quorum])).toMatchObject({ status: 0 });
    expect(typesOn(scene, 'a')).toContain(type);
  });
});

describe.each(signals)('%s while new cards are dealt', (signal) => {
  test('undoes the dealing of a rotation, which can then be done again with the same request', async () => {
    const scene = scenes.origin.copy();
    const args = await prepared(scene, { command: ['rotate', 'shares'], cards: newCards });
    makePipe(scene, 'fd3');
    const run = start(scene, [...args, ...quorum, '--passphrase-fd', '3']);
    const writer = await writerOf(scene, 'fd3');
    while (!existsSync(scene.path('state/dealing.json'))) await sleep(5);
    run.child.kill(signal);
    const ended = await run.ended;
    closeSync(writer);
    expectStopped(scene, { ...ended, stdout: '' }, signal, 'Nothing was changed');
    expect(ended.stderr).toContain('The old cards are the cards.');
    expect(readdirSync(scene.path('home'))).toEqual([]);
    expect(existsSync(scene.path('state/dealing.json'))).toBe(false);
    expect(recordsOn(scene, 'b').slice(1)).toMatchObject([
      { type: 'rotate.begun' },
      { type: 'mint.aborted', code: 'ABORTED', stage: 'dealing', custodians: ['alice', 'bob', 'carol'] },
    ]);
    expect(await scene.run([...args, ...quorum])).toMatchObject({ status: 0 });
    expect(typesOn(scene, 'b')).toContain('rotate');
  });

  test('ends an init, and nothing of it is left', async () => {
    const scene = scenes.fresh();
    makePipe(scene, 'fd3');
    const run = start(scene, [...initFlags, '--passphrase-fd', '3']);
    const writer = await writerOf(scene, 'fd3');
    while (!existsSync(scene.path('state/init.json'))) await sleep(5);
    run.child.kill(signal);
    const ended = await run.ended;
    closeSync(writer);
    expect(ended).toMatchObject({ status: 130, signal: null, stdout: '' });
    expect(ended.stderr).toMatch(
      /no trust was made\..*\nbreakglass: stopped by SIG[A-Z]+\nhint: nothing more was done\./,
    );
    expect(['cards', 'a', 'b', 'out'].flatMap((name) => readdirSync(scene.path(name)))).toEqual([]);
    expect(await scene.run([...initFlags])).toMatchObject({ status: 0 });
  });
});

describe('at a terminal with no prompt open,', () => {
  async function waitingAtPipe(scene: Scene) {
    makePipe(scene, 'pipe');
    const request = await writeRequest(scene);
    const flags = ['--request', request.file, '--share', 'pipe', '--out', 'token', '--state', 'state', '--allow-fixed'];
    const session = startPty(
      join(scene.program.bin, 'breakglass'),
      ['mint', ...flags, '--medium', 'a', '--medium', 'b'],
      { cwd: scene.dir, env: environment(scene.program, scene.dir) },
    );
    await session.shows('First three words of the head code');
    session.type(keys.enter);
    await session.shows('Does a watch say the same');
    session.type('y');
    await session.shows('Does the responder read out these words');
    session.type('y');
    return { session, writer: await writerOf(scene, 'pipe') };
  }

  test.each(signals)('%s ends the mint on the record', async (signal) => {
    const scene = scenes.origin.copy();
    const { session, writer } = await waitingAtPipe(scene);
    session.signal(signal);
    expect(await session.ended()).toEqual({ status: 130, signal: 0 });
    closeSync(writer);
    expect(session.screen).toContain(`stopped by ${signal}`);
    expect(lastOn(scene, 'a')).toMatchObject({ type: 'mint.aborted', stage: 'shares', custodians: [] });
  });

  test('a connection that is lost ends it on the record too, though nobody can be told', async () => {
    const scene = scenes.origin.copy();
    const { session, writer } = await waitingAtPipe(scene);
    session.hangUp();
    // Not its status: Node.js 20 aborts at its very end when the terminal of its standard streams is gone.
    await session.ended();
    closeSync(writer);
    expect(lastOn(scene, 'a')).toMatchObject({ type: 'mint.aborted', stage: 'shares', custodians: [] });
    expect(readdirSync(scene.path('state/lock'))).toEqual([]);
  });
});

test.each(signals)('%s ends what is no ceremony as it ends any program', async (signal) => {
  const scene = scenes.origin.copy();
  const show = start(scene, ['trust', 'show', makePipe(scene, 'pipe')]);
  const writer = await writerOf(scene, 'pipe');
  show.child.kill(signal);
  expect(await show.ended).toEqual({ status: null, signal, stdout: '', stderr: '' });
  closeSync(writer);
});
