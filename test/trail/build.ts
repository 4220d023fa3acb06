import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { formatBase64url, sha256, sha256Hex } from '../../src/base/bytes.ts';
import { canonicalJson } from '../../src/base/canonical.ts';
import type { RandomBytes } from '../../src/base/random.ts';
import { formatTime, type Seconds } from '../../src/base/time.ts';
import { deriveKey, ed25519JwkOf, importSigningKey, type KeyRole, type SigningKey } from '../../src/key/derive.ts';
import { planTokens, sealToken } from '../../src/token/mint.ts';
import { createTree, sealCheckpoint } from '../../src/trail/checkpoint.ts';
import { checkpointName, recordName, trailFolder, trustName } from '../../src/trail/layout.ts';
import { isCeremonyRecord, type RecordMembers, type RecordType, type TrailRecord } from '../../src/trail/record.ts';
import { sealRecord } from '../../src/trail/record-file.ts';
import { type Review, sealReview } from '../../src/trail/review.ts';
import { type Policy, policyRole } from '../../src/trust/policy.ts';
import { asTokenRequest, type Request, requestFingerprint } from '../../src/trust/request.ts';
import { keyOrigin, openTrust, sealTrust, type Trust } from '../../src/trust/trust-file.ts';
import type { TrustPayload } from '../../src/trust/trust-schema.ts';

/** 2026-02-01T08:00:00Z: when the trails of the tests begin. */
export const beginning: Seconds = 1_769_932_800;
const trustNonce = formatBase64url(sha256('trust nonce').subarray(0, 16));

export const testPolicy: Policy = {
  copies: 2,
  preflight: 'record',
  separation: true,
  reason: { minLength: 10 },
  drill: { every: '90d', timeToAccess: '15m', timeToKill: '60s' },
  review: { within: '72h', policyEvery: '180d' },
  limits: { cooldown: '0s', maxPerDay: 1000 },
  people: {
    alice: ['custodian'],
    bob: ['custodian'],
    carol: ['custodian', 'responder'],
    dana: ['responder'],
    erin: ['commander'],
    grace: ['auditor'],
  },
  roles: {
    'db-admin': {
      audience: 'https://db.prod.example.com',
      scopes: ['db:read', 'db:write'],
      actions: ['read', 'write', 'restart'],
      circumstances: ['outage', 'data-loss'],
      maxLifetime: '15m',
      maxDuration: '2h',
      holder: 'optional',
    },
  },
};

/** Bytes that are the same in every run: SHA-256 of a counter and a name. */
export function fixedRandom(name: string): RandomBytes {
  let count = 0;
  return (length) => {
    const bytes: Uint8Array[] = [];
    for (let have = 0; have < length; have += 32) bytes.push(sha256(`${name} ${count++}`));
    return Buffer.concat(bytes).subarray(0, length);
  };
}

export async function fixedEd25519(name: string): Promise<SigningKey> {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), sha256(`key ${name}`)]);
  createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }));
  return importSigningKey(pkcs8, { alg: 'Ed25519', role: 'deny' });
}

export interface TrailKeys {
  readonly root: SigningKey;
  readonly token: SigningKey;
  readonly drill: SigningKey;
  readonly trail: SigningKey;
  readonly deny: SigningKey;
}

/** The derived keys of an epoch; Ed25519 throughout, so that tokens too have the same bytes in every run. */
export async function trailKeys(name: string, epoch: number, seedName = 'seed'): Promise<TrailKeys> {
  const origin = keyOrigin({ name, nonce: trustNonce });
  const seed = sha256(seedName).slice(0, 16);
  const derive = (role: KeyRole) =>
    deriveKey(seed, origin, { role, alg: 'Ed25519', epoch: role === 'root' ? 0 : epoch });
  const [root, token, drill, trail, deny] = await Promise.all([
    derive('root'),
    derive('token'),
    derive('drill'),
    derive('trail'),
    derive('deny'),
  ]);
  return { root, token, drill, trail, deny };
}

export interface BuildOptions {
  readonly name?: string;
  readonly policy?: Policy;
  readonly seed?: string;
  readonly stepSeconds?: number;
}

/** What a member of a record is to be instead of what is right. */
export type Spoiled = Readonly<Record<string, unknown>>;

