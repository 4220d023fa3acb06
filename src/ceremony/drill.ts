import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wipe } from '../base/bytes.ts';
import { BreakglassError, type ErrorCode, isBreakglassError } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import { type Clock, formatTime } from '../base/time.ts';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import { openState, type State } from '../machine/state.ts';
import type { MediumHost } from '../medium/medium.ts';
import { readRevocations } from '../revocation/list.ts';
import { type VerifyOptions, verifyToken } from '../token/verify.ts';
import { mediumRoot, recordNameSeq, trailFolder } from '../trail/layout.ts';
import { type Policy, policySeconds } from '../trust/policy.ts';
import type { Request } from '../trust/request.ts';
import { auditCheck } from './audit-check.ts';
import { type SandboxCards, sandboxDealer, sandboxPeople } from './drill-people.ts';
import { init } from './init.ts';
import { type Minted, mint } from './mint.ts';

export interface DrillOptions {
  readonly policy: Policy;
  /** An empty directory; the caller removes or keeps it. */
  readonly sandbox: string;
}

export interface DrillPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly host: MediumHost;
  /** Monotonic milliseconds. */
  milliseconds(): number;
}

export interface DrillPhase {
  readonly name: string;
  readonly ms: number;
  readonly ok: boolean;
  /** What was seen, or why it failed. */
  readonly detail: string;
}

/** Something that must be refused, and the code that it was refused with; null when it was not. */
export interface DrillRefusal {
  readonly name: string;
  readonly code: string | null;
}

export interface DrillReport {
  readonly ok: boolean;
  readonly timeToAccessMs: number;
  readonly targetMs: number;
  readonly phases: readonly DrillPhase[];
  readonly trail: { readonly records: number; readonly complete: boolean };
  readonly refusals: readonly DrillRefusal[];
}

/** What the phases hand on; each fills in its part. */
interface Sandbox {
  readonly options: DrillOptions;
  readonly ports: DrillPorts;
  readonly cards: SandboxCards;
  readonly media: readonly string[];
  readonly stateDir: string;
  readonly refusals: DrillRefusal[];
  state?: State;
  request?: Request;
  token?: string;
  minted?: Minted;
  /** SHA-256 of the last ceremony record. */
  headSha256: string;
  records: number;
  complete: boolean;
}

/** The whole flow with fresh keys and simulated custodians: docs/ceremony.md, "drill". A phase that fails ends it. */
export async function drill(options: DrillOptions, ports: DrillPorts): Promise<DrillReport> {
  const sandbox = openSandbox(options, ports);
  const phases: DrillPhase[] = [];
  try {
    for (const [name, run] of drillPhases) {
      const started = ports.milliseconds();
      const outcome = await runPhase(run, sandbox);
      phases.push({ name, ms: Math.round(ports.milliseconds() - started), ...outcome });
      if (!outcome.ok) break;
    }
  } finally {
    wipe(...sandbox.cards.values());
  }
  const timeToAccessMs = phases
    .filter(({ name }) => name === 'request' || name === 'mint' || name === 'verify')
    .reduce((sum, { ms }) => sum + ms, 0);
  const targetMs = policySeconds(options.policy.drill.timeToAccess) * 1000;
  const { records, complete, refusals } = sandbox;
  const ok =
    phases.length === drillPhases.length &&
    phases.every((phase) => phase.ok) &&
    refusals.every(({ code }) => code !== null) &&
    complete &&
    timeToAccessMs <= targetMs;
  return { ok, timeToAccessMs, targetMs, phases, trail: { records, complete }, refusals };
}

type Phase = (sandbox: Sandbox) => Promise<string>;

const drillPhases: readonly (readonly [name: string, run: Phase])[] = [
  ['init', holdInit],
  ['request', writeRequest],
  ['mint', holdMint],
  ['verify', verifyGood],
  ['expiry', verifyExpired],
  ['refusals', seeRefusals],
  ['drill token', holdDrillMint],
  ['audit-check', checkTrail],
  ['tampered copies', catchTampering],
];

async function runPhase(run: Phase, sandbox: Sandbox): Promise<{ ok: boolean; detail: string }> {
  try {
    return { ok: true, detail: await run(sandbox) };
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    return { ok: false, detail: error.message };
  }
}

