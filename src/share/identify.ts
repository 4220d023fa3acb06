import type { BreakglassError } from '../base/errors.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { ShareSet } from '../trust/trust-schema.ts';
import { committedCustodian } from './commitment.ts';
import { shareRefusal } from './refusal.ts';
import type { Share } from './share.ts';

/** Whose card a share is, proved by the commitment in the trust file. */
export interface IdentifiedShare {
  readonly label: string;
  readonly index: number;
  readonly set: ShareSet;
}

/**
 * Says whose share of the active set it is. Throws `SHARE_OTHER_TRUST`, `SHARE_COMMITMENT`, `SHARE_RETIRED_SET` or
 * `SHARE_ABANDONED_SET`; the last two are proved, so their message may name the custodian.
 */
export function identifyShare(share: Share, trust: Trust): IdentifiedShare {
  const set = trust.payload.sets.find((candidate) => candidate.setId === share.setId);
  if (!set) throw otherTrust(share, trust);
  const label = committedCustodian(share, set);
  if (label === undefined) throw notDealt(set);
  if (set.status === 'retired') throw retired(label, set, trust.set);
  if (set.status === 'abandoned') throw abandoned(label, set, trust.set);
  return { label, index: share.index, set };
}

/** The same for a card of any set, retired and abandoned ones too; undefined where no commitment proves whose it is. */
export function provenShare(share: Share, sets: readonly ShareSet[]): IdentifiedShare | undefined {
  const set = sets.find((candidate) => candidate.setId === share.setId);
  const label = set && committedCustodian(share, set);
  return set && label !== undefined ? { label, index: share.index, set } : undefined;
}

function otherTrust(share: Share, trust: Trust): BreakglassError {
  return shareRefusal(
    'SHARE_OTHER_TRUST',
    `the share is of set ${share.setId}, which is no set of ${trust.payload.name}`,
    `compare the fingerprint words on the card with those of ${trust.payload.name}; it is the card of another trust`,
  );
}

function notDealt(set: ShareSet): BreakglassError {
  return shareRefusal(
    'SHARE_COMMITMENT',
    `the share says that it is of set ${set.setId}, but it is no card that was dealt in it`,
    'keep the card as evidence: it was forged, or copied wrongly together with its checksum',
  );
}

function retired(label: string, set: ShareSet, active: ShareSet): BreakglassError {
  return shareRefusal(
    'SHARE_RETIRED_SET',
    `the share is ${label}'s old card, of the retired set ${set.setId}`,
    `use the card of set ${active.setId}, and destroy the old one`,
  );
}

function abandoned(label: string, set: ShareSet, active: ShareSet): BreakglassError {
  return shareRefusal(
    'SHARE_ABANDONED_SET',
    `the share is ${label}'s card of set ${set.setId}, whose dealing was never finished`,
    `use the card of set ${active.setId}, and destroy this one`,
  );
}
