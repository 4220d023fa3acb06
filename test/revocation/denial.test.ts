import { describe, expect, test } from 'vitest';
import {
  closedReason,
  describeDenial,
  describeSelector,
  isClosed,
  newDenials,
  parseSelector,
  type Selector,
} from '../../src/revocation/denial.ts';
import { denyEntrySha256 } from '../../src/revocation/list.ts';
import type { DenyKind } from '../../src/revocation/statement.ts';
import { denial, midnight, zeroId } from '../token/fixture.ts';

const thumbprint = 'A'.repeat(43);

describe('a selector', () => {
  test.each([
    ['all', null, null],
    ['epoch', '7', 7],
    ['kid', thumbprint, thumbprint],
    ['jti', zeroId, zeroId],
    ['family', zeroId, zeroId],
    ['incident', 'inc-1', 'inc-1'],
    ['audience', 'https://db.example.com', 'https://db.example.com'],
  ] as const)('of %s is what its text says', (kind, text, value) => {
    expect(parseSelector(kind, text)).toEqual({ kind, value });
  });

  test.each([
    ['all', 'everything'],
    ['epoch', '0'],
    ['epoch', '1e3'],
    ['epoch', '99999999'],
    ['epoch', null],
    ['kid', zeroId],
    ['jti', thumbprint],
    ['jti', `${'A'.repeat(21)}B`],
    ['family', ''],
    ['incident', 'Inc 1'],
    ['subject', null],
    ['audience', 'a b'],
  ] as const)('of %s is not %j', (kind, text) => {
    expect(parseSelector(kind as DenyKind, text)).toBeUndefined();
  });

  test('is named in words', () => {
    const words = (kind: DenyKind, value: string | number | null) => describeSelector({ kind, value } as Selector);
    expect(words('all', null)).toBe('everything');
    expect(words('epoch', 2)).toBe('epoch 2 and older');
    expect(words('kid', 'x')).toBe('signing key x');
    expect(words('jti', 'x')).toBe('token x');
    expect(words('incident', 'inc-1')).toBe('incident inc-1');
  });
});

const facts = { at: midnight, before: null, by: 'erin', reason: 'the laptop is gone' };
const dana: Selector = { kind: 'subject', value: 'dana' };

describe('new entries', () => {
  test('are one for each selector, each once, with what they have in common', () => {
    const entries = newDenials([dana, { kind: 'role', value: 'dana' }, { ...dana }], facts, new Set());
    expect(entries).toEqual([
      { kind: 'subject', value: 'dana', at: midnight, by: 'erin', reason: 'the laptop is gone' },
      { kind: 'role', value: 'dana', at: midnight, by: 'erin', reason: 'the laptop is gone' },
    ]);
    const [limited] = newDenials([dana], { ...facts, before: midnight + 5 }, new Set());
    expect(limited).toMatchObject({ before: midnight + 5 });
  });

  test('are never one that a quorum has allowed: they get a later time', () => {
    const [first, second] = [midnight, midnight + 1].map((at) => newDenials([dana], { ...facts, at }, new Set())[0]);
    if (!first || !second) throw new Error('no entries');
    const allowed = new Set([denyEntrySha256(first), denyEntrySha256(second)]);
    expect(newDenials([dana], facts, allowed)).toEqual([{ ...first, at: midnight + 2 }]);
  });
});

test('an incident that went well is closed, not revoked', () => {
  const entry = denial({ kind: 'incident', value: 'inc-1', reason: closedReason('all is well again') });
  expect(isClosed(entry)).toBe(true);
  expect(describeDenial(entry)).toBe('closed at 2026-01-01T00:00:00Z by erin (incident inc-1: all is well again)');
  const other = denial({ kind: 'all', value: null, before: midnight, reason: 'was it closed: no' });
  expect(isClosed(other)).toBe(false);
  expect(describeDenial(other)).toBe(
    'revoked at 2026-01-01T00:00:00Z by erin (everything, issued before 2026-01-01T00:00:00Z: was it closed: no)',
  );
});
