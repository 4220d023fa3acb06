import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GuardState } from '../../src/guard/guard-state.ts';

let dir: string;
let state: GuardState;
let accepted: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'breakglass-guard-state-'));
  state = new GuardState(join(dir, 'state'));
  accepted = join(dir, 'state/accepted.jws');
});
afterEach(() => rmSync(dir, { recursive: true }));

const text = async () => Buffer.from(await state.lines()).toString('latin1');

test('there are no lines before the first', async () => {
  expect(await text()).toBe('');
});

test('lines are kept in order, however many and long they are', async () => {
  // Several pieces, one of them a line of more than a piece.
  const lines = Array.from({ length: 40 }, (_, n) => `${n}.${'x'.repeat(n === 20 ? 1_500_000 : 70_000)}`);
  await state.keepLines(lines);
  await Promise.all([state.keepLines(['a', 'b']), state.keepLines(['c'])]);
  expect(await text()).toBe([...lines, 'a', 'b', 'c', ''].join('\n'));
});

test('what a power cut has torn does not spoil the line behind it', async () => {
  await state.keepLines(['one']);
  appendFileSync(accepted, 'to');
  await state.keepLines(['three']);
  expect(await text()).toBe('one\nto\nthree\n');
});

test.each([
  ['a folder', () => mkdirSync(accepted)],
  [
    'a symbolic link',
    () => {
      writeFileSync(join(dir, 'elsewhere'), '');
      symlinkSync(join(dir, 'elsewhere'), accepted);
    },
  ],
  [
    'a file of more than 1 GiB',
    () => {
      writeFileSync(accepted, '');
      truncateSync(accepted, 1024 ** 3 + 1);
    },
  ],
])('%s in the place of the lines is damage, not an empty list', async (_, make) => {
  make();
  await expect(state.lines()).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
});
