import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { machineFacts } from '../../src/machine/clock.ts';
import { mergeIntoFile, readRevocationsFile } from '../../src/machine/revocations-file.ts';
import { bundleProgram, finish, startShell, temporaryFolder } from './child.ts';
import { refusal } from './fixture.ts';

let dir: string;
let list: string;
beforeEach(() => {
  dir = temporaryFolder();
  list = join(dir, 'revocations.jws');
});
const lines = (...names: readonly string[]) => Buffer.from(names.map((name) => `${name}\n`).join(''));
const written = () => readFileSync(list, 'latin1');

describe('merging into a file', () => {
  test('begins it, adds what is not there yet, and leaves nothing else behind', () => {
    expect(readRevocationsFile(list)).toHaveLength(0);
    mergeIntoFile(list, lines('a', 'b'));
    expect(Buffer.from(mergeIntoFile(list, lines('c', 'a'))).toString()).toBe('a\nb\nc\n');
    expect(written()).toBe('a\nb\nc\n');
    expect(readdirSync(dir)).toEqual(['revocations.jws']);
  });

  test('keeps what nobody understands, byte for byte, and ends a torn last line', () => {
    const odd = Buffer.from([0xff, 0x00, 0x0a, 0x74, 0x6f, 0x72, 0x6e]);
    writeFileSync(list, odd);
    mergeIntoFile(list, lines('a'));
    expect(readFileSync(list)).toEqual(Buffer.concat([odd, Buffer.from('\na\n')]));
  });

  test('does not touch a file that has it all', () => {
    mergeIntoFile(list, lines('a', 'b'));
    const { ino } = statSync(list);
    mergeIntoFile(list, lines('b'));
    expect(statSync(list).ino).toBe(ino);
  });

  test('gives a file that services may read, whatever the umask of the commander', () => {
    const before = process.umask(0o077);
    try {
      mergeIntoFile(list, lines('a'));
    } finally {
      expect(process.umask(before)).toBe(0o077);
    }
    expect(statSync(list).mode & 0o777).toBe(0o644);
  });

  test('replaces what a link leads to, and the link stays one', () => {
    mkdirSync(join(dir, 'real'));
    const real = join(dir, 'real', 'list.jws');
    writeFileSync(real, 'a\n');
    symlinkSync(real, list);
    mergeIntoFile(list, lines('b'));
    expect(lstatSync(list).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, 'latin1')).toBe('a\nb\n');
  });

  test('takes over the claim of a process that is gone', () => {
    mkdirSync(join(dir, 'revocations.jws.lock', 'lock'), { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, 'revocations.jws.lock', 'lock', `${machineFacts().boot}.999999999.5`), '');
    mergeIntoFile(list, lines('a'));
    expect(readdirSync(dir)).toEqual(['revocations.jws']);
  });

  test('is refused without its folder, and where a folder stands in its place', () => {
    expect(refusal(() => mergeIntoFile(join(dir, 'no', 'list'), lines('a'))).code).toBe('NOT_FOUND');
    mkdirSync(list);
    expect(refusal(() => mergeIntoFile(list, lines('a'))).code).toBe('BAD_INPUT');
    expect(existsSync(`${list}.lock`)).toBe(false);
  });
});

test('processes that write at the same moment lose nothing', async () => {
  const program = bundleProgram(
    dir,
    'writer',
    `import { mergeIntoFile } from './revocations-file.ts';
     const [, , list = '', name = ''] = process.argv;
     for (let n = 0; n < 25; n++) mergeIntoFile(list, Buffer.from(name + n + '\\n'));`,
  );
  const names = ['x', 'y', 'z'];
  const runs = await Promise.all(names.map((name) => finish(startShell(`exec "$NODE" ${program} ${list} ${name}`))));
  expect(runs.map(({ status, stderr }) => ({ status, stderr }))).toEqual(names.map(() => ({ status: 0, stderr: '' })));
  const expected = names.flatMap((name) => Array.from({ length: 25 }, (_, n) => `${name}${n}`)).sort();
  expect(written().trimEnd().split('\n').sort()).toEqual(expected);
  expect(readdirSync(dir).sort()).toEqual(['revocations.jws', 'writer.mjs']);
});
