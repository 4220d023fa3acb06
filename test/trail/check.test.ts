import { expect, test } from 'vitest';
import { buildTrail } from './build.ts';
import { gravely, judge } from './judge.ts';

test('a trail with every type of record has nothing to find', async () => {
  const trail = await buildTrail(26);
  const result = await judge(trail, trail.files);
  expect(result.findings).toEqual([]);
  expect(result.records).toBe(26);
});
