import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isBreakglassError } from '../base/errors.ts';
import { verifyJws } from '../base/jws.ts';
import { openTrailSource } from '../medium/source.ts';
import type { Claims } from '../token/claims.ts';
import type { IssuedToken } from '../token/issued.ts';
import { peekRecord } from '../trail/peek.ts';
import { isIssuance } from '../trail/record.ts';
import { openRecordFile } from '../trail/record-file.ts';
import type { Trust } from '../trust/trust-file.ts';

/** What is known of the tokens that were issued, and why it may be less than all. */
export interface IssuedTokens {
  readonly tokens: readonly IssuedToken[];
  readonly problems: readonly string[];
}

/** The local copy of the trail that a ceremony machine keeps, if there is one. */
export function localTrail(stateDir: string): string[] {
  const dir = join(stateDir, 'trail');
  return existsSync(dir) ? [dir] : [];
}

/**
 * The tokens that the records of these trails issued: media, trail folders, files of concatenated records. Only issuances that
 * a trail key of the trust file signed count. It is no audit: order, chain and end are not looked at.
 */
export async function readIssuedTokens(paths: readonly string[], trust: Trust): Promise<IssuedTokens> {
  const tokens = new Map<string, IssuedToken>();
  const problems: string[] = [];
  for (const path of paths) {
    let odd = 0;
    try {
      const source = await openTrailSource(path, { trustId: trust.id });
      for await (const { bytes } of source.records()) {
        const issued = bytes && issuedBy(bytes, trust);
        if (!issued) odd += 1;
        else for (const token of issued) tokens.set(token.claims.jti, token);
      }
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      problems.push(error.message);
    }
    if (odd > 0) problems.push(`${path}: ${odd} records cannot be read, or are not of this trust`);
  }
  return { tokens: [...tokens.values()], problems };
}

/** Undefined for a record that nobody of this trust signed as an issuance, or that cannot be read; none for other records. */
function issuedBy(bytes: Uint8Array, trust: Trust): readonly IssuedToken[] | undefined {
  const { type } = peekRecord(bytes);
  if (type !== 'mint.issued' && type !== 'drill') return type === null ? undefined : [];
  try {
    const { record, jws } = openRecordFile(bytes, 'the record');
    const key = trust.keys.find(({ use, public: { kid } }) => use === 'trail' && kid === jws.header.kid);
    if (!key || !isIssuance(record) || !verifyJws(jws, key.public.key)) return undefined;
    return record.tokens.map(({ claims }) => ({ claims, kid: kidOf(claims, trust) }));
  } catch (error) {
    if (isBreakglassError(error)) return undefined;
    throw error;
  }
}

function kidOf({ breakglass: { drill, epoch } }: Claims, trust: Trust): string {
  const use = drill ? 'drill' : 'token';
  return trust.keys.find((key) => key.use === use && key.epoch === epoch)?.public.kid ?? '';
}
