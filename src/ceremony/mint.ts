import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError, errorExits, systemErrorCode } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { Clock, Seconds } from '../base/time.ts';
import { deriveKey, type SigningKey } from '../key/derive.ts';
import type { State } from '../machine/state.ts';
import type { MediumHost, OpenMedium } from '../medium/medium.ts';
import { readRevocations } from '../revocation/list.ts';
import { Quorum } from '../share/quorum.ts';
import type { Claims } from '../token/claims.ts';
import { planTokens, sealToken, tokenSha256 } from '../token/mint.ts';
import type { Anomaly, PreflightEntry } from '../trail/record.ts';
import { policyRole, sharesNeeded } from '../trust/policy.ts';
import { checkRequest, type Request, requestFingerprint } from '../trust/request.ts';
import { activeKey, keyOrigin, type Trust, trustFingerprint } from '../trust/trust-file.ts';
import { gatherShares } from './gather-shares.ts';
import { holdTokens, releaseTokens } from './held-tokens.ts';
import {
  checkClock,
  checkHeadCode,
  checkTokenRequest,
  quorumOf,
  refuseFailedPreflight,
  refuseOtherTrustVersion,
  refuseReused,
  refuseViolations,
} from './mint-checks.ts';
import { type OpenTrail, openTrail } from './open-trail.ts';
import type { FoundAnomaly, Panel, QuorumPeople } from './people.ts';
import { type RecorderMembers, type RunFacts, type TrailHead, waitForMedium } from './trail-writer.ts';

export interface MintOptions {
  readonly state: State;
  readonly mode: 'production' | 'drill';
  /** Directories given by hand; none: media are found by their MEDIUM.JSN. */
  readonly mediaPaths: readonly string[];
  readonly mediaRule: 'removable' | 'fixed-allowed';
  readonly startsInSeconds: Seconds;
  readonly preflight: PreflightEntry;
  /** The state directory was rebuilt in this run. */
  readonly anomalies: readonly FoundAnomaly[];
}

export interface MintPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly host: MediumHost;
  readonly people: QuorumPeople;
  /** The request, read from its file or made by questions; throws what is wrong with it. */
  request(): Promise<Request>;
  /** Milliseconds since the command started. */
  elapsedMs(): number;
  /** Where released tokens go, sealed to `recipient` when there is one; resolves with how. */
  deliver(tokens: readonly string[], recipient: string | null): Promise<'stdout' | 'file' | 'sealed'>;
  /** What people should know while it happens. */
  note(text: string): void;
}

