import { expect, test } from 'vitest';
import { holdTokens, releaseTokens } from '../../src/ceremony/held-tokens.ts';
import type { DurableReceipt } from '../../src/medium/commit.ts';

// Only commitRecord makes a real one; here a forged one shows what the vault itself looks at.
const receipt = (seq: number) => ({ seq, sha256: 'ab'.repeat(32), reached: [] }) as unknown as DurableReceipt;

test('held tokens come out for the receipt of their record, once', () => {
  const held = holdTokens(['one', 'two'], 7);
  expect(releaseTokens(held, receipt(7))).toEqual(['one', 'two']);
  expect(() => releaseTokens(held, receipt(7))).toThrow(TypeError);
});

test('held tokens stay where they are for the receipt of another record', () => {
  const held = holdTokens(['one'], 7);
  for (const seq of [6, 8, 0, Number.NaN]) expect(() => releaseTokens(held, receipt(seq))).toThrow(TypeError);
  expect(releaseTokens(held, receipt(7))).toEqual(['one']);
});

test('nothing of a token can be read from what holds it, nor taken with something made up', () => {
  const held = holdTokens(['secret'], 7);
  expect([JSON.stringify(held), Reflect.ownKeys(held), Object.isFrozen(held)]).toEqual(['{}', [], true]);
  expect(() => releaseTokens({ ...held }, receipt(7))).toThrow(TypeError);
});
