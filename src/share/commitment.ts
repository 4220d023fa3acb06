import { parseBase64url, sha256Hex, wipe } from '../base/bytes.ts';
import type { ShareSet } from '../trust/trust-schema.ts';
import { packShare, type Share } from './share.ts';

const commitmentTag = 'breakglass/share-commitment/v1';

/** SHA-256 of tag, set nonce (16 bytes) and packed bits, in hex: public, and proves a card right without a quorum. */
export function shareCommitment(share: Share, setNonce: Uint8Array): string {
  const packed = packShare(share);
  const commitment = sha256Hex(commitmentTag, setNonce, packed);
  wipe(packed);
  return commitment;
}

/**
 * The custodian whose card of `set` this is, proved by the commitment; undefined if the set has no such card. The packed bits
 * hold every field; the comparisons before refuse a trust file that contradicts its own commitments.
 */
export function committedCustodian(share: Share, set: ShareSet): string | undefined {
  if (share.setId !== set.setId || share.threshold !== set.threshold || share.strength !== set.strength)
    return undefined;
  const entry = set.shares.find((candidate) => candidate.index === share.index);
  if (!entry) return undefined;
  return shareCommitment(share, setNonce(set)) === entry.commitment ? entry.custodian : undefined;
}

function setNonce(set: ShareSet): Uint8Array {
  const nonce = parseBase64url(set.nonce);
  if (nonce?.length !== 16) throw new TypeError('the nonce of a set is 16 bytes');
  return nonce;
}
