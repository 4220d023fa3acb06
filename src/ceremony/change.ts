import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { type DecidedChange, writeDecided as saveDecided } from '../machine/decided.ts';
import { wipeDeal } from '../share/deal.ts';
import type { Claims } from '../token/claims.ts';
import { type Request, requestFingerprint } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import { type Attempt, type CeremonyOptions, type CeremonyPorts, confirmed, enter, lateSignal } from './attempt.ts';
import { finishBefore } from './change-again.ts';
import { dealNewCards, recordDestroyed } from './change-cards.ts';
import { changePanelText, endedBy } from './change-panel.ts';
import { type Change, checkChange, checkChangeRequest } from './change-plan.ts';
import { type Prepared, prepareChange } from './change-prepare.ts';
import type { Dealer } from './dealer.ts';
import { clearVoidCards, readDealing } from './dealing.ts';
import { settle, writeDecided } from './decided-change.ts';
import { holdCeremony, openCeremonyTrail } from './hold-ceremony.ts';
import { importReviews, type ReviewSource } from './import-reviews.ts';
import { importRevocations, type RevocationSource } from './import-revocations.ts';
import { type Met, meet } from './meet.ts';
import { refuseFailedPreflight, refuseOtherTrustVersion, refuseReused } from './mint-checks.ts';
import type { OpenTrail } from './open-trail.ts';
import type { Published } from './publish.ts';
import { appendRestart } from './restart.ts';
import type { CeremonyMembers, CeremonySigning, TrailHead } from './trail-writer.ts';

export interface ChangeOptions extends CeremonyOptions {
  readonly change: Change;
  /** Lists that somebody brings: what they deny is known from now on. */
  readonly revocations: readonly RevocationSource[];
  /** Reviews of auditors that somebody brings. */
  readonly reviews: readonly ReviewSource[];
  /** 5 random hex digits: the id of the new set, where cards are dealt. */
  readonly setId: string;
  /** Where services and commanders take trust file, JWK Sets and revocations from. */
  readonly outDir: string;
}

export interface ChangePorts extends CeremonyPorts {
  /** Writes new keys, deals new cards. */
  readonly dealer: Dealer;
  request(): Promise<Request>;
  /** Whose card of the retired set was destroyed before everybody's eyes. */
  destroyed(custodians: readonly string[]): Promise<readonly string[]>;
}

