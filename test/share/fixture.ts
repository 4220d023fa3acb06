import { bech32m } from '@scure/base';
import { formatBase64url, sha256 } from '../../src/base/bytes.ts';
import { bitsAt, words } from '../../src/base/words.ts';
import { deriveKey, ed25519JwkOf, type KeyRole } from '../../src/key/derive.ts';
import { shareCommitment } from '../../src/share/commitment.ts';
import type { Share, Strength } from '../../src/share/share.ts';
import { shareLayouts } from '../../src/share/share.ts';
import { formatShareText } from '../../src/share/text-form.ts';
import { formatShareWords } from '../../src/share/words-form.ts';
import { parsePolicyFile, startingPolicy } from '../../src/trust/policy-file.ts';
import { openTrust, sealTrust, type Trust } from '../../src/trust/trust-file.ts';
import type { ShareSet } from '../../src/trust/trust-schema.ts';

export const custodians = ['alice', 'bob', 'carol', 'erin', 'frank'];

/** Bytes that are the same in every run and differ for every name. */
export function fixedBytes(name: string, length: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, block) => sha256(`${name} ${block}`));
  return new Uint8Array(Buffer.concat(blocks)).slice(0, length);
}

export function fixedRandom(name: string): (length: number) => Uint8Array {
  let calls = 0;
  return (length) => fixedBytes(`${name} ${calls++}`, length);
}

export const nonceOf = (name: string) => formatBase64url(fixedBytes(`nonce ${name}`, 16));

export function fixedShare(name: string, fields: Partial<Omit<Share, 'value'>> = {}): Share {
  const strength = fields.strength ?? 128;
  const value = fixedBytes(`value ${name}`, strength / 8);
  return { setId: 'abcde', threshold: 3, index: 7, ...fields, strength, value };
}

/** A set that commits to shares of any value: what naming a share needs, without a polynomial behind it. */
export function setOf(shares: readonly Share[], status: ShareSet['status'] = 'active'): ShareSet {
  const [first] = shares;
  if (!first) throw new Error('no shares');
  const nonce = fixedBytes(`nonce ${first.setId}`, 16);
  return {
    setId: first.setId,
    nonce: formatBase64url(nonce),
    threshold: first.threshold,
    strength: first.strength,
    status,
    shares: shares.map((share, position) => ({
      custodian: custodians[position] ?? `person-${position}`,
      index: share.index,
      commitment: shareCommitment(share, nonce),
    })),
  };
}

/** Five shares with the indexes 11, 22, … */
export function fiveShares(name: string, setId: string, strength: Strength = 128): Share[] {
  return custodians.map((label, position) =>
    fixedShare(`${name} ${label}`, { setId, strength, index: 11 * (position + 1) }),
  );
}

export async function trustWith(sets: readonly ShareSet[]): Promise<Trust> {
  const nonce = fixedBytes('trust nonce', 16);
  const origin = { trustName: 'Example production', nonce };
  const derive = (role: KeyRole, epoch: number) =>
    deriveKey(fixedBytes('seed', 16), origin, { role, alg: 'Ed25519', epoch });
  const [root, token, drill, trail, deny] = await Promise.all([
    derive('root', 0),
    derive('token', 1),
    derive('drill', 1),
    derive('trail', 1),
    derive('deny', 1),
  ]);
  const policy = parsePolicyFile(startingPolicy);
  if (!('policy' in policy)) throw new Error('the starting policy is not good');
  const keys = Object.entries({ token, drill, trail, deny } as const).map(([use, key]) => ({
    use: use as 'token' | 'drill' | 'trail' | 'deny',
    alg: 'Ed25519' as const,
    epoch: 1,
    status: 'active' as const,
    jwk: key.public.jwk,
  }));
  const payload = {
    v: 1 as const,
    name: origin.trustName,
    issuer: 'https://breakglass.example.com',
    nonce: formatBase64url(nonce),
    version: 1,
    previous: null,
    root: ed25519JwkOf(root),
    epoch: 1,
    keys,
    revokers: [],
    sets: [...sets],
    auditors: [],
    policy: policy.policy,
    issuedAt: '2026-01-31T12:00:00Z',
  };
  return openTrust(await sealTrust(payload, root));
}

export const typed = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
export const wordsOf = (share: Share): string => formatShareWords(share).join(' ');
export const textOf = formatShareText;

/** A card as its symbols, and how symbols are typed: what the slip tests change. */
export const cardForms = {
  words: { symbols: formatShareWords, alphabet: words, join: (symbols: readonly string[]) => symbols.join(' ') },
  text: {
    symbols: (share: Share) => [...formatShareText(share)],
    alphabet: [...'qpzry9x8gf2tvdw0s3jn54khce6mua7l'],
    join: (symbols: readonly string[]) => symbols.join(''),
  },
} as const;

/** Fields that `packShare` refuses to write, with a right checksum, in both forms. */
export function forgedCard(hexFields: string, strength: Strength): { readonly words: string; readonly text: string } {
  const { packedLength, bitsLength, fieldBits, checksumBits } = shareLayouts[strength];
  const packed = Buffer.from(hexFields.padEnd(2 * packedLength, '0'), 'hex');
  const checksum = bitsAt(sha256('breakglass/share/v1', packed), 0, checksumBits);
  const shift = BigInt(8 * bitsLength - fieldBits - checksumBits);
  const bits = Buffer.concat([packed, Buffer.alloc(bitsLength - packedLength)]);
  const whole = BigInt(`0x${bits.toString('hex')}`) | (BigInt(checksum) << shift);
  const whole8 = Buffer.from(whole.toString(16).padStart(2 * bitsLength, '0'), 'hex');
  const wordCount = strength === 128 ? 17 : 29;
  const characterCount = strength === 128 ? 38 : 64;
  return {
    words: Array.from({ length: wordCount }, (_, at) => words[bitsAt(whole8, 11 * at, 11)]).join(' '),
    text: bech32m.encode(
      'bg',
      Array.from({ length: characterCount }, (_, at) => bitsAt(whole8, 5 * at, 5)),
    ),
  };
}
