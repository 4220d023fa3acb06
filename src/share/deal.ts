import { split } from 'shamir-secret-sharing';
import { copySecret, parseBase64url, wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import type { ShareSet } from '../trust/trust-schema.ts';
import { parsePoint } from './combine.ts';
import { shareCommitment } from './commitment.ts';
import { proveSplit } from './recombine.ts';
import { indexMax, type Share, type Strength, thresholdMax, thresholdMin, wipeShare } from './share.ts';

export interface DealOptions {
  /** 16 or 32 bytes; stays the caller's to wipe. */
  readonly seed: Uint8Array;
  readonly threshold: number;
  /** Labels, each once, in the order in which they stand in the set. */
  readonly custodians: readonly string[];
  /** 5 random lower-case hex digits. */
  readonly setId: string;
  /** 16 random bytes in base64url. */
  readonly nonce: string;
  /** Chooses which subsets are recombined when there are too many; the split itself uses the library's own CSPRNG. */
  readonly random: RandomBytes;
}

export interface DealtShare {
  readonly custodian: string;
  readonly share: Share;
}

/** A split whose shares are proved to give the seed again. Secret until `wipeDeal`. */
export interface Deal {
  /** What the trust file says about it; its status is active. */
  readonly set: ShareSet;
  readonly shares: readonly DealtShare[];
  /** How many M-subsets were recombined and compared with the seed. */
  readonly combinations: number;
}

/**
 * Splits the seed into one share a custodian and proves the split by recombining it. Throws `BAD_INPUT` for numbers that make
 * no quorum, `SHARE_COMMITMENT` when the split is not right.
 */
export async function dealShares(options: DealOptions): Promise<Deal> {
  const { seed, threshold, custodians, random } = options;
  checkQuorumSize(threshold, custodians);
  const shares = await splitSeed(options);
  try {
    const combinations = await proveSplit(
      seed,
      shares.map(({ share }) => share),
      threshold,
      random,
    );
    return { set: formatSet(options, shares), shares, combinations };
  } catch (error) {
    wipeShares(shares);
    throw error;
  }
}

export function wipeDeal(deal: Deal): void {
  wipeShares(deal.shares);
}

/** The library takes 4.5 for 5 and a threshold of 255: the laws of a quorum are ours. */
function checkQuorumSize(threshold: number, custodians: readonly string[]): void {
  if (!Number.isInteger(threshold) || threshold < thresholdMin || threshold > thresholdMax)
    throw badQuorum(`the threshold must be a whole number from ${thresholdMin} to ${thresholdMax}`);
  if (custodians.length < threshold || custodians.length > indexMax)
    throw badQuorum(
      `${custodians.length} custodians do not make a quorum of ${threshold}: ${threshold} to ${indexMax} do`,
    );
  if (new Set(custodians).size !== custodians.length) throw badQuorum('a custodian is named twice');
}

async function splitSeed(options: DealOptions): Promise<DealtShare[]> {
  const { seed, threshold, custodians, setId } = options;
  const strength = strengthOfSeed(seed);
  // The library refuses a Buffer: this copy is a plain Uint8Array.
  const plain = copySecret(seed);
  const points = await split(plain, custodians.length, threshold).finally(() => wipe(plain));
  const shares = custodians.map((custodian, position) => {
    const point = points[position] ?? new Uint8Array(1);
    return { custodian, share: { setId, threshold, strength, ...parsePoint(point) } };
  });
  wipe(...points);
  return shares;
}

function strengthOfSeed(seed: Uint8Array): Strength {
  if (seed.length === 16) return 128;
  if (seed.length === 32) return 256;
  throw new TypeError('a seed is 16 or 32 bytes');
}

function formatSet(options: DealOptions, shares: readonly DealtShare[]): ShareSet {
  const { seed, threshold, setId, nonce } = options;
  const nonceBytes = parseBase64url(nonce);
  if (nonceBytes?.length !== 16) throw new TypeError('the nonce of a set is 16 bytes');
  return {
    setId,
    nonce,
    threshold,
    strength: strengthOfSeed(seed),
    status: 'active',
    shares: shares.map(({ custodian, share }) => ({
      custodian,
      index: share.index,
      commitment: shareCommitment(share, nonceBytes),
    })),
  };
}

function wipeShares(shares: readonly DealtShare[]): void {
  for (const { share } of shares) wipeShare(share);
}

function badQuorum(message: string): BreakglassError {
  return new BreakglassError('BAD_INPUT', message, { hint: 'choose other numbers. Nothing was dealt.' });
}
