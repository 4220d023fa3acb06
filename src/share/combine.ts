import { combine } from 'shamir-secret-sharing';
import { copySecret, secretBytes, wipe } from '../base/bytes.ts';
import type { Share } from './share.ts';

/**
 * The seed that the shares give, a secret of the caller. The library takes anything and then gives a wrong seed without an
 * error: only shares that were proved may come here, and the rebuilt key is compared with the pinned one afterwards.
 */
export async function combineShares(shares: readonly Share[]): Promise<Uint8Array> {
  const points = shares.map(formatPoint);
  try {
    const seed = await combine(points);
    const copy = copySecret(seed);
    wipe(seed);
    return copy;
  } finally {
    wipe(...points);
  }
}

/** A share as the library has it: the y-coordinates, then x. */
function formatPoint({ value, index }: Share): Uint8Array {
  const point = secretBytes(value.length + 1);
  point.set(value);
  point[value.length] = index;
  return point;
}

/** The mirror of `formatPoint`; the value is a copy. */
export function parsePoint(point: Uint8Array): Pick<Share, 'value' | 'index'> {
  return { value: copySecret(point.subarray(0, -1)), index: point.at(-1) ?? 0 };
}
