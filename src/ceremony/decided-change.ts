import { sha256Hex } from '../base/bytes.ts';
import { isBreakglassError } from '../base/errors.ts';
import { verifyJws } from '../base/jws.ts';
import { type DecidedChange, readDecided, removeDecided, setDecidedAside } from '../machine/decided.ts';
import type { State } from '../machine/state.ts';
import { appendFile } from '../medium/append.ts';
import type { OpenMedium } from '../medium/medium.ts';
import type { MendNote } from '../medium/mend-action.ts';
import type { MendPlan } from '../medium/reconcile.ts';
import { setAsideOther } from '../medium/set-aside.ts';
import { trustName } from '../trail/layout.ts';
import { isCeremonyRecord } from '../trail/record.ts';
import { openRecordFile } from '../trail/record-file.ts';
import { activeKey, checkTrustSuccession, openTrust, type Trust } from '../trust/trust-file.ts';
import { endDealing } from './dealing.ts';
import type { FoundAnomaly } from './people.ts';
import { type Published, publicationOf, publishAdvice, publishTrust } from './publish.ts';
import {
  type CeremonySigning,
  type RunFacts,
  type TrailHead,
  type TrailWriter,
  waitForMedium,
} from './trail-writer.ts';
import { pemFiles } from './trust-files.ts';

/** Where a decided change stands: its record is in the trail, comes next, or lost its place to another. */
function placeOf(
  decided: DecidedChange,
  { base, entries }: Pick<MendPlan, 'base' | 'entries'>,
): 'held' | 'next' | 'void' {
  const sha256 = sha256Hex(decided.record);
  if (entries.some((entry) => entry.seq === decided.seq && entry.sha256 === sha256)) return 'held';
  return base?.seq === decided.seq - 1 && base.sha256 === decided.prev ? 'next' : 'void';
}

/**
 * What waits must be what the quorum signed, whoever has had the state directory in hand: a record of the trail key in force, and
 * the trust version that it names.
 */
function isSound(decided: DecidedChange, trust: Trust): boolean {
  try {
    const { record, jws } = openRecordFile(Buffer.from(decided.record), 'the decided change');
    const { public: trail } = activeKey(trust, 'trail');
    if (jws.header.kid !== trail.kid || !verifyJws(jws, trail.key)) return false;
    if (record.seq !== decided.seq || record.prev !== decided.prev || !isCeremonyRecord(record)) return false;
    if (decided.trust === null) return record.type === 'revocations.reset';
    const next = openTrust(Buffer.from(decided.trust));
    checkTrustSuccession(trust, next);
    return (record.type === 'rotate' || record.type === 'policy') && record.trust.sha256 === next.sha256;
  } catch (error) {
    if (isBreakglassError(error)) return false;
    throw error;
  }
}

/**
 * A change that a quorum has decided and a run before did not write comes before everything else in the trail. `written`: the
 * trail has a new head now, and all must be read again. What is no such change is set aside, as an anomaly (P10).
 */
export async function finishDecided(
  plan: MendPlan,
  writer: TrailWriter,
  options: {
    readonly state: State;
    readonly copies: number;
    readonly run: RunFacts;
    /** What tells of the mending of this run: it waits, or it would take the place of the change. */
    readonly notes: readonly MendNote[];
    note(text: string): void;
  },
): Promise<'written' | 'nothing' | FoundAnomaly> {
  const { state, copies, note } = options;
  const decided = readDecided(state.dir);
  if (!decided) return 'nothing';
  const place = decided === 'damaged' ? 'void' : placeOf(decided, plan);
  if (decided === 'damaged' || (place === 'next' && !isSound(decided, state.trust))) {
    const aside = setDecidedAside(state.dir);
    return {
      code: 'STATE_DAMAGED',
      detail: `a change that waited to be written is not what a quorum signed: it was set aside as ${aside}, and nothing of it counts`,
    };
  }
  if (place === 'void') dropDecided(decided, state, note);
  if (place === 'held') settle(decided, state, note);
  if (place !== 'next') return 'nothing';
  for (const members of options.notes) waitForMedium(state, options.run, members, []);
  await writeDecided(decided, writer, state, { copies });
  settle(decided, state, note);
  note(`finished the ${decided.kind} that a quorum decided at ${decided.decidedAt}`);
  return 'written';
}

/**
 * Step 13, on the media: the trust version stands on every medium before the record that names it. Without the trail key, in a
 * later run, there is no checkpoint. Throws when fewer than `copies` media hold the record; the change waits then.
 */
export async function writeDecided(
  decided: DecidedChange,
  writer: TrailWriter,
  state: State,
  signing: Pick<CeremonySigning, 'copies'> & Partial<CeremonySigning>,
): Promise<TrailHead> {
  if (decided.trust !== null) writeTrustFiles(openTrust(Buffer.from(decided.trust)), writer.media, state);
  const sealed = { seq: decided.seq, bytes: Buffer.from(decided.record), ceremony: true };
  return writer.appendSealed(sealed, signing);
}

/** Step 13, on this machine: any part may have been done before. What cannot be published is told, with the command that does it. */
export function settle(decided: DecidedChange, state: State, note: (text: string) => void): Published {
  if (decided.trust !== null) state.addTrust(openTrust(Buffer.from(decided.trust)));
  state.mergeRevocations(Buffer.from(decided.statements));
  const published = publishTrust(publicationOf(state), decided.outDir);
  for (const line of publishAdvice(published, state.dir)) note(line);
  endDealing(state.dir);
  removeDecided(state.dir);
  return published;
}

/** A change whose place in the trail was taken: nothing of it counts. */
function dropDecided(decided: DecidedChange, state: State, note: (text: string) => void): void {
  endDealing(state.dir);
  removeDecided(state.dir);
  note(
    `breakglass: the ${decided.kind} of ${decided.decidedAt} is void: the trail went on without it. Cards that were dealt in it are void: destroy them. Those of before are the cards.`,
  );
}

function writeTrustFiles(trust: Trust, media: readonly OpenMedium[], state: State): void {
  const file = trustName(trust.payload.version);
  const pems = [...pemFiles(trust)];
  for (const medium of media.filter(({ suspect }) => !suspect)) {
    try {
      setAsideOther(medium, file, trust.bytes);
      appendFile(medium, file, trust.bytes);
      for (const [name, bytes] of pems) orTaken(() => appendFile(medium, name, bytes));
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      medium.distrust(error);
    }
  }
  for (const [name, bytes] of [[file, trust.bytes] as const, ...pems]) state.appendLocal(name, bytes);
}

// Nothing reads the PEM files but people: another file of that name is no reason to stop.
function orTaken(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isBreakglassError(error, 'MEDIUM_IN_USE')) throw error;
  }
}
