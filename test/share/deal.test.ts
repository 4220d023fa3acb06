import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseBase64url } from '../../src/base/bytes.ts';
import { parseShare } from '../../src/share/card.ts';
import { combineShares } from '../../src/share/combine.ts';
import { shareCommitment } from '../../src/share/commitment.ts';
import { dealShares, wipeDeal } from '../../src/share/deal.ts';
import { proveSplit } from '../../src/share/recombine.ts';
import { fixedBytes, fixedRandom, nonceOf, textOf, typed, wordsOf } from './fixture.ts';

const people = (count: number) => Array.from({ length: count }, (_, at) => `person-${at + 1}`);
const seed = fixedBytes('seed', 16);

function deal(threshold: number, count: number, secret: Uint8Array = seed) {
  const options = { seed: secret, threshold, custodians: people(count), setId: '0beef', nonce: nonceOf('deal') };
  return dealShares({ ...options, random: fixedRandom('deal') });
}

test('any M of N printed cards give the seed again, in either form and any order', async () => {
  const quorums = fc
    .record({ threshold: fc.integer({ min: 2, max: 5 }), more: fc.nat({ max: 4 }), length: fc.constantFrom(16, 32) })
    .chain(({ threshold, more, length }) => {
      const positions = Array.from({ length: threshold + more }, (_, at) => at);
      return fc.record({
        threshold: fc.constant(threshold),
        count: fc.constant(threshold + more),
        secret: fc.uint8Array({ minLength: length, maxLength: length }),
        chosen: fc.shuffledSubarray(positions, { minLength: threshold, maxLength: threshold }),
        form: fc.constantFrom(wordsOf, textOf),
      });
    });
  await fc.assert(
    fc.asyncProperty(quorums, async ({ threshold, count, secret, chosen, form }) => {
      const { shares } = await deal(threshold, count, new Uint8Array(secret));
      const cards = shares.map(({ share }) => form(share));
      const read = chosen.map((position) => parseShare(typed(cards[position] ?? '')));
      expect(Buffer.from(await combineShares(read))).toEqual(Buffer.from(secret));
    }),
    { numRuns: 40, seed: 3 },
  );
});

test('a deal says what the trust file needs: one commitment a custodian, in their order', async () => {
  const { set, shares } = await deal(3, 5);
  expect(set).toMatchObject({ setId: '0beef', nonce: nonceOf('deal'), threshold: 3, strength: 128, status: 'active' });
  expect(set.shares.map((entry) => entry.custodian)).toEqual(people(5));
  const nonce = parseBase64url(set.nonce) ?? Buffer.alloc(0);
  expect(set.shares).toEqual(
    shares.map(({ custodian, share }) => ({
      custodian,
      index: share.index,
      commitment: shareCommitment(share, nonce),
    })),
  );
  expect(new Set(set.shares.map((entry) => entry.index)).size).toBe(5);
});

test.each([
  [2, 2, 1],
  [3, 5, 10],
  [5, 12, 792],
  [4, 14, 1000],
])('all %i-subsets of %i are recombined: %i (or random ones up to 1,000)', async (threshold, count, combinations) => {
  const { combinations: proved } = await deal(threshold, count);
  if (combinations < 1000) expect(proved).toBe(combinations);
  else {
    expect(proved).toBeLessThanOrEqual(1000);
    expect(proved).toBeGreaterThan(300);
  }
});

test('the largest quorum there is can be dealt, and every one of its 255 shares is proved', async () => {
  const { set, combinations } = await deal(16, 255, fixedBytes('long seed', 32));
  expect(set.shares).toHaveLength(255);
  expect(combinations).toBeGreaterThanOrEqual(255);
});

describe('a split that is not right is never dealt:', () => {
  test.each([
    ['few subsets', 3, 5],
    ['too many to try them all', 4, 40],
  ])('one wrong share among %s is noticed, whichever it is', async (_, threshold, count) => {
    const shares = (await deal(threshold, count)).shares.map(({ share }) => share);
    for (const at of [0, 1, count - 1]) {
      const faulty = shares.map((share, position) =>
        position === at ? { ...share, value: share.value.map((byte) => byte ^ 1) } : share,
      );
      await expect(proveSplit(seed, faulty, threshold, fixedRandom('proof'))).rejects.toMatchObject({
        code: 'SHARE_COMMITMENT',
        message: 'the split does not recombine to the seed',
      });
    }
  });

  test('randomness that is stuck neither hangs the proof nor leaves a share out', async () => {
    const shares = (await deal(4, 40)).shares.map(({ share }) => share);
    const stuck = (length: number) => new Uint8Array(length);
    expect(await proveSplit(seed, shares, 4, stuck)).toBe(40);
  });
});

test.each([
  ['threshold 1', 1, 3, 'the threshold must be a whole number from 2 to 16'],
  ['threshold 17', 17, 20, 'the threshold must be a whole number from 2 to 16'],
  ['threshold 2.5', 2.5, 5, 'the threshold must be a whole number from 2 to 16'],
  ['threshold NaN', Number.NaN, 5, 'the threshold must be a whole number from 2 to 16'],
  ['fewer custodians than the threshold', 4, 3, '3 custodians do not make a quorum of 4: 4 to 255 do'],
  ['256 custodians', 3, 256, '256 custodians do not make a quorum of 3: 3 to 255 do'],
])('%s is refused', async (_, threshold, count, message) => {
  await expect(deal(threshold, count)).rejects.toMatchObject({ code: 'BAD_INPUT', message });
});

test('a custodian named twice is refused: two shares for one person', async () => {
  const options = { seed, threshold: 2, setId: '0beef', nonce: nonceOf('deal'), random: fixedRandom('deal') };
  await expect(dealShares({ ...options, custodians: ['alice', 'bob', 'alice'] })).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: 'a custodian is named twice',
  });
});

test('the seed stays the caller’s, a Buffer is as good as a plain array, and wipeDeal leaves no value', async () => {
  const mine = Buffer.from(seed);
  const dealt = await deal(2, 3, mine);
  expect(mine).toEqual(Buffer.from(seed));
  wipeDeal(dealt);
  expect(dealt.shares.every(({ share }) => share.value.every((byte) => byte === 0))).toBe(true);
});

test('LIMIT: fewer than M shares combine to a wrong seed without an error; only the quorum counts them', async () => {
  const { shares } = await deal(3, 5);
  const two = shares.slice(0, 2).map(({ share }) => share);
  expect(Buffer.from(await combineShares(two))).not.toEqual(Buffer.from(seed));
});
