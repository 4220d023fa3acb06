import { lstatSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  makePrivateDirectory,
  readInput,
  renameExclusive,
  replaceFile,
  writeExclusive,
  writeOut,
} from '../../src/machine/files.ts';
import { bundleProgram, finish, printed, startShell, temporaryFolder } from './child.ts';
import { refusal } from './fixture.ts';

const bytes = Buffer.from('product\n');
let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

describe('writeExclusive', () => {
  test('writes the whole file with the rights that were asked for', () => {
    writeExclusive(join(folder, 'secret'), bytes, { mode: 0o600 });
    expect(readFileSync(join(folder, 'secret'))).toEqual(bytes);
    expect(lstatSync(join(folder, 'secret')).mode & 0o777).toBe(0o600);
  });

  test('never overwrites: a file, a folder and a dangling link stay as they are', () => {
    writeFileSync(join(folder, 'file'), 'old');
    mkdirSync(join(folder, 'folder'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    for (const name of ['file', 'folder', 'link']) {
      const found = refusal(() => writeExclusive(join(folder, name), bytes, { mode: 0o600 }));
      expect(found.code).toBe('EXISTS');
      expect(found.message).toBe(`${join(folder, name)} exists already and was not overwritten`);
    }
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file', 'folder', 'link']);
  });

  test('that fails in the middle leaves nothing', async () => {
    const program = bundleProgram(
      folder,
      'cut',
      `import { writeExclusive } from './files.ts';
       import { isBreakglassError } from '../base/errors.ts';
       process.on('SIGXFSZ', () => {});
       try {
         writeExclusive(process.argv[2] ?? '', Buffer.alloc(100_000), { mode: 0o600 });
       } catch (error) {
         process.stdout.write(isBreakglassError(error, 'IO') ? error.message : String(error));
       }`,
    );
    const path = join(folder, 'file');
    // A limit of 8 KiB a file: the first write is short, the second one fails.
    const { stdout } = await finish(startShell(`ulimit -f 16; exec "$NODE" ${program} ${path}`));
    expect(stdout).toBe(`${path} was not written (EFBIG)`);
    expect(readdirSync(folder)).toEqual(['cut.mjs']);
  });

  test('names the path when the folder is not there', () => {
    const path = join(folder, 'missing', 'file');
    const found = refusal(() => writeExclusive(path, bytes, { mode: 0o600 }));
    expect(found).toMatchObject({ code: 'IO', message: `${path} was not written (ENOENT)` });
  });
});

describe('replaceFile', () => {
  test('replaces the content and the rights', () => {
    writeFileSync(join(folder, 'file'), 'old', { mode: 0o644 });
    replaceFile(join(folder, 'file'), bytes, { mode: 0o600 });
    expect(readFileSync(join(folder, 'file'))).toEqual(bytes);
    expect(lstatSync(join(folder, 'file')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('that fails leaves what was there and nothing beside it', () => {
    mkdirSync(join(folder, 'target', 'inner'), { recursive: true });
    expect(refusal(() => replaceFile(join(folder, 'target'), bytes, { mode: 0o600 })).code).toBe('IO');
    expect(readdirSync(folder)).toEqual(['target']);
    expect(readdirSync(join(folder, 'target'))).toEqual(['inner']);
  });

  test('killed at any moment leaves one whole content', async () => {
    const path = join(folder, 'file');
    const program = bundleProgram(
      folder,
      'replacer',
      `import { replaceFile } from './files.ts';
       const contents = ['a', 'b'].map((letter) => Buffer.alloc(300_000, letter));
       process.stdout.write('started');
       for (let turn = 0; ; turn++) replaceFile(process.argv[2] ?? '', contents[turn % 2] ?? Buffer.alloc(0), { mode: 0o600 });`,
    );
    writeFileSync(path, Buffer.alloc(300_000, 'a'));
    for (let round = 0; round < 8; round++) {
      const child = startShell(`exec "$NODE" ${program} ${path}`);
      await printed(child, 'started');
      await new Promise((resolve) => setTimeout(resolve, round * 3));
      child.kill('SIGKILL');
      await finish(child);
      expect(readFileSync(path, 'latin1')).toMatch(/^(?:a{300000}|b{300000})$/);
    }
  });
});

test('makePrivateDirectory makes folders that only their owner can enter, and leaves one that is there', () => {
  makePrivateDirectory(join(folder, 'a', 'b'));
  expect(lstatSync(join(folder, 'a', 'b')).mode & 0o777).toBe(0o700);
  mkdirSync(join(folder, 'open'), { mode: 0o755 });
  makePrivateDirectory(join(folder, 'open'));
  expect(lstatSync(join(folder, 'open')).mode & 0o777).toBe(0o755);
});

test('renameExclusive never renames over a file', () => {
  writeFileSync(join(folder, 'from'), 'from');
  writeFileSync(join(folder, 'to'), 'to');
  expect(refusal(() => renameExclusive(join(folder, 'from'), join(folder, 'to'))).code).toBe('EXISTS');
  expect(readFileSync(join(folder, 'to'), 'utf8')).toBe('to');
});

describe('readInput', () => {
  const options = { what: 'the request', maxBytes: 100_000 };

  test('reads a file of any size up to the limit', () => {
    for (const size of [0, 1, 16_383, 16_384, 16_385, 100_000]) {
      writeFileSync(join(folder, 'file'), Buffer.alloc(size, 'x'));
      expect(readInput(join(folder, 'file'), options)).toEqual(new Uint8Array(size).fill(0x78));
    }
  });

  test('gives each fault its own error', () => {
    writeFileSync(join(folder, 'long'), Buffer.alloc(100_001));
    const path = (name: string) => join(folder, name);
    const found = (name: string) => refusal(() => readInput(path(name), options));
    expect(found('none')).toMatchObject({ code: 'NOT_FOUND', message: `the request was not found at ${path('none')}` });
    expect(found('.')).toMatchObject({
      code: 'BAD_INPUT',
      message: `the request ${path('.')} is a folder, not a file`,
    });
    expect(found('long')).toMatchObject({
      code: 'BAD_INPUT',
      message: `the request ${path('long')} is longer than 100,000 bytes`,
    });
    expect(found('long/inner').code).toBe('NOT_FOUND');
  });

  test('reads - from a pipe that another process made non-blocking, and waits for the writer', async () => {
    const program = bundleProgram(
      folder,
      'reader',
      `import { readInput, writeOut } from './files.ts';
       process.stdin.pause();
       writeOut(1, readInput('-', { what: 'the token', maxBytes: 1000 }));`,
    );
    const child = startShell(`(printf one; sleep 0.2; printf two) | exec "$NODE" ${program}`);
    expect(await finish(child)).toMatchObject({ status: 0, stdout: 'onetwo' });
  });
});

describe('writeOut', () => {
  test('writes everything through a non-blocking pipe with a slow reader', async () => {
    const program = bundleProgram(
      folder,
      'writer',
      `import { writeOut } from './files.ts';
       void process.stdout;
       process.stderr.write(writeOut(1, Buffer.alloc(1_000_000, 'x')));`,
    );
    const child = startShell(`"$NODE" ${program} | (sleep 0.2; wc -c)`);
    const { stdout, stderr } = await finish(child);
    expect([stdout.trim(), stderr]).toEqual(['1000000', 'written']);
  });

  test('says closed, and no more, when the reader has gone away', async () => {
    const program = bundleProgram(
      folder,
      'writer-closed',
      `import { pause, writeOut } from './files.ts';
       pause(300);
       process.stderr.write(writeOut(1, Buffer.alloc(1_000_000, 'x')));`,
    );
    expect((await finish(startShell(`"$NODE" ${program} | true`))).stderr).toBe('closed');
  });

  test('is an error on a full disk', () => {
    const found = refusal(() => writeOut(openSync('/dev/full', 'w'), bytes));
    expect(found).toMatchObject({ code: 'IO', message: expect.stringContaining('ENOSPC') });
  });
});
