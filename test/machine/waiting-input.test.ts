import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { awaitDescriptor, awaitInput } from '../../src/machine/waiting-input.ts';
import { bundleProgram, finish, startShell, temporaryFolder } from './child.ts';
import { refusalOf } from './fixture.ts';

const options = { what: 'the share file', maxBytes: 100_000 };
let folder: string;
let pipe: string;
beforeEach(() => {
  folder = temporaryFolder();
  pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
});

const read = async (path: string) => Buffer.from(await awaitInput(path, options)).toString();

describe('awaitInput', () => {
  test('takes a file whole', async () => {
    writeFileSync(join(folder, 'file'), 'a'.repeat(60_000));
    expect(await read(join(folder, 'file'))).toBe('a'.repeat(60_000));
  });

  test('takes what comes through a pipe piece by piece, to its end', async () => {
    const answer = read(pipe);
    await sleep(50);
    const writer = openSync(pipe, 'w');
    for (const piece of ['one ', 'two ', 'three']) {
      writeSync(writer, piece);
      await sleep(30);
    }
    closeSync(writer);
    expect(await answer).toBe('one two three');
  });

  test('a writer that leaves without a word is the end, not a reason to wait on', async () => {
    const answer = read(pipe);
    await sleep(50);
    closeSync(openSync(pipe, 'w'));
    expect(await answer).toBe('');
  });

  test.each([
    ['that is longer than it may be', 'a'.repeat(65_536)],
    ['that never ends', undefined],
  ])('refuses a pipe %s', async (_, text) => {
    const answer = refusalOf(awaitInput(text === undefined ? '/dev/zero' : pipe, { ...options, maxBytes: 1000 }));
    if (text !== undefined) {
      await sleep(50);
      const writer = openSync(pipe, 'w');
      writeSync(writer, text);
      closeSync(writer);
    }
    expect(await answer).toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('is longer than 1,000 bytes'),
    });
  });

  test('says of what is not there, of a folder and of a closed descriptor what readInput says', async () => {
    mkdirSync(join(folder, 'folder'));
    expect(await refusalOf(awaitInput(join(folder, 'none'), options))).toMatchObject({ code: 'NOT_FOUND' });
    expect((await refusalOf(awaitInput(join(folder, 'folder'), options))).message).toContain('is a folder, not a file');
    expect((await refusalOf(awaitDescriptor(987, options))).message).toBe('the share file cannot be read (EBADF)');
  });
});

describe('in a process of its own,', () => {
  const program = () =>
    bundleProgram(
      folder,
      'reader',
      `import { awaitDescriptor, awaitInput } from './waiting-input.ts';
       const options = { what: 'it', maxBytes: 1000 };
       const path = process.argv[2];
       try {
         const bytes = await (path ? awaitInput(path, options) : awaitDescriptor(3, options));
         console.log(Buffer.from(bytes).toString());
       } catch (error) {
         console.log(error.code, error.message);
       }`,
    );

  test('a descriptor gives what comes through it, in the middle of a file too', async () => {
    const file = join(folder, 'lines');
    writeFileSync(file, 'first\nsecond\n');
    const byPipe = await finish(startShell(`(printf one; sleep 0.1; printf two) | "$NODE" ${program()} 3<&0`));
    expect(byPipe).toMatchObject({ status: 0, stdout: 'onetwo\n' });
    const byFile = await finish(startShell(`exec 3<${file}; read line <&3; exec "$NODE" ${program()}`));
    expect(byFile.stdout).toBe('second\n\n');
  });

  test('a pipe of a shell (process substitution) that gives nothing is the end of input', async () => {
    const child = startShell(`bash -c '"$NODE" ${program()} <(true)'`);
    expect(await finish(child)).toMatchObject({ status: 0, stdout: '\n' });
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s ends the waiting for a writer that never comes', async (signal) => {
    const child = startShell(`"$NODE" ${program()} ${pipe} & sleep 0.5; kill -s ${signal.slice(3)} $!; wait $!`);
    expect(await finish(child)).toMatchObject({ status: 0, stdout: `ABORTED stopped by ${signal}\n` });
  });

  test('LIMIT: while a socket gives nothing, a signal ends the process as it ends any program', async () => {
    const source = program();
    const starter = join(folder, 'starter.mjs');
    writeFileSync(
      starter,
      `import { spawn } from 'node:child_process';
       const child = spawn(process.execPath, [${JSON.stringify(source)}], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
       child.on('exit', (status, signal) => { console.log(status, signal); process.exit(); });
       setTimeout(() => child.kill('SIGTERM'), 700);`,
    );
    expect(await finish(startShell(`exec "$NODE" ${starter}`))).toMatchObject({ stdout: 'null SIGTERM\n' });
  });
});
