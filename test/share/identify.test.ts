import { beforeAll, describe, expect, test } from 'vitest';
import { identifyShare } from '../../src/share/identify.ts';
import type { Share } from '../../src/share/share.ts';
import type { Trust } from '../../src/trust/trust-file.ts';
import { fiveShares, fixedShare, setOf, trustWith } from './fixture.ts';

const active = fiveShares('active', 'abcde');
const retired = fiveShares('retired', 'fedcb');
const abandoned = fiveShares('abandoned', '00001');
let trust: Trust;

beforeAll(async () => {
  trust = await trustWith([setOf(retired, 'retired'), setOf(active), setOf(abandoned, 'abandoned')]);
});

test('a share of the active set is its custodian’s', () => {
  expect(active.map((share) => identifyShare(share, trust).label)).toEqual(['alice', 'bob', 'carol', 'erin', 'frank']);
  expect(identifyShare(second(active), trust)).toEqual({ label: 'bob', index: 22, set: trust.set });
});

describe('a share that does not count is refused by name:', () => {
  test('of another trust', () => {
    const stranger = fixedShare('stranger', { setId: '99999' });
    expect(() => identifyShare(stranger, trust)).toThrow(
      expect.objectContaining({
        code: 'SHARE_OTHER_TRUST',
        message: 'the share is of set 99999, which is no set of Example production',
      }),
    );
  });

  test('of a retired set, with the name of its custodian', () => {
    expect(() => identifyShare(second(retired), trust)).toThrow(
      expect.objectContaining({
        code: 'SHARE_RETIRED_SET',
        message: "the share is bob's old card, of the retired set fedcb",
      }),
    );
  });

  test('of an abandoned set, with the name of its custodian', () => {
    expect(() => identifyShare(second(abandoned), trust)).toThrow(
      expect.objectContaining({
        code: 'SHARE_ABANDONED_SET',
        message: "the share is bob's card of set 00001, whose dealing was never finished",
      }),
    );
  });

  test.each<[string, (share: Share) => Share]>([
    ['another value', (share) => ({ ...share, value: share.value.map((byte, at) => (at === 15 ? byte ^ 1 : byte)) })],
    ['the index of somebody else', (share) => ({ ...share, index: 33 })],
    ['an index that was not dealt', (share) => ({ ...share, index: 200 })],
    ['another threshold', (share) => ({ ...share, threshold: 2 })],
    ['another strength', (share) => ({ ...share, strength: 256, value: new Uint8Array(32) })],
    ['a retired set that did not have it', (share) => ({ ...share, setId: 'fedcb' })],
    ['an abandoned set that did not have it', (share) => ({ ...share, setId: '00001' })],
  ])('of a known set with %s', (_, change) => {
    expect(() => identifyShare(change(second(active)), trust)).toThrow(
      expect.objectContaining({ code: 'SHARE_COMMITMENT' }),
    );
  });
});

test.each([
  ['threshold', { threshold: 4 }],
  ['strength', { strength: 256 as const }],
])('a trust file whose %s contradicts its commitments accepts no share', async (_, fields) => {
  const contradicting = await trustWith([{ ...setOf(active), ...fields }]);
  expect(() => identifyShare(second(active), contradicting)).toThrow(
    expect.objectContaining({ code: 'SHARE_COMMITMENT' }),
  );
});

function second(shares: readonly Share[]): Share {
  const share = shares[1];
  if (!share) throw new Error('no share');
  return share;
}