export interface Minted {
  readonly claims: readonly Claims[];
  readonly record: TrailHead;
  readonly head: TrailHead;
  readonly headCode: TrailHead;
  readonly custodians: readonly string[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly mended: readonly { readonly medium: string; readonly seq: number }[];
}

type Stage = 'request' | 'policy' | 'media' | 'clock' | 'confirmation' | 'shares' | 'record' | 'release';

/** The mint ceremony; its steps are those of docs/ceremony.md. Before step 9 nobody is asked for a share (P2). */
export async function mint(options: MintOptions, ports: MintPorts): Promise<Minted> {
  const progress: Attempt = {
    session: randomId(ports.random),
    stage: 'request',
    request: undefined,
    trail: undefined,
    quorum: undefined,
  };
  try {
    return await attempt(options, ports, progress);
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    await recordFailure(error, options, ports, progress);
    throw errorExits[error.code] === 'aborted' && progress.stage !== 'release' ? notIssued(error) : error;
  } finally {
    progress.quorum?.wipe();
    for (const medium of progress.trail?.media ?? []) letGo(medium);
  }
}

interface Attempt {
  readonly session: string;
  stage: Stage;
  request: Request | undefined;
  trail: OpenTrail | undefined;
  quorum: Quorum | undefined;
}

async function attempt(options: MintOptions, ports: MintPorts, progress: Attempt): Promise<Minted> {
  const { state, preflight } = options;
  const { clock, random, people } = ports;
  const { trust } = state;
  const { policy } = trust.payload;

  // 2. Request
  const read = await ports.request();
  progress.request = read;
  const request = checkTokenRequest(read, options.mode === 'drill' ? 'drill' : 'mint', trust, clock.now());

  // 3. Policy, as far as it needs no trail
  progress.stage = 'policy';
  refuseViolations(checkRequest(request, policy, { ...quorumOf(trust), issuedAt: [], now: clock.now() }));

  // 4. Media and trail, 5. high-water mark
  progress.stage = 'media';
  const run = { session: progress.session, clock, clockSource: 'none' as const };
  const trail = await openTrail(trailOptions(options, run), ports);
  progress.trail = trail;
  refuseViolations(
    checkRequest(request, policy, { ...quorumOf(trust), issuedAt: trail.facts.issuedAt, now: clock.now() }),
  );
  refuseReused(request, trail);
  refuseOtherTrustVersion(trail, trust);
  const anomalies = [...options.anomalies, ...trail.anomalies];

  // 3. again: what will be signed, with times of now, so that a strip too long for a record is refused before the shares
  const role = policyRole(policy, request.role);
  if (!role) throw new TypeError('the role was checked before');
  const family = randomId(random);
  const planned = (iat: Seconds) =>
    planTokens({
      request,
      role,
      issuer: trust.payload.issuer,
      epoch: trust.payload.epoch,
      iat,
      startsIn: options.startsInSeconds,
      family,
      firstSequence: 1,
      revocations: newestStatement(state, trail),
      trail: { id: trust.id, seq: trail.writer.nextSeq, prev: trail.writer.head?.sha256 ?? '' },
      random,
    });
  planned(clock.now());

  // 6. Head code
  anomalies.push(...(await checkHeadCode(trail, people)));

  // 7. Preflight and clock
  progress.stage = 'clock';
  refuseFailedPreflight(preflight);
  const now = clock.now();
  trail.writer.clockConfirmed(await people.confirmClock(now));
  anomalies.push(...checkClock(trail, now));

  // 8. The panel
  progress.stage = 'confirmation';
  const panel = panelOf(trust, request, anomalies);
  await people.confirmRequest(panel);

  // 9. Shares
  progress.stage = 'shares';
  const quorum = new Quorum({
    trust,
    needed: sharesNeeded(policy, request.role, trust.set.threshold),
    separated: policy.separation ? request.subject : null,
  });
  progress.quorum = quorum;
  await gatherShares(quorum, panel, people, trust.set.strength === 128 ? 17 : 29);
  const custodians = quorum.given;
  const toQuorumMs = ports.elapsedMs();

  // 10. Keys, 11. tokens and record in memory
  progress.stage = 'record';
  const use = options.mode === 'drill' ? 'drill' : 'token';
  const { tokenKey, trailKey } = await quorum.withSeed(async (seed) => ({
    tokenKey: await pinnedKey(seed, trust, use),
    trailKey: await pinnedKey(seed, trust, 'trail'),
  }));
  const claims = planned(clock.now());
  const tokens = await Promise.all(claims.map((claim) => sealToken(claim, tokenKey)));
  const held = holdTokens(tokens, trail.writer.nextSeq);

  // 12. The record on the media, 13. local copy and high-water mark
  const receipt = await trail.writer.appendCeremony(
    {
      type: options.mode === 'drill' ? 'drill' : 'mint.issued',
      request,
      requestSha256: panel.fingerprint.sha256,
      custodians: custodians.map(({ label, index }) => ({ label, index })),
      m: trust.set.threshold,
      n: trust.set.shares.length,
      media: [...trail.mediaEntries],
      preflight,
      policySha256: sha256Hex(canonicalJson(policy)),
      tokens: claims.map((claim, position) => ({ claims: claim, sha256: tokenSha256(tokens[position] ?? '') })),
      measurements: { toQuorumMs, toTokenMs: ports.elapsedMs() },
    },
    {
      trail: trailKey,
      copies: policy.copies,
      anomalies: confirmed(
        anomalies,
        custodians.map(({ label }) => label),
      ),
    },
  );

  // 14. Release
  progress.stage = 'release';
  const release = await ports.deliver(releaseTokens(held, receipt), request.recipient);

  // 15. What was reached, best effort
  const record = { seq: receipt.seq, sha256: receipt.sha256 };
  await recordReleased(trail, {
    type: 'mint.released',
    issued: record,
    reached: receipt.reached.map(({ medium, ok }) => ({ medium, ok })),
    release,
  });
  return {
    claims,
    record,
    head: trail.writer.head ?? record,
    headCode: record,
    custodians: custodians.map(({ label }) => label),
    warnings: [
      ...anomalies.map(({ code, detail }) => ({ code, message: detail })),
      ...trail.warnings,
      ...receipt.reached.flatMap(({ label, error }) =>
        error ? [{ code: error.code, message: `medium ${label}: ${error.message}` }] : [],
      ),
      ...trail.writer.warnings,
    ],
    mended: trail.mended,
  };
}

function panelOf(trust: Trust, request: Request, anomalies: readonly FoundAnomaly[]): Panel {
  return {
    request,
    fingerprint: requestFingerprint(request),
    trustName: trust.payload.name,
    trustFingerprint: trustFingerprint(trust),
    anomalies,
  };
}

/** Derives a key and compares it with the trust file: a rebuilt key that differs signs nothing (P3). */
async function pinnedKey(seed: Uint8Array, trust: Trust, use: 'token' | 'drill' | 'trail'): Promise<SigningKey> {
  const pinned = activeKey(trust, use);
  const key = await deriveKey(seed, keyOrigin(trust.payload), {
    role: use,
    alg: pinned.public.alg,
    epoch: pinned.epoch,
  });
  if (key.public.kid === pinned.public.kid) return key;
  throw new BreakglassError('KEY_MISMATCH', `the rebuilt ${use} key is not the one that the trust file pins`, {
    hint: 'every share was proved, so the trust file or this program is at fault. Nothing was signed.',
  });
}

function confirmed(anomalies: readonly FoundAnomaly[], labels: readonly string[]): Anomaly[] {
  return anomalies.map(({ code, detail }) => ({ code, detail, confirmedBy: [...labels] }));
}

async function recordReleased(trail: OpenTrail, members: RecorderMembers): Promise<void> {
  try {
    await trail.writer.appendRecorder(members);
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    trail.writer.warnings.push({
      code: 'RELEASE_NOT_RECORDED',
      message: `the token is out, but its release is not on the record: ${error.message}`,
    });
  }
}

/** A state directory that was begun anew knows no statement; genesis names the first one. */
function newestStatement(state: State, trail: OpenTrail): string {
  return readRevocations(state.revocations(), state.trust).newest ?? trail.firstStatement;
}

// Every file was flushed and closed before: what closing the folders says changes nothing about what was written.
function letGo(medium: OpenMedium): void {
  try {
    medium.close();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

/** A prompt that somebody left does not know what it was a part of. */
function notIssued(error: BreakglassError): BreakglassError {
  return new BreakglassError(error.code, error.message, {
    hint: 'no token was issued. Run the same command again to start over; this attempt is on the record.',
    cause: error,
  });
}

/**
 * A refusal or an abort goes on the record, or waits in the state directory when no medium can take it (P9). It waits too when
 * a medium may hold the record that failed: another one in the same place would fork the trail.
 */
async function recordFailure(
  error: BreakglassError,
  options: MintOptions,
  ports: MintPorts,
  progress: Attempt,
): Promise<void> {
  const members = failureMembers(error, progress);
  const run = { session: progress.session, clock: ports.clock, clockSource: 'none' as const };
  const given = progress.quorum?.given.map(({ label }) => label) ?? [];
  const anomalies = () => confirmed([...options.anomalies, ...(progress.trail?.anomalies ?? [])], given);
  const wait = () => waitForMedium(options.state, run, members, anomalies());
  if (progress.trail?.writer.interrupted) return unlessRefused(wait, ports);
  try {
    progress.trail ??= await openTrail(trailOptions(options, run), ports);
    await progress.trail.writer.appendRecorder(members, anomalies());
  } catch (cause) {
    if (!(cause instanceof BreakglassError)) throw cause;
    unlessRefused(wait, ports);
  }
}

// What the state directory says must not hide why there is no token.
function unlessRefused(wait: () => void, { note }: MintPorts): void {
  try {
    wait();
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    note(`breakglass: this attempt is not on the record: ${error.message}`);
  }
}

function failureMembers(error: BreakglassError, { request, stage, quorum }: Attempt): RecorderMembers {
  const about = request
    ? { request, requestSha256: requestFingerprint(request).sha256 }
    : { request: null, requestSha256: null };
  if (errorExits[error.code] !== 'aborted' && stage !== 'release') {
    return {
      type: 'mint.refused',
      ...about,
      codes: error.details.length > 0 ? error.details.map(({ name }) => name) : [error.code],
    };
  }
  return {
    type: 'mint.aborted',
    ...about,
    code: error.code,
    stage,
    custodians: quorum?.given.map(({ label }) => label) ?? [],
  };
}

function trailOptions(options: MintOptions, run: RunFacts) {
  const { state, mediaPaths, mediaRule } = options;
  return { state, mediaPaths, mediaRule, copies: state.trust.payload.policy.copies, run };
}
