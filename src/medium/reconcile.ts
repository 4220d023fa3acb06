import { type BreakglassError, isBreakglassError } from '../base/errors.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { trustNameVersion } from '../trail/layout.ts';
import type { RecordFile } from '../trail/record-file.ts';
import { openTrustHistory, type TrustHistory } from '../trail/trust-history.ts';
import { type AnomalyCode, describeAnomalies, type MendAnomaly } from './anomalies.ts';
import { openRecordOf, readCopy, readWhole, type TrailCopy } from './copy.ts';
import type { BlankMedium } from './create.ts';
import { type Agreed, type ChosenHistory, chooseHistory, type HistoryEntry, type LosingFile } from './history.ts';
import type { OpenMedium } from './medium.ts';
import { type MendAction, type MendGoal, type MendNote, planAdoption, planCopy } from './mend-action.ts';
import type { LocalPlace } from './place.ts';
import { createProof, type Proof } from './proof.ts';
import { soundSides } from './sides.ts';

export type { AnomalyCode, MendAction, MendAnomaly, MendNote };

/** A place in the trail that something outside the copies remembers. */
export interface KnownRecord {
  readonly seq: number;
  /** null when only the number is known. */
  readonly sha256: string | null;
}

export interface MendOptions {
  readonly media: readonly OpenMedium[];
  /** Blank media given by hand, which become copies. */
  readonly blanks: readonly BlankMedium[];
  /** The copy in the state directory; null when there is none. */
  readonly local: LocalPlace | null;
  /** The last record that this machine wrote. */
  readonly highWater: KnownRecord | null;
  /** What else remembers the trail: tokens seen, checkpoints, head codes. */
  readonly anchors: readonly KnownRecord[];
  readonly history: TrustHistory;
  /** Recorders known besides those that ceremony records name: this machine's own. */
  readonly recorders: readonly Ed25519Jwk[];
}

/** What mending would do. Nothing is written yet. */
export interface MendPlan {
  /** The record that the next one follows; null when no copy holds any. */
  readonly base: { readonly seq: number; readonly sha256: string } | null;
  /** The trust versions given and those on the copies that follow from them. */
  readonly history: TrustHistory;
  /** The history in force, ascending. */
  readonly entries: readonly HistoryEntry[];
  /** One for each place that needs something. */
  readonly actions: readonly MendAction[];
  readonly anomalies: readonly MendAnomaly[];
  /** Copies that cannot be used in this run; media among them are suspect from now on. */
  readonly unusable: readonly UnusableCopy[];
}

export interface UnusableCopy {
  readonly place: OpenMedium | LocalPlace;
  readonly error: BreakglassError;
}

/**
 * Reads every copy, decides which history is in force (design §9) and what each copy lacks. A copy that cannot be read or
 * mended is left out and named: one stick does not refuse a mint (P10). Nothing is written.
 */
export function planMend(options: MendOptions): MendPlan {
  const unusable: UnusableCopy[] = [];
  const orLeaveOut = <T>(place: OpenMedium | LocalPlace, act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      if (place.kind === 'medium') place.distrust(error);
      unusable.push({ place, error });
      return undefined;
    }
  };

  // 1. Read every copy.
  const media = options.media.filter(({ suspect }) => !suspect);
  const places = options.local ? [...media, options.local] : media;
  const copies = places.flatMap((place) => orLeaveOut(place, () => readCopy(place, options.history.id)) ?? []);

  // 2. Decide which history is in force. Another machine may have changed the trust since this one saw the media.
  const history = withVersionsOf(copies, options.history);
  const known = { ...options, history };
  const chosen = chooseHistory(copies, history.id, (agreed) => proofFor(agreed, copies, known));
  const marks = options.highWater ? [options.highWater, ...options.anchors] : options.anchors;
  const losing = lastTornAboveMarks(chosen, marks);

  // 3. Plan what each copy lacks.
  const goal = goalOf({ ...chosen, losing }, copies, known);
  const mends = copies.flatMap((copy) => {
    const own = losing.filter((file) => file.copy === copy);
    return orLeaveOut(copy.place, () => planCopy(copy, own, goal)) ?? [];
  });
  const adoptions = options.blanks.map((blank) => planAdoption(blank, goal));

  const last = chosen.entries.at(-1);
  return {
    base: last ? { seq: last.seq, sha256: last.sha256 } : null,
    history,
    entries: chosen.entries,
    actions: [...mends, ...adoptions],
    anomalies: describeAnomalies({ ...chosen, losing }, marks, unusable),
    unusable,
  };
}

function withVersionsOf(copies: readonly TrailCopy[], history: TrustHistory): TrustHistory {
  const known = new Set(history.versions.map(({ sha256 }) => sha256));
  const files = copies.flatMap(({ place, sides }) =>
    [...sides].flatMap(([name, sha256]) => {
      if (trustNameVersion(name) === undefined || known.has(sha256)) return [];
      known.add(sha256);
      return [readWhole(place, name)];
    }),
  );
  if (files.length === 0) return history;
  return openTrustHistory([...history.versions.map(({ bytes }) => bytes), ...files], history.newest);
}

// A record that this machine or anybody saw whole was not torn by a power cut at its writing. Where another copy still has
// it, nothing is lost and the difference does not matter.
function lastTornAboveMarks({ entries, losing }: ChosenHistory, marks: readonly KnownRecord[]): readonly LosingFile[] {
  const held = new Set(entries.map(({ seq }) => seq));
  const seen = Math.max(-1, ...marks.map(({ seq }) => seq));
  return losing.map((file) =>
    file.why === 'torn' && file.seq <= seen && !held.has(file.seq) ? { ...file, why: 'damaged' } : file,
  );
}

function proofFor(agreed: Agreed, copies: readonly TrailCopy[], options: MendOptions): Proof {
  return createProof(options, function* () {
    yield* openEntries(agreed.entries);
    for (const { place, records } of copies)
      for (const seq of records.keys()) {
        const file = seq < agreed.entries.length ? undefined : openRecordOf(place, seq);
        if (file) yield file;
      }
  });
}

function* openEntries(entries: readonly HistoryEntry[]): Generator<RecordFile> {
  for (const { seq, holder } of entries) {
    const file = openRecordOf(holder.place, seq);
    if (file) yield file;
  }
}

function goalOf(chosen: ChosenHistory, copies: readonly TrailCopy[], options: MendOptions): MendGoal {
  const sides = soundSides(copies, {
    losing: chosen.losing,
    history: options.history,
    adopting: options.blanks.length > 0,
  });
  let told: ReadonlySet<string> | undefined;
  return {
    copies,
    entries: chosen.entries,
    sides,
    isTold(medium, name, sha256) {
      told ??= new Set(toldBy(chosen.entries));
      return told.has(`${medium.id} ${name} ${sha256}`);
    },
  };
}

/** Every set-aside file that a record of the history tells of. */
function* toldBy(entries: readonly HistoryEntry[]): Generator<string> {
  for (const { record } of openEntries(entries)) {
    if (record.type === 'recovered') yield `${record.medium} ${record.name} ${record.sha256}`;
    if (record.type === 'media.mended')
      for (const { name, sha256 } of record.setAside) yield `${record.medium} ${name} ${sha256}`;
  }
}
