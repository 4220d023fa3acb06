import type { KeyObject } from 'node:crypto';
import { isBreakglassError } from '../base/errors.ts';
import { verifyJws } from '../base/jws.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { loadPublicKey } from '../key/public.ts';
import { isCeremonyRecord } from '../trail/record.ts';
import type { RecordFile } from '../trail/record-file.ts';
import type { TrustHistory } from '../trail/trust-history.ts';

/** True if a record is signed by a trail key of the trust, or by a recorder that a ceremony record names. */
export type Proof = (file: RecordFile) => boolean;

/**
 * Decides which records count where copies differ: otherwise a stick with unsigned records could replace the history of the
 * others. `ceremonyRecords` is asked for the recorders that they name only when one is met that is not known.
 */
export function createProof(
  { history, recorders }: { readonly history: TrustHistory; readonly recorders: readonly Ed25519Jwk[] },
  ceremonyRecords: () => Iterable<RecordFile>,
): Proof {
  const trailKeys = trailKeysOf(history);
  const recorderKeys = new Map<string, KeyObject>();
  for (const jwk of recorders) enrol(jwk, recorderKeys);
  let enrolledAll = false;

  const isCeremonyProved = (file: RecordFile) => isSignedBy(file, trailKeys);
  return (file) => {
    if (isCeremonyRecord(file.record)) return isCeremonyProved(file);
    if (file.jws.header.kid !== file.record.recorder) return false;
    if (!recorderKeys.has(file.record.recorder) && !enrolledAll) {
      enrolledAll = true;
      for (const ceremony of ceremonyRecords()) {
        if (isCeremonyRecord(ceremony.record) && isCeremonyProved(ceremony))
          enrol(ceremony.record.recorder, recorderKeys);
      }
    }
    return isSignedBy(file, recorderKeys);
  };
}

function isSignedBy({ jws }: RecordFile, keys: ReadonlyMap<string, KeyObject>): boolean {
  const key = keys.get(jws.header.kid);
  return key !== undefined && verifyJws(jws, key);
}

function trailKeysOf(history: TrustHistory): ReadonlyMap<string, KeyObject> {
  const keys = history.versions.flatMap((trust) => trust.keys).filter(({ use }) => use === 'trail');
  return new Map(keys.map(({ public: { kid, key } }) => [kid, key]));
}

function enrol(jwk: Ed25519Jwk, keys: Map<string, KeyObject>): void {
  try {
    const { kid, key } = loadPublicKey(jwk, 'a recorder');
    keys.set(kid, key);
  } catch (error) {
    if (!isBreakglassError(error, 'KEY_REFUSED')) throw error;
  }
}