export interface MintOptions {
  readonly drill?: boolean;
  readonly request?: Partial<Request>;
  readonly custodians?: readonly { readonly label: string; readonly index: number }[];
  readonly family?: string;
  readonly firstSequence?: number;
  /** Changes the record after its tokens were planned. */
  readonly spoil?: (record: TrailRecord) => Spoiled;
  readonly signer?: SigningKey;
}

/** A trail under construction: real derived keys, fixed seed, clock and randomness, files as they lie on a medium. */
export class TrailBuilder {
  readonly name: string;
  readonly recorder: SigningKey;
  readonly files: Uint8Array[] = [];
  readonly records: TrailRecord[] = [];
  readonly trustFiles: Uint8Array[] = [];
  /** Compact tokens, by the seq of the record that issues them. */
  readonly tokens = new Map<number, readonly string[]>();
  readonly random: RandomBytes;
  readonly stepSeconds: number;
  keys: TrailKeys;
  trust: Trust;
  now: Seconds = beginning;

  private constructor(setup: {
    name: string;
    keys: TrailKeys;
    recorder: SigningKey;
    trust: Trust;
    random: RandomBytes;
    stepSeconds: number;
  }) {
    this.name = setup.name;
    this.keys = setup.keys;
    this.recorder = setup.recorder;
    this.trust = setup.trust;
    this.random = setup.random;
    this.stepSeconds = setup.stepSeconds;
    this.trustFiles.push(setup.trust.bytes);
  }

  /** A trust file of version 1 and no record yet. */
  static async begin(options: BuildOptions = {}): Promise<TrailBuilder> {
    const { name = 'Example production', policy = testPolicy, seed = 'seed', stepSeconds = 600 } = options;
    const random = fixedRandom(`${name} ${seed}`);
    const keys = await trailKeys(name, 1, seed);
    const payload = trustPayload(name, policy, keys);
    const trust = openTrust(await sealTrust(payload, keys.root));
    return new TrailBuilder({ name, keys, recorder: await fixedEd25519('recorder'), trust, random, stepSeconds });
  }

  get seq(): number {
    return this.files.length;
  }

  get prev(): string | null {
    const last = this.files.at(-1);
    return last ? sha256Hex(last) : null;
  }

  async genesis(spoil: Spoiled = {}, signer?: SigningKey): Promise<this> {
    const { set } = this.trust;
    return this.append(
      {
        type: 'genesis',
        trust: { version: 1, sha256: this.trust.sha256 },
        setId: set.setId,
        m: set.threshold,
        n: set.shares.length,
        strength: 128,
        readBack: ['alice', 'bob', 'carol'],
        combinations: 3,
        media: testMedia,
        policySha256: sha256Hex(canonicalJson(this.trust.payload.policy)),
        revocations: sha256Hex('first statement'),
        preflight: testPreflight,
      },
      { spoil, ...(signer ? { signer } : {}) },
    );
  }

  async mint(options: MintOptions = {}): Promise<this> {
    const kind = options.drill ? 'drill' : 'mint';
    const request = this.request({ kind, ...options.request });
    const role = policyRole(this.trust.payload.policy, 'db-admin');
    if (!role) throw new TypeError('the test policy has no role db-admin');
    const claims = planTokens({
      request: asTokenRequest(request),
      role,
      issuer: this.trust.payload.issuer,
      epoch: this.trust.payload.epoch,
      iat: this.now,
      startsIn: 0,
      family: options.family ?? formatBase64url(this.random(16)),
      firstSequence: options.firstSequence ?? 1,
      revocations: sha256Hex('first statement'),
      trail: { id: this.trust.id, seq: this.seq, prev: this.prev ?? '' },
      random: this.random,
    });
    const key = options.drill ? this.keys.drill : this.keys.token;
    const tokens = await Promise.all(claims.map((each) => sealToken(each, key)));
    this.tokens.set(this.seq, tokens);
    const members: RecordMembers = {
      type: options.drill ? 'drill' : 'mint.issued',
      ...this.quorum(request, options.custodians),
      policySha256: sha256Hex(canonicalJson(this.trust.payload.policy)),
      tokens: claims.map((each, position) => ({ claims: each, sha256: sha256Hex(tokens[position] ?? '') })),
      measurements: { toQuorumMs: 90_000, toTokenMs: 91_000 },
    };
    return this.append(members, {
      ...(options.spoil ? { spoil: options.spoil(this.complete(members)) } : {}),
      ...(options.signer ? { signer: options.signer } : {}),
    });
  }

