import { join } from 'node:path';
import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import { readRevocations } from '../revocation/list.ts';
import { endIfAsked } from '../terminal/signals.ts';
import type { Claims } from '../token/claims.ts';
import { planTokens, sealToken, tokenSha256 } from '../token/mint.ts';
import { drillWarnings, openReviews } from '../trail/due.ts';
import { policyRole, sharesNeeded } from '../trust/policy.ts';
import { checkRequest, type Request } from '../trust/request.ts';
import { activeKey } from '../trust/trust-file.ts';
import { type Attempt, type CeremonyOptions, type CeremonyPorts, confirmed, enter, lateSignal } from './attempt.ts';
import { holdTokens, releaseTokens } from './held-tokens.ts';
import { holdCeremony, openCeremonyTrail } from './hold-ceremony.ts';
import { importReviews, type ReviewSource, unreviewed } from './import-reviews.ts';
import { importRevocations, type RevocationSource } from './import-revocations.ts';
import { keepKill, signKill } from './kill-file.ts';
import { meet } from './meet.ts';
import {
  checkTokenRequest,
  quorumOf,
  refuseFailedPreflight,
  refuseOtherTrustVersion,
  refuseReused,
  refuseViolations,
} from './mint-checks.ts';
import type { OpenTrail } from './open-trail.ts';
import { extraShareOf, overdueWarnings } from './overdue-reviews.ts';
import { tokenPanelText } from './panel.ts';
import { pinnedKey } from './pinned-key.ts';
import { refuseRevoked } from './refuse-revoked.ts';
import { placeInFamily, type Renews } from './renewal.ts';
import { appendRestart } from './restart.ts';
import type { RecorderMembers, TrailHead } from './trail-writer.ts';

export interface MintOptions extends CeremonyOptions {
  readonly mode: 'production' | 'drill';
  readonly startsInSeconds: Seconds;
  /** The family to go on with, or null: a new one. */
  readonly renews: Renews;
  /** Lists of statements that are brought along. */
  readonly revocations: readonly RevocationSource[];
  /** Reviews of auditors that are brought along. */
  readonly reviews: readonly ReviewSource[];
  /** The folder that the kill file goes to. */
  readonly killDir: string;
}

export interface MintPorts extends CeremonyPorts {
  /** The request, read from its file or made by questions; throws what is wrong with it. */
  request(): Promise<Request>;
  /** Milliseconds since the command started. */
  elapsedMs(): number;
  /** Tokens of these sequences will be delivered: throws when something is in their place already. */
  prepareDelivery(sequences: readonly number[]): void;
  /** Where released tokens go, sealed to `recipient` when there is one; resolves with how. */
  deliver(tokens: readonly string[], recipient: string | null): Promise<'stdout' | 'file' | 'sealed'>;
}

export interface Minted {
  readonly claims: readonly Claims[];
  readonly record: TrailHead;
  readonly head: TrailHead;
  readonly headCode: TrailHead;
  readonly custodians: readonly string[];
  /** The kill file that holds the statement of this family, or null when it could not be written. */
  readonly kill: string | null;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly mended: readonly { readonly medium: string; readonly seq: number }[];
}

/** The mint ceremony; its steps are those of docs/ceremony.md. Before step 9 nobody is asked for a share (P2). */
export function mint(options: MintOptions, ports: MintPorts): Promise<Minted> {
  return holdCeremony(options, ports, 'No token was issued', (attempt) => issue(options, ports, attempt));
}