export interface Changed {
  readonly kind: Change['kind'];
  readonly trust: Trust;
  readonly record: TrailHead;
  /** What came of publishing it: a failure undoes nothing of the change. */
  readonly published: Published;
  /** `again`: this run only finished what a run before had decided. */
  readonly run: 'first' | 'again';
  readonly custodians: readonly string[];
  /** The set whose cards are void from now on, or null. */
  readonly retiredSet: string | null;
  readonly statements: number;
  /** Claims of the tokens in use that it ends. */
  readonly ended: readonly Claims[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/** A rotation, a new policy or an un-denial; its steps are those of docs/ceremony.md. The caller holds the lock. */
export async function changeTrust(options: ChangeOptions, ports: ChangePorts): Promise<Changed> {
  const finished = await finishBefore(options, ports);
  if (finished) return finished;
  // 1. A dealing that was interrupted
  const dealing = readDealing(options.state.dir);
  if (dealing) {
    clearVoidCards(options.state.dir, dealing);
    ports.note(
      `a dealing of ${dealing.startedAt} was interrupted: cards of set ${dealing.setId} are void, destroy them. Starting afresh.`,
    );
  }
  return holdCeremony(options, ports, 'Nothing was changed', (attempt) => hold(options, ports, attempt));
}

async function hold(options: ChangeOptions, ports: ChangePorts, attempt: Attempt): Promise<Changed> {
  const { state, change, preflight } = options;
  const { clock } = ports;
  const { trust } = state;

  // 2. Request
  const request = attempt.request ?? (await ports.request());
  attempt.request = request;
  checkChangeRequest(request, change, trust, clock.now());

  // 3. Plan
  attempt.stage = 'policy';
  checkChange(change, trust);
  refuseFailedPreflight(preflight);
  const run = { session: attempt.session, clock, clockSource: 'none' as const };
  importRevocations(state, options.revocations, run, ports.note);
  importReviews(state, options.reviews, { attempt, run, note: ports.note });

  // 4. Media and trail, 5. high-water mark
  const trail = await openCeremonyTrail(options, ports, attempt);
  // A rotation that was begun and interrupted is held again with the same request.
  if (trail.facts.openRotation !== requestFingerprint(request).sha256) refuseReused(request, trail);
  refuseOtherTrustVersion(trail, trust);

  // 6. Head code, 7. clock, 8. the panel, 9. shares
  const met = await meet(
    {
      trust,
      trail,
      request,
      text: changePanelText(change, request, trust, trail.live),
      anomalies: [...options.anomalies, ...trail.anomalies],
      needed: trust.set.threshold,
      separated: null,
      extraShare: null,
      preflight,
    },
    ports,
    attempt,
  );

  // 10. Keys, next trust version, statements
  await enter('record', attempt, ports);
  const prepared = await met.shares.withSeed((seed) =>
    prepareChange(seed, { ...options, trail, now: clock.now() }, ports),
  );
  try {
    met.shares.wipe();
    attempt.given = met.labels;
    const { policy } = trust.payload;
    const signing = {
      trail: prepared.trailKey,
      copies: policy.copies,
      anomalies: confirmed(met.anomalies, met.labels),
    };
    const quorum = met.members;
    if (trail.lost) await appendRestart(trail, trail.lost, { request, trust, quorum, signing }, ports.random);

    // 11. Cards
    await dealNewCards(options, ports, attempt, { prepared, met, signing, request });

    // 12. Decided
    attempt.stage = 'record';
    const members = changeMembers(change, prepared, {
      request,
      requestSha256: met.panel.fingerprint.sha256,
      ...quorum,
    });
    const sealed = await trail.writer.sealCeremony(members, signing);
    const decided: DecidedChange = {
      v: 1,
      kind: change.kind,
      decidedAt: formatTime(clock.now()),
      seq: sealed.seq,
      prev: trail.writer.head?.sha256 ?? '',
      record: Buffer.from(sealed.bytes).toString('latin1'),
      trust: prepared.trust ? Buffer.from(prepared.trust.bytes).toString('latin1') : null,
      statements: prepared.statements.map((line) => `${line}\n`).join(''),
      outDir: options.outDir,
    };
    saveDecided(state.dir, decided);
    attempt.stage = 'writing';

    // 13. Written
    const { record, published } = await writeAndSettle(decided, trail, signing, options, ports);
    await recordDestroyed(options, ports, trail, trust);
    return {
      kind: change.kind,
      trust: state.trust,
      record,
      published,
      run: 'first',
      custodians: met.labels,
      retiredSet: prepared.deal ? trust.set.setId : null,
      statements: prepared.statements.length,
      ended: endedBy(change, trail.live),
      warnings: [
        ...met.anomalies.map(({ code, detail }) => ({ code, message: detail })),
        ...trail.warnings,
        ...trail.writer.warnings,
        ...(await lateSignal(ports, 'the change was decided, and it is done')),
      ],
    };
  } finally {
    if (prepared.deal) wipeDeal(prepared.deal);
  }
}

function changeMembers(
  change: Change,
  { trust, statements, allow }: Prepared,
  quorum: Met['members'] & { readonly request: Request; readonly requestSha256: string },
): CeremonyMembers {
  if (change.kind === 'revocations.reset')
    return { type: 'revocations.reset', ...quorum, statement: sha256Hex(statements[0] ?? ''), allow: [...allow] };
  if (!trust) throw new TypeError('every other change makes a trust version');
  const named = { version: trust.payload.version, sha256: trust.sha256 };
  return { type: change.kind === 'policy' ? 'policy' : 'rotate', ...quorum, trust: named };
}

async function writeAndSettle(
  decided: DecidedChange,
  trail: OpenTrail,
  signing: CeremonySigning,
  { state }: ChangeOptions,
  { note }: ChangePorts,
): Promise<{ readonly record: TrailHead; readonly published: Published }> {
  try {
    const { seq, sha256 } = await writeDecided(decided, trail.writer, state, signing);
    return { record: { seq, sha256 }, published: settle(decided, state, note) };
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    throw new BreakglassError(error.code, error.message, {
      hint: 'the change is decided and waits in the state directory. Mend that, and run the same command again: it finishes the writing, and nobody is asked for a share.',
      cause: error,
    });
  }
}
