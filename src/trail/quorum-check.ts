import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import type { Seconds } from '../base/time.ts';
import { type Request, type RequestKind, requestAgeSeconds, requestAheadSeconds } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { ShareSet } from '../trust/trust-schema.ts';
import type { FindingCode } from './findings.ts';
import type { CeremonyRecord } from './record.ts';

/** A law that one record breaks by itself. */
export interface Breach {
  readonly code: FindingCode;
  readonly message: string;
}

/** A ceremony record that a quorum's request led to: every one but genesis. */
export type QuorumRecord = Extract<CeremonyRecord, { readonly request: Request }>;

/** A ceremony may last an hour after its request was accepted. */
const ceremonySeconds = 3600;

const kindsOfType: Readonly<Record<QuorumRecord['type'], readonly RequestKind[]>> = {
  'mint.issued': ['mint'],
  drill: ['drill'],
  'rotate.begun': ['rotate.keys', 'rotate.shares', 'rotate.seed'],
  rotate: ['rotate.keys', 'rotate.shares', 'rotate.seed'],
  policy: ['policy'],
  'revocations.reset': ['revocations.reset'],
  restart: ['restart'],
};

/** What the request and the quorum of a ceremony record break under the trust version in force. */
export function checkQuorum(record: QuorumRecord, trust: Trust): Breach[] {
  return [...checkRequestOf(record, trust), ...checkCustodians(record, trust.set)];
}

/** The time of a record in seconds; its format was checked when it was opened. */
export function recordSeconds(record: { readonly time: string }): Seconds {
  return Date.parse(record.time) / 1000;
}

function checkRequestOf(record: QuorumRecord, trust: Trust): Breach[] {
  const { request } = record;
  const found: Breach[] = [];
  if (sha256Hex(canonicalJson(request)) !== record.requestSha256)
    found.push({ code: 'REQUEST_DIFFERS', message: 'the request is not the one whose fingerprint was confirmed' });
  if (request.trust !== trust.id) found.push({ code: 'REQUEST_KIND', message: 'the request is of another trust' });
  if (!kindsOfType[record.type].includes(request.kind))
    found.push({ code: 'REQUEST_KIND', message: `the request asks for ${request.kind}, the record is ${record.type}` });
  const age = recordSeconds(record) - Date.parse(request.createdAt) / 1000;
  if (age > requestAgeSeconds + ceremonySeconds || age < -requestAheadSeconds)
    found.push({
      code: 'REQUEST_AGE',
      message: `the request is of ${request.createdAt}, the record of ${record.time}: not within 24 hours`,
    });
  return found;
}

function checkCustodians(record: QuorumRecord, set: ShareSet): Breach[] {
  const quorum = (message: string): Breach => ({ code: 'QUORUM', message });
  const found: Breach[] = [];
  if (record.m !== set.threshold || record.n !== set.shares.length)
    found.push(
      quorum(`it says ${record.m} of ${record.n}; the active set is ${set.threshold} of ${set.shares.length}`),
    );
  if (record.custodians.length < set.threshold)
    found.push(quorum(`${record.custodians.length} custodians are fewer than the threshold of ${set.threshold}`));
  if (new Set(record.custodians.map(({ label }) => label)).size < record.custodians.length)
    found.push(quorum('a custodian is named twice'));
  for (const { label, index } of record.custodians) {
    if (!set.shares.some((share) => share.custodian === label && share.index === index))
      found.push(quorum(`${label} with share ${index} is not of the active set ${set.setId}`));
  }
  return found;
}