function openSandbox(options: DrillOptions, ports: DrillPorts): Sandbox {
  const media = ['sandbox-a', 'sandbox-b'].map((name) => join(options.sandbox, name));
  for (const path of media) mkdirSync(path, { recursive: true });
  const stateDir = join(options.sandbox, 'state');
  mkdirSync(stateDir, { mode: 0o700 });
  return {
    options,
    ports,
    cards: new Map(),
    media,
    stateDir,
    refusals: [],
    headSha256: '',
    records: 0,
    complete: false,
  };
}

async function holdInit(sandbox: Sandbox): Promise<string> {
  const { options, ports, cards, media, stateDir } = sandbox;
  const custodians = Object.keys(options.policy.people).filter((label) =>
    options.policy.people[label]?.includes('custodian'),
  );
  const threshold = sandboxThreshold(options.policy, custodians.length);
  const { trust } = await init(
    {
      name: 'sandbox of a drill',
      issuer: 'https://sandbox.invalid',
      policy: sandboxPolicy(options.policy, media.length),
      threshold,
      custodians,
      revokers: [],
      alg: 'ES256',
      strength: 128,
      media: media.map((path, position) => ({
        id: randomId(ports.random),
        label: `sandbox-${position + 1}`,
        path,
        removable: false,
      })),
      mediaRule: 'fixed-allowed',
      stateDir,
      outDir: join(options.sandbox, 'out'),
      preflight: sandboxPreflight,
      clockSource: 'sandbox',
    },
    { ...ports, dealer: sandboxDealer(cards), note: () => {} },
  );
  sandbox.state = openState(stateDir);
  return `${threshold} of ${custodians.length} custodians, ${media.length} media, trust ${trust.id.slice(0, 8)}`;
}

/** The policy, but for what counts media and issuances: a drill has two media and mints several times in a row. */
function sandboxPolicy(policy: Policy, media: number): Policy {
  return { ...policy, copies: Math.min(policy.copies, media), limits: { cooldown: '0s', maxPerDay: 1000 } };
}

/** As ceremonies usually have it, and no more than the shares that any role is content with. */
function sandboxThreshold({ roles }: Policy, custodians: number): number {
  const least = Object.values(roles).flatMap(({ minShares }) => minShares ?? []);
  return Math.min(3, Math.max(2, custodians - 1), ...least);
}

const sandboxPreflight = { mode: 'sandbox' as const, checks: [] };

async function writeRequest(sandbox: Sandbox): Promise<string> {
  sandbox.request = newDrillRequest(sandbox, 'mint');
  return `${sandbox.request.subject} as ${sandbox.request.role}`;
}

function newDrillRequest(sandbox: Sandbox, kind: 'mint' | 'drill'): Request {
  const { policy } = sandbox.options;
  const { trust } = stateOf(sandbox);
  const [role, rule] = Object.entries(policy.roles)[0] ?? [];
  const subject = Object.keys(policy.people).find((label) => policy.people[label]?.includes('responder'));
  if (role === undefined || !rule || subject === undefined)
    throw drillFailed('the policy has no role or no responder to drill with');
  return {
    v: 1,
    trust: trust.id,
    kind,
    id: randomId(sandbox.ports.random),
    incident: 'drill',
    subject,
    role,
    circumstance: rule.circumstances[0] ?? '',
    reason: 'a drill in a sandbox, to measure and to see refusals refused'.padEnd(policy.reason.minLength, '.'),
    lifetimeSeconds: policySeconds(rule.maxLifetime),
    durationSeconds: null,
    // The key of another sandbox role would do as well: nobody proves possession in a drill of issuance.
    holder: rule.holder === 'required' ? trust.root.jwk : null,
    recipient: null,
    createdAt: formatTime(sandbox.ports.clock.now()),
    parameters: null,
  };
}

async function holdMint(sandbox: Sandbox): Promise<string> {
  const { tokens, minted } = await mintWith(sandbox, requestOf(sandbox), 'production', quorumCards(sandbox));
  sandbox.token = tokens[0] ?? '';
  sandbox.minted = minted;
  return `record ${minted.record.seq}, by ${minted.custodians.join(', ')}`;
}

