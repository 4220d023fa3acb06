import { chmodSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { machineFacts } from '../../src/machine/clock.ts';
import { lockState } from '../../src/machine/lock.ts';
import { bundleProgram, finish, printed, startShell, temporaryFolder } from './child.ts';
import { refusal } from './fixture.ts';

const atOnce = { waitMilliseconds: 0 };
const holderSource = `
  import { lockState } from './lock.ts';
  import { isBreakglassError } from '../base/errors.ts';
  process.stdin.on('end', () => process.exit(0)).resume();
  try {
    lockState(process.argv[2] ?? '');
    process.stdout.write(process.pid + ' holds;');
  } catch (error) {
    process.stdout.write(isBreakglassError(error, 'STATE_BUSY') ? 'busy;' : String(error));
  }`;

let dir: string;
const claims = () => readdirSync(join(dir, 'lock'));
beforeEach(() => {
  dir = temporaryFolder();
});

describe('a held lock', () => {
  test('refuses the same process, and names who holds it and since when', () => {
    const lock = lockState(dir);
    const found = refusal(() => lockState(dir, atOnce));
    expect(found.code).toBe('STATE_BUSY');
    expect(found.message).toMatch(
      new RegExp(`^the state directory is in use by process ${process.pid} since \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z$`),
    );
    lock.release();
  });

  test('is free after release, also when it is released twice', () => {
    const lock = lockState(dir);
    lock.release();
    lock.release();
    expect(claims()).toEqual([]);
    lockState(dir, atOnce).release();
  });

  test('keeps off another process until its holder ends, without a word from it', async () => {
    const child = startShell(`exec "$NODE" ${bundleProgram(dir, 'holder', holderSource)} ${dir}`);
    await printed(child, 'holds;');
    expect(refusal(() => lockState(dir, atOnce)).message).toContain(`process ${child.pid} since`);
    expect(claims()).toHaveLength(1);
    child.stdin?.end();
    await finish(child);
    expect(claims()).toEqual([]);
    lockState(dir, atOnce).release();
  });
});

describe('a claim of a process that is gone', () => {
  const { boot } = machineFacts();
  const startOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19];
  const planted: readonly (readonly [string, () => string])[] = [
    ['of another boot', () => `00000000-1111-4222-8333-444444444444.${process.pid}.${startOf(process.pid)}`],
    ['whose number another process has now', () => `${boot}.${process.ppid}.1`],
    ['whose number nobody has', () => `${boot}.4194305.12345`],
  ];

  test.each(planted)('%s is cleared away', (_, name) => {
    lockState(dir).release();
    writeFileSync(join(dir, 'lock', name()), '');
    const lock = lockState(dir, atOnce);
    expect(claims()).toHaveLength(1);
    lock.release();
  });

  test('that was killed is cleared away, also while nobody has reaped it', async () => {
    const program = bundleProgram(dir, 'holder', holderSource);
    // sleep takes over the shell and never waits for its child, which so stays a zombie.
    const parent = startShell(`"$NODE" ${program} ${dir} <&0 & exec sleep 60`);
    const [, pid] = /(\d+) holds;/.exec(await printed(parent, 'holds;')) ?? [];
    expect(refusal(() => lockState(dir, atOnce)).code).toBe('STATE_BUSY');
    process.kill(Number(pid), 'SIGKILL');
    lockState(dir, { waitMilliseconds: 5000 }).release();
    expect(readFileSync(`/proc/${pid}/stat`, 'latin1')).toContain(') Z ');
    parent.kill('SIGKILL');
    await finish(parent);
  });
});

test('a directory is the same one through a symbolic link', () => {
  symlinkSync(dir, join(dir, 'link'));
  const lock = lockState(join(dir, 'link'));
  expect(refusal(() => lockState(dir, atOnce)).code).toBe('STATE_BUSY');
  lock.release();
});

test('a directory into which others may write is not locked', () => {
  chmodSync(dir, 0o777);
  expect(refusal(() => lockState(dir)).code).toBe('STATE_EXPOSED');
  expect(readdirSync(dir)).toEqual([]);
});

describe('processes that race for it', () => {
  test('are let in one alone, also when they find the claim of one that was killed', async () => {
    const program = bundleProgram(dir, 'holder', holderSource);
    for (let round = 0; round < 3; round++) {
      const children = Array.from({ length: 4 }, () => startShell(`exec "$NODE" ${program} ${dir}`));
      const outcomes = await Promise.all(children.map((child) => printed(child, ';')));
      expect(outcomes.map((outcome) => outcome.replace(/\d+ /, '')).sort()).toEqual([
        'busy;',
        'busy;',
        'busy;',
        'holds;',
      ]);
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map(finish));
      expect(claims()).toHaveLength(1);
    }
  });
});
