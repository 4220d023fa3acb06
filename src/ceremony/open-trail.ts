import { existsSync } from 'node:fs';
import { BreakglassError } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Clock, Seconds } from '../base/time.ts';
import { ed25519JwkOf } from '../key/derive.ts';
import type { State } from '../machine/state.ts';
import { checkMedia } from '../medium/check-media.ts';
import { readWhole } from '../medium/copy.ts';
import type { MediumHost, OpenMedium } from '../medium/medium.ts';
import { applyMend, type MendResult } from '../medium/mend.ts';
import type { MendNote } from '../medium/mend-action.ts';
import { type LocalPlace, openLocalCopy } from '../medium/place.ts';
import { type MendPlan, planMend } from '../medium/reconcile.ts';
import type { Claims } from '../token/claims.ts';
import { type ChainResult, createTrailCheck } from '../trail/check.ts';
import { createTree } from '../trail/checkpoint.ts';
import type { TrailFacts } from '../trail/facts.ts';
import { recordName } from '../trail/layout.ts';
import { trailReadme } from '../trail/readme.ts';
import { type Anomaly, isCeremonyRecord, type MediumEntry } from '../trail/record.ts';
import { openTrustHistory } from '../trail/trust-history.ts';
import type { Trust } from '../trust/trust-file.ts';
import { finishDecided } from './decided-change.ts';
import { type FoundAnomaly, isAnomalyCode } from './people.ts';
import { type Plugged, plugMedia, withOthersKnown } from './plug-media.ts';
import { type LostTrail, placeAfterLoss, restoreTrustFiles } from './restart.ts';
import { type RunFacts, TrailWriter, waitForMedium } from './trail-writer.ts';

export interface OpenTrailOptions {
  readonly state: State;
  /** Directories given by hand; none: media are found by their MEDIUM.JSN. */
  readonly mediaPaths: readonly string[];
  readonly mediaRule: 'removable' | 'fixed-allowed';
  readonly copies: number;
  readonly run: RunFacts;
}

export interface OpenTrailPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly host: MediumHost;
  note(text: string): void;
}