async function issue(options: MintOptions, ports: MintPorts, attempt: Attempt): Promise<Minted> {
  const { state, preflight } = options;
  const { clock, random } = ports;
  const { trust } = state;
  const { policy } = trust.payload;

  // 1. The lists of denials and the reviews that are brought along
  const run = { session: attempt.session, clock, clockSource: 'none' as const };
  importRevocations(state, options.revocations, run, ports.note);
  importReviews(state, options.reviews, { attempt, run, note: ports.note });

  // 2. Request
  const read = attempt.request ?? (await ports.request());
  attempt.request = read;
  const request = checkTokenRequest(read, options.mode === 'drill' ? 'drill' : 'mint', trust, clock.now());

  // 3. Policy, as far as it needs no trail
  attempt.stage = 'policy';
  refuseViolations(checkRequest(request, policy, { ...quorumOf(trust), issuedAt: [], now: clock.now() }));
  refuseFailedPreflight(preflight);

  // 4. Media and trail, 5. high-water mark
  const trail = await openCeremonyTrail(options, ports, attempt);
  refuseViolations(
    checkRequest(request, policy, { ...quorumOf(trust), issuedAt: trail.facts.issuedAt, now: clock.now() }),
  );
  refuseReused(request, trail);
  refuseOtherTrustVersion(trail, trust);

  // 5. again: what will be signed, with times of now, so that nothing is found out only after the shares
  const role = policyRole(policy, request.role);
  if (!role) throw new TypeError('the role was checked before');
  const use = options.mode === 'drill' ? 'drill' : 'token';
  const revocations = readRevocations(state.revocations(), trust);
  const place = placeInFamily(options.renews, request, trail.facts.families, random);
  const planned = (iat: Seconds) =>
    planTokens({
      request,
      role,
      issuer: trust.payload.issuer,
      epoch: trust.payload.epoch,
      iat,
      startsIn: options.startsInSeconds,
      ...place,
      // A state directory that was begun anew knows no statement; genesis names the first one.
      revocations: revocations.newest ?? trail.firstStatement,
      trail: { id: trust.id, seq: trail.writer.nextSeq, prev: trail.writer.head?.sha256 ?? '' },
      random,
    });
  const plan = planned(clock.now());
  refuseRevoked(plan, activeKey(trust, use).public.kid, revocations.denials);
  ports.prepareDelivery(plan.map(({ breakglass }) => breakglass.sequence));

  const production = options.mode === 'production';
  const reviews = production ? openReviews(unreviewed(trail.facts, attempt.reviews), policy, clock.now()) : [];
  const extraShare = extraShareOf(reviews, policy);

  // 6. Head code, 7. clock, 8. the panel, 9. shares
  const met = await meet(
    {
      trust,
      trail,
      request,
      text: tokenPanelText(request, place, { reviews, extraShare }),
      anomalies: [...options.anomalies, ...trail.anomalies],
      needed: sharesNeeded(policy, request.role, trust.set.threshold),
      separated: policy.separation ? request.subject : null,
      extraShare,
      preflight,
    },
    ports,
    attempt,
  );
  const { shares, labels } = met;
  const toQuorumMs = ports.elapsedMs();

  // 10. Keys, 11. tokens and record in memory
  await enter('record', attempt, ports);
  const [tokenKey, trailKey, denyKey] = await shares.withSeed((seed) =>
    Promise.all([pinnedKey(seed, trust, use), pinnedKey(seed, trust, 'trail'), pinnedKey(seed, trust, 'deny')]),
  );
  shares.wipe();
  attempt.given = labels;
  const quorum = met.members;
  const signing = { trail: trailKey, copies: policy.copies, anomalies: confirmed(met.anomalies, labels) };
  if (trail.lost) await appendRestart(trail, trail.lost, { request, trust, quorum, signing }, random);
  const claims = planned(clock.now());
  const [kill, ...tokens] = await Promise.all([
    signKill(place.family, claims[0]?.iat ?? 0, denyKey, trust),
    ...claims.map((claim) => sealToken(claim, tokenKey)),
  ]);
  const held = holdTokens(tokens, trail.writer.nextSeq);

  // The last moment at which a signal ends it: whoever may find the record may count on the token
  await endIfAsked(ports.signals);

  // 12. The record on the media, 13. local copy and high-water mark
  const receipt = await trail.writer.appendCeremony(
    {
      type: options.mode === 'drill' ? 'drill' : 'mint.issued',
      request,
      requestSha256: met.panel.fingerprint.sha256,
      ...quorum,
      policySha256: sha256Hex(canonicalJson(policy)),
      tokens: claims.map((claim, position) => ({ claims: claim, sha256: tokenSha256(tokens[position] ?? '') })),
      measurements: { toQuorumMs, toTokenMs: ports.elapsedMs() },
    },
    signing,
  );

  // 13. The kill file
  const killPlace = { dir: options.killDir, fallbackDir: join(state.dir, 'kill'), incident: request.incident };
  const kept = keepKill(kill, killPlace, trust);

  // 14. Release
  attempt.stage = 'release';
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
    kill: kept.path,
    warnings: [
      ...met.anomalies.map(({ code, detail }) => ({ code, message: detail })),
      ...trail.warnings,
      ...(production ? drillWarnings(trail.facts.upkeep, policy, clock.now()) : []),
      ...overdueWarnings(reviews),
      ...receipt.reached.flatMap(({ label, error }) =>
        error ? [{ code: error.code, message: `medium ${label}: ${error.message}` }] : [],
      ),
      ...trail.writer.warnings,
      ...(kept.warning ? [kept.warning] : []),
      ...(await lateSignal(ports, 'the record was being written, and the token is out')),
    ],
    mended: trail.mended,
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
