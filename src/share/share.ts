import { secretBytes, sha256, wipe } from '../base/bytes.ts';
import type { BreakglassError } from '../base/errors.ts';
import { bitsAt } from '../base/words.ts';
import { writeBits } from './bits.ts';
import { shareRefusal } from './refusal.ts';

/** Bits of the seed, and of the value of each of its shares. */
export type Strength = 128 | 256;

/** One share of a seed (docs/format.md §4). `value` is secret: whoever holds the share wipes it. */
export interface Share {
  /** 5 lower-case hex digits. */
  readonly setId: string;
  /** 2 … 16. */
  readonly threshold: number;
  /** The x-coordinate, 1 … 255. */
  readonly index: number;
  readonly strength: Strength;
  /** The y-coordinates, 16 or 32 bytes. */
  readonly value: Uint8Array;
}

export const thresholdMin = 2;
export const thresholdMax = 16;
export const indexMax = 255;

/** Sizes of a share: the fields (bits, and bytes when packed), the checksum (bits), both together (bytes, zero-padded). */
export interface ShareLayout {
  readonly strength: Strength;
  readonly fieldBits: number;
  readonly packedLength: number;
  readonly checksumBits: number;
  readonly bitsLength: number;
}

export const shareLayouts = {
  128: { strength: 128, fieldBits: 164, packedLength: 21, checksumBits: 23, bitsLength: 24 },
  256: { strength: 256, fieldBits: 292, packedLength: 37, checksumBits: 27, bitsLength: 40 },
} as const satisfies Readonly<Record<Strength, ShareLayout>>;

const version = 1;
const checksumTag = 'breakglass/share/v1';

/** The fields bit-packed, most significant first, and zero-padded: 21 or 37 bytes, secret. */
export function packShare(share: Share): Uint8Array {
  checkFields(share);
  const packed = secretBytes(shareLayouts[share.strength].packedLength);
  writeBits(packed, 0, 4, version);
  writeBits(packed, 4, 20, Number.parseInt(share.setId, 16));
  writeBits(packed, 24, 4, share.threshold - 1);
  writeBits(packed, 28, 8, share.index);
  for (const [position, byte] of share.value.entries()) writeBits(packed, 36 + 8 * position, 8, byte);
  return packed;
}

/** The fields and their checksum, zero-padded: 24 or 40 bytes, secret. What both forms of a card spell. */
export function formatShareBits(share: Share): Uint8Array {
  const { bitsLength, fieldBits, checksumBits } = shareLayouts[share.strength];
  const packed = packShare(share);
  const bits = secretBytes(bitsLength);
  bits.set(packed);
  writeBits(bits, fieldBits, checksumBits, shareChecksum(packed, checksumBits));
  wipe(packed);
  return bits;
}

/**
 * The share that 24 or 40 bytes of fields and checksum spell; its value is a copy. The checksum is judged first, so that a
 * slip of the pen is called one. Throws `SHARE_CHECKSUM`, `FORMAT_NEWER`, `SHARE_NOT_A_SHARE` or `SHARE_INDEX_ZERO`.
 */
export function unpackShare(bits: Uint8Array): Share {
  const layout = layoutOf(bits);
  if (!hasChecksum(bits, layout)) throw checksumRefusal();
  if (bitsAt(bits, 0, 4) !== version) throw versionRefusal();
  if (bitsAt(bits, 24, 4) + 1 < thresholdMin) throw notOurs('it says that one share is enough');
  // With x = 0 the value would be the whole seed: the library takes such a share and lets it dictate the secret.
  if (bitsAt(bits, 28, 8) === 0) throw indexZeroRefusal();
  if (hasStrayPadding(bits, layout)) throw notOurs('its unused bits are not zero');
  return readFields(bits, layout);
}

/** The fields of `bits` without any judgement: for bits that were proved already. */
export function readFields(bits: Uint8Array, { strength }: ShareLayout): Share {
  const setId = bitsAt(bits, 4, 20).toString(16).padStart(5, '0');
  const value = secretBytes(strength / 8);
  for (const position of value.keys()) value[position] = bitsAt(bits, 36 + 8 * position, 8);
  return { setId, threshold: bitsAt(bits, 24, 4) + 1, index: bitsAt(bits, 28, 8), strength, value };
}

/** Version, set id and threshold as they stand in the first 28 bits of every share of a set. */
export function setHead(set: Pick<Share, 'setId' | 'threshold'>): number {
  return (version << 24) | (Number.parseInt(set.setId, 16) << 4) | (set.threshold - 1);
}

/** Copies the packed fields out of `bits`, without the checksum that follows them. */
export function copyPacked(bits: Uint8Array, layout: ShareLayout, into: Uint8Array): void {
  into.set(bits.subarray(0, layout.packedLength));
  const last = layout.packedLength - 1;
  into[last] = (bits[last] ?? 0) & 0xf0;
}

/** The first `checksumBits` bits of SHA-256("breakglass/share/v1" || packed bits). */
export function shareChecksum(packed: Uint8Array, checksumBits: number): number {
  return bitsAt(sha256(checksumTag, packed), 0, checksumBits);
}

export function wipeShare(share: Share): void {
  wipe(share.value);
}

export function checksumRefusal(): BreakglassError {
  return shareRefusal(
    'SHARE_CHECKSUM',
    'the checksum of the share is wrong: it holds a slip of the pen or of the fingers',
    'compare it with the card and enter it again',
  );
}

function hasChecksum(bits: Uint8Array, layout: ShareLayout): boolean {
  const packed = secretBytes(layout.packedLength);
  copyPacked(bits, layout, packed);
  const checksum = shareChecksum(packed, layout.checksumBits);
  wipe(packed);
  return checksum === bitsAt(bits, layout.fieldBits, layout.checksumBits);
}

function hasStrayPadding(bits: Uint8Array, layout: ShareLayout): boolean {
  const used = layout.fieldBits + layout.checksumBits;
  return bitsAt(bits, used, 8 * layout.bitsLength - used) !== 0;
}

function layoutOf(bits: Uint8Array): ShareLayout {
  const layout = Object.values(shareLayouts).find((candidate) => candidate.bitsLength === bits.length);
  if (!layout) throw new TypeError('the bits of a share are 24 or 40 bytes');
  return layout;
}

function checkFields({ setId, threshold, index, strength, value }: Share): void {
  const good =
    /^[0-9a-f]{5}$/.test(setId) &&
    isIntegerBetween(threshold, thresholdMin, thresholdMax) &&
    isIntegerBetween(index, 1, indexMax) &&
    value.length * 8 === strength;
  if (!good) throw new TypeError('a field of a share is out of its range');
}

function isIntegerBetween(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function versionRefusal(): BreakglassError {
  return shareRefusal(
    'FORMAT_NEWER',
    'the share is of another version of the format than 1',
    'use the version of breakglass that the card was made with',
  );
}

function indexZeroRefusal(): BreakglassError {
  return shareRefusal(
    'SHARE_INDEX_ZERO',
    'the share has the index 0, which no card has: somebody made it to dictate the key',
    'keep the card as evidence and find out where it comes from',
  );
}

function notOurs(why: string): BreakglassError {
  return shareRefusal(
    'SHARE_NOT_A_SHARE',
    `the share is not one of breakglass: ${why}`,
    'keep the card as evidence and find out where it comes from',
  );
}