  async released(spoil: Spoiled = {}): Promise<this> {
    return this.append(
      {
        type: 'mint.released',
        issued: { seq: this.seq - 1, sha256: this.prev ?? '' },
        reached: testMedia.map(({ medium }) => ({ medium, ok: true })),
        release: 'file',
      },
      { spoil },
    );
  }

  /** A new trust version by `rotate` (new epoch) or `policy`, and the record that names it. */
  async change(
    type: 'rotate' | 'policy',
    options: { readonly hide?: boolean; readonly request?: Request; readonly spoil?: Spoiled } = {},
  ): Promise<this> {
    const before = this.trust;
    const epoch = before.payload.epoch + (type === 'rotate' ? 1 : 0);
    const keys = type === 'rotate' ? await trailKeys(this.name, epoch) : this.keys;
    const payload: TrustPayload = {
      ...before.payload,
      id: before.id,
      version: before.payload.version + 1,
      previous: before.sha256,
      epoch,
      keys:
        type === 'rotate'
          ? [...before.payload.keys.map((key) => ({ ...key, status: 'retired' as const })), ...keyEntries(keys, epoch)]
          : before.payload.keys,
      policy:
        type === 'policy'
          ? { ...before.payload.policy, copies: before.payload.policy.copies + 1 }
          : before.payload.policy,
    };
    const next = openTrust(await sealTrust(payload, this.keys.root));
    if (!options.hide) this.trustFiles.push(next.bytes);
    const kind = type === 'rotate' ? 'rotate.keys' : 'policy';
    const request = options.request ?? this.request({ kind, lifetimeSeconds: null, parameters: sha256Hex('plan') });
    const members = { type, ...this.quorum(request), trust: { version: payload.version, sha256: next.sha256 } };
    await this.append(members, { spoil: options.spoil ?? {} });
    this.keys = keys;
    this.trust = next;
    return this;
  }

  /** The first record of a re-deal; `change` with the same request completes it. */
  async begun(request: Request): Promise<this> {
    return this.append({
      type: 'rotate.begun',
      ...this.quorum(request),
      setId: 'd4e5f',
      nonce: Buffer.alloc(16, 9).toString('base64url'),
      threshold: 2,
      strength: 128,
      commitments: testQuorum.map(({ label, index }) => ({ custodian: label, index, commitment: sha256Hex(label) })),
    });
  }

  async reset(): Promise<this> {
    const request = this.request({ kind: 'revocations.reset', lifetimeSeconds: null });
    const quorum = this.quorum(request);
    return this.append({ type: 'revocations.reset', ...quorum, statement: sha256Hex('line'), allow: [] });
  }

  async restart(place: { readonly seq: number; readonly prev: string }): Promise<this> {
    const request = this.request({ kind: 'restart', lifetimeSeconds: null });
    return this.append(
      {
        type: 'restart',
        ...this.quorum(request),
        trust: { version: this.trust.payload.version, sha256: this.trust.sha256 },
        anchor: 'auditor state of grace',
      },
      { spoil: place },
    );
  }

  /** A record of the recorder of this type, with plain members. */
  async plain(type: PlainType, spoil: Spoiled = {}): Promise<this> {
    return type === 'review' ? this.review({}, { spoil }) : this.append(plainMembers[type], { spoil });
  }

  /** A review of everything so far, by grace; `change` says what the statement is to say instead. */
  async review(
    change: Partial<Review> = {},
    options: { readonly spoil?: Spoiled; readonly key?: SigningKey } = {},
  ): Promise<this> {
    const { incident, statement, auditor } = await this.reviewMembers(change, options.key);
    return this.append({ type: 'review', incident, statement, auditor }, { spoil: options.spoil ?? {} });
  }

