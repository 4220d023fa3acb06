import { formatTime, type Seconds } from '../base/time.ts';
import { ed25519JwkOf, type SigningKey } from '../key/derive.ts';
import type { BegunSet } from '../trail/facts.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { ShareSet, TrustPayload } from '../trust/trust-schema.ts';
import { type EpochKeys, keyEntries } from './epoch-keys.ts';

/** What the next trust version has that the one before has not; what is left out stays. */
export interface TrustChange {
  readonly policy?: TrustPayload['policy'];
  readonly revokers?: TrustPayload['revokers'];
  readonly auditors?: TrustPayload['auditors'];
  /** The active set from now on; the one before is retired. */
  readonly set?: ShareSet;
  /** The keys of the next epoch; those before are retired. */
  readonly keys?: EpochKeys;
  /** With a new seed. */
  readonly seed?: { readonly nonce: string; readonly root: SigningKey };
  /** Sets that the trail says were begun. */
  readonly begun: readonly BegunSet[];
  readonly now: Seconds;
}

/** The payload of the version after `before`. Nothing is ever taken out: old keys and sets stay, with another status. */
export function nextTrust(before: Trust, change: TrustChange): TrustPayload {
  const { payload } = before;
  const epoch = change.keys ? payload.epoch + 1 : payload.epoch;
  return {
    ...payload,
    id: before.id,
    version: payload.version + 1,
    previous: before.sha256,
    epoch,
    ...(change.seed ? { nonce: change.seed.nonce, root: ed25519JwkOf(change.seed.root) } : {}),
    keys: change.keys ? [...payload.keys.map(retired), ...keyEntries(change.keys, epoch)] : payload.keys,
    sets: nextSets(payload, change),
    ...(change.policy ? { policy: change.policy } : {}),
    ...(change.revokers ? { revokers: change.revokers } : {}),
    ...(change.auditors ? { auditors: change.auditors } : {}),
    issuedAt: formatTime(change.now),
  };
}

function nextSets(payload: TrustPayload, { set, begun }: TrustChange): ShareSet[] {
  const known = new Set([...payload.sets, ...(set ? [set] : [])].map(({ setId }) => setId));
  const abandoned = begun.filter(({ setId }) => !known.has(setId)).map(abandonedSet);
  const before = set ? payload.sets.map((each) => (each.status === 'active' ? retired(each) : each)) : payload.sets;
  return [...before, ...abandoned, ...(set ? [set] : [])];
}

function abandonedSet({ commitments, ...set }: BegunSet): ShareSet {
  return { ...set, status: 'abandoned', shares: commitments };
}

function retired<T extends object>(entry: T): T & { status: 'retired' } {
  return { ...entry, status: 'retired' };
}