/** The media of a ceremony, compared, mended and checked to the end, and what their trail says. */
export interface OpenTrail {
  readonly media: readonly OpenMedium[];
  readonly mediaEntries: readonly MediumEntry[];
  readonly writer: TrailWriter;
  readonly facts: TrailFacts;
  /** The trust version in force at the end of the trail; undefined when it is not at hand. */
  readonly trust: Trust | undefined;
  /** Every trust version at hand, on this machine or on the media, that follows from the first. */
  readonly history: readonly Trust[];
  readonly headCeremonyTime: string | null;
  /** SHA-256 of the first revocation statement, which genesis names. */
  readonly firstStatement: string;
  /** True if the history in force has this record. */
  holds(seq: number, sha256: string): boolean;
  /** Claims of the production tokens that are not over yet. */
  readonly live: readonly Claims[];
  /** Set when no copy holds any record. */
  readonly lost: LostTrail | null;
  readonly anomalies: readonly FoundAnomaly[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly mended: readonly { readonly medium: string; readonly seq: number }[];
  /** What mending did to media, as the records tell it. */
  readonly mendNotes: readonly MendNote[];
  /** What could not be used or mended: the reasons of the first of `warnings`. */
  readonly failures: readonly BreakglassError[];
}

/** Room that a ceremony needs on a medium besides what mending copies. */
const ceremonyBytes = 1024 * 1024;

/**
 * Steps 4 and 5 of a ceremony (docs/ceremony.md): opens the media, compares the copies, mends them, checks the whole trail,
 * and writes what waited. Throws when fewer than `copies` media can be used; what merely looks wrong is an anomaly (P10).
 */
export async function openTrail(options: OpenTrailOptions, ports: OpenTrailPorts): Promise<OpenTrail> {
  const { state } = options;
  const plugged = plugMedia(options, ports);
  const local = existsSync(state.trailDir) ? openLocalCopy(state.trailDir, ports.host) : null;
  let opened: OpenTrail | 'again' = 'again';
  try {
    opened = await compareAndMend(plugged, local, options, ports);
  } finally {
    if (opened === 'again') for (const medium of [...plugged.media, ...plugged.blanks]) medium.close();
    local?.close();
  }
  return opened === 'again' ? openTrail(options, ports) : opened;
}

async function compareAndMend(
  plugged: Plugged,
  local: LocalPlace | null,
  options: OpenTrailOptions,
  ports: OpenTrailPorts,
): Promise<OpenTrail | 'again'> {
  const { state, copies, mediaRule, run } = options;
  const rule = { copies, allowFixed: mediaRule === 'fixed-allowed', bytes: ceremonyBytes };
  const { usable, refused } = checkMedia([...plugged.media, ...plugged.blanks], rule);
  const plan = planMend({
    media: usable.filter((medium) => medium.kind === 'medium'),
    blanks: usable.filter((medium) => medium.kind === 'blank'),
    local,
    highWater: state.highWater,
    anchors: [],
    history: openTrustHistory(state.trustFiles()),
    recorders: [ed25519JwkOf(await state.recorder())],
  });
  const after = plan.base ?? placeAfterLoss(state.highWater);
  const { chain, firstStatement, unconfirmed, live, tree } = await checkChain(plan, ports.clock.now());

  const trustId = state.trust.id;
  const mend = applyMend(plan, { ...ports.host, trustId, now: ports.clock.now(), readme: trailReadme(trustId) });
  const opened = [...usable.filter((medium) => medium.kind === 'medium'), ...mend.adopted];
  const media = opened.filter((medium) => !medium.suspect);
  if (media.length < copies) throw tooFewLeft(media.length, copies, plan, mend);
  const lost = plan.base === null;
  const { headCeremony } = chain;
  const named = chain.facts.trust;
  const writer = new TrailWriter({
    state,
    media,
    run,
    head: after,
    headCeremony,
    tree,
    ...(lost ? { next: 'restart' } : {}),
  });
  if (lost) await restoreTrustFiles(state, media);
  // However few media this run needs for itself, what a quorum decided needs those of the policy.
  const needed = Math.max(copies, state.trust.payload.policy.copies);
  const decided = lost
    ? 'nothing'
    : await finishDecided(plan, writer, { ...options, copies: needed, notes: mend.notes, note: ports.note });
  if (decided === 'written') return 'again';
  // Nothing but the restart may come first: what tells of the mending waits with the rest.
  for (const note of lost ? mend.notes : []) waitForMedium(state, run, note, []);
  const writeAll = () => writeWaiting(writer, state, lost ? [] : mend.notes, plan.anomalies);
  const waited = lost ? [] : await writeAll();
  state.setMedia(withOthersKnown(state, media));
  const failures = [
    ...plugged.failures,
    ...refused.map(({ error }) => error),
    ...mend.failed.map(({ error }) => error),
  ];
  return {
    media,
    mediaEntries: media.map(({ id, label, removable }) => ({ medium: id, label, removable })),
    writer,
    facts: chain.facts,
    trust: named ? plan.history.find(named.version, named.sha256) : undefined,
    history: plan.history.versions,
    headCeremonyTime: chain.headCeremony?.time ?? null,
    firstStatement,
    holds: (seq, sha256) => plan.entries.some((entry) => entry.seq === seq && entry.sha256 === sha256),
    live,
    lost: lost
      ? { after, anchor: `high-water mark of this machine, record ${after.seq}`, writeWaiting: writeAll }
      : null,
    anomalies: distinct([
      // One of each kind, or many attempts would make a record that is too long to be written.
      ...new Map([...waited, ...unconfirmed].reverse().map((anomaly) => [anomaly.code, anomaly])).values(),
      ...plan.anomalies,
      ...(lost ? [] : tampering(chain)),
      ...(decided === 'nothing' ? [] : [decided]),
      ...fixedMedia(media),
    ]),
    warnings: [
      ...failures.map(({ code, message }) => ({ code, message })),
      ...media.flatMap(({ warnings }) => warnings),
    ],
    mended: plan.actions.flatMap(({ target, copies: files }) =>
      target.kind === 'local' ? [] : files.flatMap(({ seq }) => (seq === null ? [] : [{ medium: target.label, seq }])),
    ),
    mendNotes: mend.notes,
    failures,
  };
}

/** The history in force to its end, before anything is written. */
async function checkChain(plan: MendPlan, now: Seconds) {
  let firstStatement = '0'.repeat(64);
  let unconfirmed: FoundAnomaly[] = [];
  const live: Claims[] = [];
  const tree = createTree();
  const check = createTrailCheck({
    history: plan.history,
    tree,
    onRecord: ({ record }) => {
      if (record.type === 'genesis') firstStatement = record.revocations;
      if (record.type === 'mint.issued')
        live.push(...record.tokens.flatMap(({ claims }) => (claims.exp > now ? [claims] : [])));
      unconfirmed = isCeremonyRecord(record) ? [] : [...unconfirmed, ...unconfirmedIn(record.anomalies)];
    },
  });
  for (const { seq, holder } of plan.entries) {
    const { what } = holder.place;
    await check.add(readWhole(holder.place, recordName(seq)), { seq, what: `record ${seq} on ${what}`, medium: null });
  }
  return { chain: await check.finish(), firstStatement, unconfirmed, live, tree };
}

/**
 * What waited in the state directory comes first, then what mending has done and why. Resolves with the anomalies that waited.
 */
async function writeWaiting(
  writer: TrailWriter,
  state: State,
  notes: readonly MendNote[],
  mended: readonly FoundAnomaly[],
): Promise<FoundAnomaly[]> {
  const waited: FoundAnomaly[] = [];
  // Mending hides what was wrong from the next run, and this one may end before a quorum has seen it.
  const anomalies = mended.map(({ code, detail }) => ({ code, detail, confirmedBy: [] }));
  for (const [position, { name, members }] of state.readPending().records.entries()) {
    // What waited raises the high-water mark, over a cut tail too: where no note tells of it, this record must.
    const untold = position === 0 && notes.length === 0 ? anomalies : [];
    await writer.appendRecorder({ ...members, anomalies: [...members.anomalies, ...untold] });
    state.removePending(name);
    waited.push(...unconfirmedIn(members.anomalies));
  }
  for (const [position, note] of notes.entries()) await writer.appendRecorder(note, position === 0 ? anomalies : []);
  return waited;
}

/**
 * What a recorder record tells that no quorum has confirmed yet: it waits for the next one (P10), else whoever begins a mint
 * and leaves could hide what mending changed. Fixed media and a new state directory show in every run.
 */
function unconfirmedIn(anomalies: readonly Anomaly[]): FoundAnomaly[] {
  return anomalies.flatMap(({ code, detail }) =>
    isAnomalyCode(code) && code !== 'MEDIA_FIXED' && code !== 'STATE_NEW' && code !== 'REVIEW_OVERDUE'
      ? [{ code, detail }]
      : [],
  );
}

function distinct(anomalies: readonly FoundAnomaly[]): FoundAnomaly[] {
  return [...new Map(anomalies.map((anomaly) => [`${anomaly.code} ${anomaly.detail}`, anomaly])).values()];
}

function tampering(chain: ChainResult): FoundAnomaly[] {
  const found = chain.findings.filter(({ severity }) => severity === 'tampered' || severity === 'unreadable');
  const [first] = found;
  if (!first) return [];
  const more = found.length > 1 ? ` (and ${found.length - 1} more findings)` : '';
  return [{ code: 'TRAIL_TAMPERED', detail: `record ${first.seq ?? '?'}: ${first.message}${more}` }];
}

function fixedMedia(media: readonly OpenMedium[]): FoundAnomaly[] {
  const fixed = media.filter(({ removable }) => removable !== true);
  const shared = new Set(media.map(({ device }) => device)).size < media.length;
  if (fixed.length === 0 && !shared) return [];
  const which =
    fixed.length > 0 ? `not removable: ${fixed.map(({ label }) => label).join(', ')}` : 'two media on one device';
  return [{ code: 'MEDIA_FIXED', detail: `${which} (--allow-fixed)` }];
}

function tooFewLeft(good: number, copies: number, plan: MendPlan, mend: MendResult): BreakglassError {
  const [first] = [...plan.unusable, ...mend.failed].map(({ error }) => error);
  return new BreakglassError(
    first?.code ?? 'MEDIUM_TOO_FEW',
    `${first ? `${first.message}; ` : ''}${good} of the ${copies} media that must hold a record can be used`,
    {
      hint: 'plug in another stick (a blank one is filled) and run the same command again. Nobody was asked for a share and no token was issued.',
      cause: first,
    },
  );
}