  async reviewMembers(change: Partial<Review> = {}, key: SigningKey = auditorKey) {
    const last = this.records.findLastIndex(isCeremonyRecord);
    const review: Review = {
      v: 1,
      trust: this.trust.id,
      incident: 'inc-2026-0117',
      auditor: 'grace',
      at: this.now,
      through: { seq: this.records[last]?.seq ?? 0, sha256: sha256Hex(this.files[last] ?? new Uint8Array()) },
      uses: [{ trail: sha256Hex('a use log'), seq: 7, sha256: sha256Hex('its last line') }],
      findings: [],
      conclusion: 'in-order',
      remarks: 'what was done is what was asked for',
      ...change,
    };
    return { incident: review.incident, auditor: review.auditor, statement: await sealReview(review, key) };
  }

  /** Signs any members and puts the file at the end; `spoil` replaces members, the common ones too. */
  async append(
    members: RecordMembers,
    options: { readonly spoil?: Spoiled; readonly signer?: SigningKey } = {},
  ): Promise<this> {
    const record = { ...this.complete(members), ...options.spoil } as TrailRecord;
    const bytes = await sealRecord(
      record,
      options.signer ?? (isCeremonyRecord(record) ? this.keys.trail : this.recorder),
    );
    this.files.push(bytes);
    this.records.push(record);
    this.now += this.stepSeconds;
    return this;
  }

  request(members: Partial<Request> = {}): Request {
    return {
      v: 1,
      trust: this.trust.id,
      kind: 'mint',
      id: formatBase64url(this.random(16)),
      incident: 'inc-2026-0117',
      subject: 'dana',
      role: 'db-admin',
      circumstance: 'outage',
      reason: 'the identity provider is down',
      lifetimeSeconds: 900,
      durationSeconds: null,
      holder: null,
      recipient: null,
      createdAt: formatTime(this.now - 300),
      parameters: null,
      ...members,
    };
  }

  quorum(request: Request, custodians: readonly { label: string; index: number }[] = testQuorum) {
    return {
      request,
      requestSha256: requestFingerprint(request).sha256,
      custodians: [...custodians],
      m: this.trust.set.threshold,
      n: this.trust.set.shares.length,
      media: testMedia,
      preflight: testPreflight,
    };
  }

  complete(members: RecordMembers): TrailRecord {
    const record = {
      v: 1,
      trail: this.trust.id,
      seq: this.seq,
      prev: this.prev,
      time: formatTime(this.now),
      session: formatBase64url(sha256(`session ${this.seq}`).subarray(0, 16)),
      machine: { boot: '5d0c8a9e', uptime: 60 * (this.seq + 1), clock: 'people' },
      software: { version: '0.1.0', sha256: sha256Hex('breakglass.js') },
      anomalies: [],
      ...members,
      recorder: '',
    };
    const ceremony = isCeremonyRecord(record as unknown as TrailRecord);
    return {
      ...record,
      recorder: ceremony ? ed25519JwkOf(this.recorder) : this.recorder.kid,
    } as unknown as TrailRecord;
  }

  /** The names and bytes of a trail folder: records, trust files, a checkpoint of the whole. */
  async folder(): Promise<Map<string, Uint8Array>> {
    const files = new Map<string, Uint8Array>();
    this.trustFiles.forEach((bytes, index) => void files.set(trustName(index + 1), bytes));
    this.records.forEach(
      (record, index) => void files.set(recordName(record.seq), this.files[index] ?? new Uint8Array()),
    );
    files.set(checkpointName(this.seq), await this.checkpoint());
    return files;
  }

  get folderName(): string {
    return trailFolder(this.trust.id);
  }

  async checkpoint(size = this.seq): Promise<Uint8Array> {
    const tree = createTree();
    for (const file of this.files.slice(0, size)) tree.add(file);
    return sealCheckpoint(this.trust.id, size, tree.root(), this.keys.trail);
  }
}

/** A trail with every type of record, `count` in all: the types come round in order after genesis. */
export async function buildTrail(count: number, options: BuildOptions = {}): Promise<TrailBuilder> {
  const builder = await (await TrailBuilder.begin(options)).genesis();
  for (let step = 0; builder.seq < count; step++) await nextStep(builder, step % 13);
  return builder;
}

async function nextStep(builder: TrailBuilder, step: number): Promise<unknown> {
  if (step === 0) return builder.mint();
  if (step === 1) return builder.released();
  if (step === 2) return builder.mint({ drill: true, request: { durationSeconds: 3600 } });
  return builder.plain(plainTypes[step - 3] ?? 'mint.refused');
}

