import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { machineFacts, monotonicMilliseconds, systemClock } from '../../src/machine/clock.ts';
import { temporaryFolder } from './child.ts';

function plant(boot: string, uptime: string): string {
  const root = temporaryFolder();
  mkdirSync(join(root, 'sys/kernel/random'), { recursive: true });
  writeFileSync(join(root, 'sys/kernel/random/boot_id'), boot);
  writeFileSync(join(root, 'uptime'), uptime);
  return root;
}

test('the clock gives whole seconds', () => {
  expect(Number.isSafeInteger(systemClock.now())).toBe(true);
});

test('the monotonic clock gives whole milliseconds that do not go back', () => {
  const first = monotonicMilliseconds();
  expect(Number.isSafeInteger(first)).toBe(true);
  expect(monotonicMilliseconds()).toBeGreaterThanOrEqual(first);
});

test('boot and uptime are what the kernel says', () => {
  const boot = 'a8a5b1a2-7b5c-4e6d-9f00-112233445566';
  expect(machineFacts(plant(`${boot}\n`, '3600.99 7000.01\n'))).toEqual({ boot, uptime: 3600 });
});

test.each([
  ['nothing', '', ''],
  ['what no record can hold', 'a\u0000b\n', '-5 0\n'],
  ['words', '', 'up for days\n'],
])('where the kernel says %s they are unknown and 0', (_, boot, uptime) => {
  expect(machineFacts(plant(boot, uptime))).toEqual({ boot: 'unknown', uptime: 0 });
  expect(machineFacts('/nowhere')).toEqual({ boot: 'unknown', uptime: 0 });
});