async function holdDrillMint(sandbox: Sandbox): Promise<string> {
  const { tokens, minted } = await mintWith(sandbox, newDrillRequest(sandbox, 'drill'), 'drill', quorumCards(sandbox));
  const token = tokens[0] ?? '';
  seeRefused(sandbox, 'drill token in production', 'TOKEN_DRILL', () => judge(sandbox, token));
  judge(sandbox, token, { mode: 'drill' });
  return `record ${minted.record.seq}, good in a drill only`;
}

async function verifyGood(sandbox: Sandbox): Promise<string> {
  const { claims } = judge(sandbox, tokenOf(sandbox));
  return `opens ${claims.scope} at ${claims.aud}`;
}

async function verifyExpired(sandbox: Sandbox): Promise<string> {
  const { exp } = judge(sandbox, tokenOf(sandbox)).claims;
  seeRefused(sandbox, 'token at its expiry', 'TOKEN_EXPIRED', () => judge(sandbox, tokenOf(sandbox), { now: exp }));
  return `refused from ${formatTime(exp)} on`;
}

async function seeRefusals(sandbox: Sandbox): Promise<string> {
  const token = tokenOf(sandbox);
  const before = sandbox.refusals.length;
  const [signed, signature] = [token.slice(0, token.lastIndexOf('.') + 1), token.slice(token.lastIndexOf('.') + 1)];
  seeRefused(sandbox, 'token with a changed signature', 'TOKEN_SIGNATURE', () =>
    judge(sandbox, `${signed}${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`),
  );
  seeRefused(sandbox, 'token at another service', 'TOKEN_AUDIENCE', () =>
    judge(sandbox, token, { audience: 'https://other.invalid' }),
  );
  seeRefused(sandbox, 'token without a revocation list', 'REVOCATIONS_MISSING', () =>
    judge(sandbox, token, { revocations: { state: 'missing' } }),
  );
  const [first, ...others] = quorumCards(sandbox);
  if (!first) throw drillFailed('there are no cards');
  const request = newDrillRequest(sandbox, 'mint');
  await seeMintRefused(sandbox, 'card with one wrong character', 'SHARE_SLIP', request, [spoil(first)]);
  await seeMintRefused(sandbox, 'the same card twice', 'SHARE_DUPLICATE', request, [first, first]);
  await seeMintRefused(sandbox, 'the same request again', 'REQUEST_REUSED', requestOf(sandbox), [first, ...others]);
  await seeMintRefused(
    sandbox,
    'a role that the policy does not have',
    'POLICY_REFUSED',
    { ...request, role: 'no-such-role' },
    [first, ...others],
  );
  return `${sandbox.refusals.length - before} of them`;
}

async function checkTrail(sandbox: Sandbox): Promise<string> {
  const report = await audit(sandbox, sandbox.media);
  sandbox.records = report.records;
  sandbox.complete = report.verdict === 'intact' && report.records === localRecords(sandbox);
  if (!sandbox.complete)
    throw drillFailed(`the trail is ${report.verdict}: ${report.findings.map(({ message }) => message).join('; ')}`);
  return `${report.records} records on ${sandbox.media.length} media, intact`;
}

async function catchTampering(sandbox: Sandbox): Promise<string> {
  const spoilt = join(sandbox.options.sandbox, 'spoilt');
  const seq = sandbox.minted?.record.seq ?? 1;
  const faults: readonly (readonly [string, (dir: string) => void])[] = [
    ['a changed byte', (dir) => flipByte(recordPath(dir, seq, sandbox))],
    ['a removed record', (dir) => rmSync(recordPath(dir, seq, sandbox))],
    ['a cut tail', (dir) => cutTail(dir, seq, sandbox)],
  ];
  for (const [name, spoilCopy] of faults) {
    cpSync(sandbox.media[0] ?? '', spoilt, { recursive: true });
    spoilCopy(spoilt);
    const { verdict } = await audit(sandbox, [spoilt]);
    sandbox.refusals.push({ name: `copy with ${name}`, code: verdict === 'tampered' ? 'TRAIL_TAMPERED' : null });
    rmSync(spoilt, { recursive: true });
  }
  return `${faults.length} of ${faults.length} caught`;
}

