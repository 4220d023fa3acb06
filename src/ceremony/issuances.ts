import { isBreakglassError } from '../base/errors.ts';
import { verifyJws } from '../base/jws.ts';
import type { TrailSource } from '../medium/source.ts';
import { peekRecord } from '../trail/peek.ts';
import { type Issuance, isIssuance } from '../trail/record.ts';
import { openRecordFile } from '../trail/record-file.ts';
import type { TrustHistory } from '../trail/trust-history.ts';
import type { IssuedByRecord } from '../use/issued-tokens.ts';

/**
 * The tokens that any copy says were issued, by jti, if a trail key of this trust signed it. Of two records with one jti the first
 * counts: the check of the trail tells of the other.
 */
export async function readIssuances(
  sources: readonly TrailSource[],
  history: TrustHistory,
): Promise<ReadonlyMap<string, IssuedByRecord>> {
  const issued = new Map<string, IssuedByRecord>();
  const keys = history.versions.flatMap((trust) => trust.keys);
  for (const source of sources) {
    for await (const { bytes } of source.records()) {
      const record = bytes && issuanceIn(bytes, keys);
      if (!record) continue;
      for (const { claims, sha256 } of record.tokens) {
        if (issued.has(claims.jti)) continue;
        const { drill, epoch } = claims.breakglass;
        const key = keys.find(({ use, epoch: of }) => use === (drill ? 'drill' : 'token') && of === epoch);
        issued.set(claims.jti, { claims, sha256, kid: key?.public.kid ?? '', seq: record.seq, time: record.time });
      }
    }
  }
  return issued;
}

function issuanceIn(bytes: Uint8Array, keys: TrustHistory['newest']['keys']): Issuance | undefined {
  const { type } = peekRecord(bytes);
  if (type !== 'mint.issued' && type !== 'drill') return undefined;
  try {
    const { record, jws } = openRecordFile(bytes, 'the record');
    const key = keys.find(({ use, public: { kid } }) => use === 'trail' && kid === jws.header.kid);
    return key && isIssuance(record) && verifyJws(jws, key.public.key) ? record : undefined;
  } catch (error) {
    if (isBreakglassError(error)) return undefined;
    throw error;
  }
}