export const plainTypes = [
  'mint.refused',
  'mint.aborted',
  'revocations.imported',
  'share.checked',
  'media.added',
  'media.lost',
  'media.mended',
  'recovered',
  'review',
  'media.tested',
] as const satisfies readonly RecordType[];
export type PlainType = (typeof plainTypes)[number];

const mediumIds = ['AUDIT-A', 'AUDIT-B'].map((label) => formatBase64url(sha256(label).subarray(0, 16)));
const [mediumA = '', mediumB = ''] = mediumIds;
export const testMedia = [
  { medium: mediumA, label: 'audit-a', removable: true },
  { medium: mediumB, label: 'audit-b', removable: true },
];
export const testPreflight = { mode: 'record' as const, checks: [{ name: 'network-down', ok: true }] };
export const testQuorum = [
  { label: 'alice', index: 17 },
  { label: 'bob', index: 99 },
];

const plainMembers: { readonly [T in Exclude<PlainType, 'review'>]: Extract<RecordMembers, { readonly type: T }> } = {
  'mint.refused': { type: 'mint.refused', request: null, requestSha256: null, codes: ['REQUEST_EXPIRED'] },
  'mint.aborted': {
    type: 'mint.aborted',
    request: null,
    requestSha256: null,
    code: 'TIMEOUT',
    stage: 'shares',
    custodians: ['alice'],
  },
  'revocations.imported': { type: 'revocations.imported', statements: [sha256Hex('line')], newest: sha256Hex('line') },
  'share.checked': { type: 'share.checked', custodian: 'alice', setId: 'a1b2c', index: 17, code: null },
  'media.added': { type: 'media.added', medium: mediumB, label: 'audit-b', removable: true, reason: 'a second copy' },
  'media.lost': { type: 'media.lost', medium: mediumB, label: 'audit-b', removable: true, reason: 'left in a taxi' },
  'media.tested': {
    type: 'media.tested',
    medium: mediumB,
    label: 'audit-b',
    removable: true,
    reason: 'good, unplugged in between',
  },
  'media.mended': { type: 'media.mended', medium: mediumB, label: 'audit-b', from: 1, to: 2, setAside: [] },
  recovered: {
    type: 'recovered',
    medium: mediumB,
    label: 'audit-b',
    name: '00000002.BAD',
    bytes: 17,
    sha256: sha256Hex('torn'),
    torn: 2,
  },
};

function trustPayload(name: string, policy: Policy, keys: TrailKeys): TrustPayload {
  const share = (custodian: string, index: number) => ({
    custodian,
    index,
    commitment: sha256Hex(`card of ${custodian}`),
  });
  return {
    v: 1,
    name,
    issuer: 'https://breakglass.example.com',
    nonce: trustNonce,
    version: 1,
    previous: null,
    root: ed25519JwkOf(keys.root),
    epoch: 1,
    keys: keyEntries(keys, 1),
    revokers: [],
    sets: [
      {
        setId: 'a1b2c',
        nonce: formatBase64url(sha256('set nonce').subarray(0, 16)),
        threshold: 2,
        strength: 128,
        status: 'active',
        shares: [share('alice', 17), share('bob', 99), share('carol', 201)],
      },
    ],
    auditors: [{ label: 'grace', jwk: auditorJwk }],
    policy,
    issuedAt: formatTime(beginning - 60),
  };
}

export const auditorKey = await fixedEd25519('auditor grace');
const auditorJwk = ed25519JwkOf(auditorKey);

function keyEntries(keys: TrailKeys, epoch: number): TrustPayload['keys'] {
  return (['token', 'drill', 'trail', 'deny'] as const).map((use) => ({
    use,
    alg: 'Ed25519' as const,
    epoch,
    status: 'active' as const,
    jwk: keys[use].public.jwk,
  }));
}

/** The same file with the byte at `offset` changed. */
export function changeByte(file: Uint8Array, offset: number, mask = 1): Uint8Array {
  const changed = Uint8Array.from(file);
  changed[offset] = (changed[offset] ?? 0) ^ mask;
  return changed;
}

export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
