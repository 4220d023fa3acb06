import { equalBytes, wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import { combineShares } from './combine.ts';
import type { Share } from './share.ts';

/** How many M-subsets of a split are recombined at most. */
export const combinationsMax = 1000;

/**
 * Recombines `threshold`-subsets of a split and compares each with the seed: all of them if there are at most 1,000, otherwise
 * every run of neighbours, so that each share is proved, and random ones up to 1,000. Resolves with how many were proved.
 * Throws `SHARE_COMMITMENT` at the first that differs.
 */
export async function proveSplit(
  seed: Uint8Array,
  shares: readonly Share[],
  threshold: number,
  random: RandomBytes,
): Promise<number> {
  const proved = new Set<string>();
  for (const positions of chosenSubsets(shares.length, threshold, random)) {
    const key = positions.join();
    if (proved.has(key)) continue;
    const subset = shares.filter((_, position) => positions.includes(position));
    if (!(await givesSeed(subset, seed))) throw splitFault();
    proved.add(key);
  }
  return proved.size;
}

async function givesSeed(subset: readonly Share[], seed: Uint8Array): Promise<boolean> {
  const combined = await combineShares(subset);
  const same = equalBytes(combined, seed);
  wipe(combined);
  return same;
}

function chosenSubsets(count: number, size: number, random: RandomBytes): Iterable<number[]> {
  return countSubsets(count, size) <= combinationsMax ? allSubsets(count, size) : someSubsets(count, size, random);
}

/** The binomial coefficient; inexact only far above what it is compared with. */
function countSubsets(count: number, size: number): number {
  let subsets = 1;
  for (let chosen = 1; chosen <= size; chosen++) subsets = (subsets * (count - size + chosen)) / chosen;
  return Math.round(subsets);
}

/** Every subset of 0 … count-1, each ascending. */
function* allSubsets(count: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) return yield [];
  for (let first = from; first <= count - size; first++) {
    for (const rest of allSubsets(count, size - 1, first + 1)) yield [first, ...rest];
  }
}

function* someSubsets(count: number, size: number, random: RandomBytes): Generator<number[]> {
  for (let first = 0; first < count; first++) {
    yield ascending(Array.from({ length: size }, (_, step) => (first + step) % count));
  }
  for (let drawn = count; drawn < combinationsMax; drawn++) yield randomSubset(count, size, random);
}

/** The `size` positions that drew the lowest of `count` random numbers of 32 bits. */
function randomSubset(count: number, size: number, random: RandomBytes): number[] {
  const bytes = random(4 * count);
  const draws = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const order = Array.from({ length: count }, (_, position) => position);
  order.sort((a, b) => draws.getUint32(4 * a) - draws.getUint32(4 * b));
  return ascending(order.slice(0, size));
}

function ascending(positions: readonly number[]): number[] {
  return positions.toSorted((a, b) => a - b);
}

function splitFault(): BreakglassError {
  return new BreakglassError('SHARE_COMMITMENT', 'the split does not recombine to the seed', {
    hint: 'this is a fault of the machine or of the program: use another one. No share was shown and nothing was trusted.',
  });
}