async function mintWith(
  sandbox: Sandbox,
  request: Request,
  mode: 'production' | 'drill',
  cards: readonly Uint8Array[],
  onRefusal: (error: BreakglassError) => void = () => {},
): Promise<{ tokens: readonly string[]; minted: Minted }> {
  const { ports } = sandbox;
  let tokens: readonly string[] = [];
  const started = ports.milliseconds();
  const minted = await mint(
    {
      state: openState(sandbox.stateDir),
      mode,
      mediaPaths: sandbox.media,
      mediaRule: 'fixed-allowed',
      startsInSeconds: 0,
      preflight: sandboxPreflight,
      anomalies: [],
    },
    {
      ...ports,
      people: sandboxPeople(cards, onRefusal),
      request: async () => request,
      elapsedMs: () => Math.round(ports.milliseconds() - started),
      deliver: async (released) => {
        tokens = released;
        return 'stdout';
      },
      note: () => {},
    },
  );
  sandbox.headSha256 = minted.headCode.sha256;
  return { tokens, minted };
}

async function seeMintRefused(
  sandbox: Sandbox,
  name: string,
  expected: ErrorCode,
  request: Request,
  cards: readonly Uint8Array[],
): Promise<void> {
  const seen: string[] = [];
  try {
    await mintWith(sandbox, request, 'production', cards, (error) => seen.push(error.code));
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    seen.push(error.code);
  }
  sandbox.refusals.push({ name, code: seen.includes(expected) ? expected : null });
}

function seeRefused(sandbox: Sandbox, name: string, expected: ErrorCode, attempt: () => unknown): void {
  try {
    attempt();
    sandbox.refusals.push({ name, code: null });
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    sandbox.refusals.push({ name, code: error.code === expected ? expected : null });
  }
}

function judge(sandbox: Sandbox, token: string, changes: Partial<VerifyOptions> = {}) {
  const { trust } = stateOf(sandbox);
  const audience = Object.values(sandbox.options.policy.roles)[0]?.audience ?? '';
  return verifyToken(token, {
    trust,
    now: sandbox.ports.clock.now(),
    audience,
    mode: 'production',
    revocations: { state: 'checked', list: readRevocations(stateOf(sandbox).revocations(), trust) },
    ...changes,
  });
}

/** As an auditor would: with the trust file, and the head code that stands on the custodians' cards. */
function audit(sandbox: Sandbox, paths: readonly string[]) {
  const head = fingerprintOfDigest(sandbox.headSha256, headWordCount).words.join(' ');
  return auditCheck({ paths, trust: stateOf(sandbox).trust, head, state: undefined, seen: [] });
}

function quorumCards({ cards }: Sandbox): Uint8Array[] {
  return [...cards.values()];
}

/** One character of the text form is replaced by another of its alphabet. */
function spoil(card: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(card);
  copy[20] = copy[20] === 0x71 ? 0x70 : 0x71;
  return copy;
}

function localRecords(sandbox: Sandbox): number {
  return readdirSync(stateOf(sandbox).trailDir).filter((name) => recordNameSeq(name) !== undefined).length;
}

function recordPath(medium: string, seq: number, sandbox: Sandbox): string {
  const name = `${String(seq).padStart(8, '0')}.JWS`;
  return join(medium, mediumRoot, trailFolder(stateOf(sandbox).trust.id), name);
}

function flipByte(path: string): void {
  const bytes = readFileSync(path);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = bytes[middle] === 0x41 ? 0x42 : 0x41;
  writeFileSync(path, bytes);
}

function cutTail(medium: string, from: number, sandbox: Sandbox): void {
  const folder = join(medium, mediumRoot, trailFolder(stateOf(sandbox).trust.id));
  for (const name of readdirSync(folder)) {
    if ((recordNameSeq(name) ?? -1) >= from || /^C\d/.test(name)) rmSync(join(folder, name));
  }
}

function stateOf({ state }: Sandbox): State {
  if (!state) throw new TypeError('init comes first');
  return state;
}

function requestOf({ request }: Sandbox): Request {
  if (!request) throw new TypeError('the request comes first');
  return request;
}

function tokenOf({ token }: Sandbox): string {
  if (token === undefined) throw new TypeError('mint comes first');
  return token;
}

function drillFailed(why: string): BreakglassError {
  return new BreakglassError('DRILL_FAILED', why, {
    hint: 'see which phase failed. Nothing outside the sandbox was touched.',
  });
}
