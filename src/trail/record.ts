import {
  array,
  boolean,
  compactJws,
  ed25519Jwk,
  freeText,
  identifier,
  integer,
  integerBetween,
  literal,
  nullable,
  object,
  oneOf,
  randomId,
  type Shape,
  setIdentifier,
  sha256Digest,
  thumbprint,
  time,
  variant,
} from '../base/schema.ts';
import { claimsSchema } from '../token/claims.ts';
import { requestSchema } from '../trust/request.ts';

/** Types that are signed by the trail key: the quorum was there. All others are signed by the recorder. */
export const ceremonyTypes = [
  'genesis',
  'mint.issued',
  'drill',
  'rotate.begun',
  'rotate',
  'policy',
  'revocations.reset',
  'restart',
] as const;

/** The longest record file, in bytes. */
export const recordMaxBytes = 1024 * 1024;

const code = freeText;
const trustVersion = object({ version: integerBetween(1, 1_000_000), sha256: sha256Digest });
const mediumEntry = object({ medium: randomId, label: identifier, removable: nullable(boolean) });
const anomaly = object({ code, detail: freeText, confirmedBy: array(identifier) });
const preflightEntry = object({
  mode: oneOf(['require', 'record', 'sandbox']),
  checks: array(object({ name: identifier, ok: boolean })),
});

const common = {
  v: literal(1),
  trail: sha256Digest,
  seq: integerBetween(0, 99_999_999),
  prev: nullable(sha256Digest),
  time,
  session: randomId,
  machine: object({ boot: freeText, uptime: integer, clock: oneOf(['people', 'flag', 'none', 'sandbox']) }),
  software: object({ version: freeText, sha256: sha256Digest }),
  anomalies: array(anomaly),
};
const ofTrail = { ...common, recorder: ed25519Jwk };
const ofRecorder = { ...common, recorder: thumbprint };
const quorum = {
  request: requestSchema,
  requestSha256: sha256Digest,
  custodians: array(object({ label: identifier, index: integerBetween(1, 255) })),
  m: integerBetween(2, 16),
  n: integerBetween(2, 255),
  media: array(mediumEntry),
  preflight: preflightEntry,
};
const issuance = {
  ...quorum,
  policySha256: sha256Digest,
  tokens: array(object({ claims: claimsSchema, sha256: sha256Digest })),
  measurements: object({ toQuorumMs: integer, toTokenMs: integer }),
};
const maybeRequest = { request: nullable(requestSchema), requestSha256: nullable(sha256Digest) };
const mediumChange = { medium: randomId, label: identifier, removable: nullable(boolean), reason: freeText };

export const recordSchema = variant('type', [
  object({
    type: literal('genesis'),
    ...ofTrail,
    trust: trustVersion,
    setId: setIdentifier,
    m: integerBetween(2, 16),
    n: integerBetween(2, 255),
    strength: oneOf([128, 256]),
    readBack: array(identifier),
    combinations: integer,
    media: array(mediumEntry),
    policySha256: sha256Digest,
    revocations: sha256Digest,
    preflight: preflightEntry,
  }),
  object({ type: literal('mint.issued'), ...ofTrail, ...issuance }),
  object({ type: literal('drill'), ...ofTrail, ...issuance }),
  object({
    type: literal('rotate.begun'),
    ...ofTrail,
    ...quorum,
    setId: setIdentifier,
    nonce: randomId,
    threshold: integerBetween(2, 16),
    strength: oneOf([128, 256]),
    commitments: array(object({ custodian: identifier, index: integerBetween(1, 255), commitment: sha256Digest })),
  }),
  object({ type: literal('rotate'), ...ofTrail, ...quorum, trust: trustVersion }),
  object({ type: literal('policy'), ...ofTrail, ...quorum, trust: trustVersion }),
  object({
    type: literal('revocations.reset'),
    ...ofTrail,
    ...quorum,
    statement: sha256Digest,
    allow: array(sha256Digest),
  }),
  object({ type: literal('restart'), ...ofTrail, ...quorum, trust: trustVersion, anchor: freeText }),
  object({
    type: literal('mint.released'),
    ...ofRecorder,
    issued: object({ seq: integer, sha256: sha256Digest }),
    reached: array(object({ medium: randomId, ok: boolean })),
    release: oneOf(['stdout', 'file', 'sealed']),
  }),
  object({ type: literal('mint.refused'), ...ofRecorder, ...maybeRequest, codes: array(code) }),
  object({
    type: literal('mint.aborted'),
    ...ofRecorder,
    ...maybeRequest,
    code,
    stage: freeText,
    custodians: array(identifier),
  }),
  object({
    type: literal('revocations.imported'),
    ...ofRecorder,
    statements: array(sha256Digest),
    newest: sha256Digest,
  }),
  object({
    type: literal('share.checked'),
    ...ofRecorder,
    custodian: identifier,
    setId: setIdentifier,
    index: integerBetween(1, 255),
    code: nullable(code),
  }),
  object({ type: literal('media.added'), ...ofRecorder, ...mediumChange }),
  object({ type: literal('media.lost'), ...ofRecorder, ...mediumChange }),
  object({ type: literal('media.tested'), ...ofRecorder, ...mediumChange }),
  object({
    type: literal('media.mended'),
    ...ofRecorder,
    medium: randomId,
    label: identifier,
    from: nullable(integer),
    to: nullable(integer),
    setAside: array(object({ name: freeText, sha256: sha256Digest })),
  }),
  object({
    type: literal('recovered'),
    ...ofRecorder,
    medium: randomId,
    label: identifier,
    name: freeText,
    bytes: integer,
    sha256: sha256Digest,
    torn: integer,
  }),
  object({ type: literal('review'), ...ofRecorder, incident: identifier, statement: compactJws, auditor: identifier }),
]);

/** The payload of a record (docs/format.md §9): common members and, flat beside them, those of its type. */
export type TrailRecord = Shape<typeof recordSchema>;
export type RecordType = TrailRecord['type'];
export type RecordOf<T extends RecordType> = Extract<TrailRecord, { readonly type: T }>;
export type CeremonyType = (typeof ceremonyTypes)[number];
export type CeremonyRecord = RecordOf<CeremonyType>;
export type RecorderRecord = Exclude<TrailRecord, CeremonyRecord>;
export type Issuance = RecordOf<'mint.issued' | 'drill'>;
export type Anomaly = Shape<typeof anomaly>;
export type MediumEntry = Shape<typeof mediumEntry>;
export type PreflightEntry = Shape<typeof preflightEntry>;

/** Signed by the trail key rather than by the recorder. */
export function isCeremonyRecord(record: TrailRecord): record is CeremonyRecord {
  return (ceremonyTypes as readonly string[]).includes(record.type);
}

export function isIssuance(record: TrailRecord): record is Issuance {
  return record.type === 'mint.issued' || record.type === 'drill';
}

type CommonMember = keyof typeof common | 'recorder';

/** The members of a record's type, without the common ones; what a ceremony hands to the trail's writer. */
export type RecordMembers<R extends TrailRecord = TrailRecord> = R extends unknown ? Omit<R, CommonMember> : never;
