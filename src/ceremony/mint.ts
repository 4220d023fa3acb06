import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError, errorExits, systemErrorCode } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { Clock, Seconds } from '../base/time.ts';
import type { State } from '../machine/state.ts';
import type { MediumHost, OpenMedium } from '../medium/medium.ts';
import { readRevocations } from '../revocation/list.ts';
import { Quorum } from '../share/quorum.ts';
import type { Claims } from '../token/claims.ts';
import { planTokens, sealToken, tokenSha256 } from '../token/mint.ts';
import type { PreflightEntry } from '../trail/record.ts';
import { policyRole, sharesNeeded } from '../trust/policy.ts';
import { checkRequest, type Request, requestFingerprint } from '../trust/request.ts';
import { type Trust, trustFingerprint } from '../trust/trust-file.ts';
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
import { type Attempt, confirmed, notIssued, recordFailure, trailOptions } from './mint-failure.ts';
import { type OpenTrail, openTrail } from './open-trail.ts';
import type { FoundAnomaly, Panel, QuorumPeople } from './people.ts';
import { pinnedKey } from './pinned-key.ts';
import { appendRestart } from './restart.ts';
import type { RecorderMembers, TrailHead } from './trail-writer.ts';

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

/** The mint ceremony; its steps are those of docs/ceremony.md. Before step 9 nobody is asked for a share (P2). */
export async function mint(options: MintOptions, ports: MintPorts): Promise<Minted> {
  const progress: Attempt = {
    session: randomId(ports.random),
    stage: 'request',
    request: undefined,
    trail: undefined,
    quorum: undefined,
    given: undefined,
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
  refuseFailedPreflight(preflight);

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

  // 7. Clock
  progress.stage = 'clock';
  const now = clock.now();
  trail.writer.clockConfirmed(await people.confirmClock(now));
  anomalies.push(...checkClock(trail, now));

  // 8. The panel
  progress.stage = 'confirmation';
  const panel = panelOf(trust, request, anomalies);
  await people.confirmRequest(panel);

  // 9. Shares
  progress.stage = 'shares';
  const shares = new Quorum({
    trust,
    needed: sharesNeeded(policy, request.role, trust.set.threshold),
    separated: policy.separation ? request.subject : null,
  });
  progress.quorum = shares;
  await gatherShares(shares, panel, people, trust.set.strength === 128 ? 17 : 29);
  const custodians = [...shares.given];
  const labels = custodians.map(({ label }) => label);
  const toQuorumMs = ports.elapsedMs();

  // 10. Keys, 11. tokens and record in memory
  progress.stage = 'record';
  const use = options.mode === 'drill' ? 'drill' : 'token';
  const [tokenKey, trailKey] = await shares.withSeed((seed) =>
    Promise.all([pinnedKey(seed, trust, use), pinnedKey(seed, trust, 'trail')]),
  );
  shares.wipe();
  progress.given = labels;
  const quorum = {
    custodians: custodians.map(({ label, index }) => ({ label, index })),
    m: trust.set.threshold,
    n: trust.set.shares.length,
    media: [...trail.mediaEntries],
    preflight,
  };
  const signing = { trail: trailKey, copies: policy.copies, anomalies: confirmed(anomalies, labels) };
  if (trail.lost) await appendRestart(trail, trail.lost, { request, trust, quorum, signing }, random);
  const claims = planned(clock.now());
  const tokens = await Promise.all(claims.map((claim) => sealToken(claim, tokenKey)));
  const held = holdTokens(tokens, trail.writer.nextSeq);

  // 12. The record on the media, 13. local copy and high-water mark
  const receipt = await trail.writer.appendCeremony(
    {
      type: options.mode === 'drill' ? 'drill' : 'mint.issued',
      request,
      requestSha256: panel.fingerprint.sha256,
      ...quorum,
      policySha256: sha256Hex(canonicalJson(policy)),
      tokens: claims.map((claim, position) => ({ claims: claim, sha256: tokenSha256(tokens[position] ?? '') })),
      measurements: { toQuorumMs, toTokenMs: ports.elapsedMs() },
    },
    signing,
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
    custodians: labels,
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
