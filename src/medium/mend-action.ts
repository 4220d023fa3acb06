import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { isSetAsideName, recordName, setAsideName } from '../trail/layout.ts';
import type { RecordMembers } from '../trail/record.ts';
import { openRecordFile } from '../trail/record-file.ts';
import { readWhole, type TrailCopy } from './copy.ts';
import type { BlankMedium } from './create.ts';
import type { HistoryEntry, LosingReason } from './history.ts';
import type { OpenMedium } from './medium.ts';
import type { LocalPlace, Place } from './place.ts';
import type { SideFile } from './sides.ts';

/** What one place needs; its parts are done in this order. */
export interface MendAction {
  /** A blank one becomes a medium first. */
  readonly target: OpenMedium | BlankMedium | LocalPlace;
  readonly setAside: readonly SetAside[];
  readonly copies: readonly FileCopy[];
  /** The records that tell of it, to be written when it is done. None for the local copy. */
  readonly notes: readonly MendNote[];
}

/** A file is renamed on its medium; nothing is ever deleted. */
export interface SetAside {
  readonly name: string;
  readonly as: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly why: LosingReason | 'side';
}

/** A file is copied, byte for byte, from the first place that still has it. */
export interface FileCopy {
  readonly name: string;
  /** The sequence number of a record; null for another file. */
  readonly seq: number | null;
  readonly sha256: string;
  readonly from: readonly Place[];
}

export type MendNote = Extract<RecordMembers, { readonly type: 'media.added' | 'media.mended' | 'recovered' }>;

/** What is true of all copies together. */
export interface MendGoal {
  readonly copies: readonly TrailCopy[];
  readonly entries: readonly HistoryEntry[];
  readonly sides: readonly SideFile[];
  /** True if a record of the history tells of this set-aside file. */
  isTold(medium: OpenMedium, name: string, sha256: string): boolean;
}

/** What a copy needs, or undefined when it is whole. Throws `TRAIL_DAMAGED` when a file cannot be set aside any more. */
export function planCopy(
  copy: TrailCopy,
  losing: readonly { readonly seq: number; readonly why: LosingReason }[],
  goal: MendGoal,
): MendAction | undefined {
  const setAside = planSetAside(copy, losing, goal);
  const gone = new Set(setAside.map(({ name }) => name));
  const copies = filesOf(goal).filter(({ name }) => gone.has(name) || !copy.names.has(name));
  const target = copy.place;
  const notes = target.kind === 'medium' ? notesOf(target, copies, setAside, leftovers(target, copy, goal)) : [];
  if (setAside.length + copies.length + notes.length === 0) return undefined;
  return { target, setAside, copies, notes };
}

/** A blank medium becomes a copy of everything. */
export function planAdoption(target: BlankMedium, goal: MendGoal): MendAction {
  const { id: medium, label, removable } = target;
  const reason = 'a blank medium was given and filled';
  return {
    target,
    setAside: [],
    copies: filesOf(goal),
    notes: [{ type: 'media.added', medium, label, removable, reason }],
  };
}

/** Every file of a whole copy in the order in which it may appear: what a record names stands there before the record. */
function filesOf({ copies, entries, sides }: MendGoal): readonly FileCopy[] {
  const records = entries.map(({ seq, sha256 }) => {
    const from = copies.filter((copy) => copy.records.get(seq) === sha256).map(({ place }) => place);
    return { name: recordName(seq), seq, sha256, from };
  });
  const others = sides.flatMap(({ name, sha256 }) => {
    if (sha256 === null) return [];
    const from = copies.filter((copy) => copy.sides.get(name) === sha256).map(({ place }) => place);
    return [{ name, seq: null, sha256, from }];
  });
  const isAfter = ({ name }: FileCopy) => /^[CW]\d/.test(name);
  return [...others.filter((file) => !isAfter(file)), ...records, ...others.filter(isAfter)];
}

function planSetAside(
  copy: TrailCopy,
  losing: readonly { readonly seq: number; readonly why: LosingReason }[],
  { sides }: MendGoal,
): readonly SetAside[] {
  const taken = new Set(copy.names);
  const spoilt = sides.filter((side) => side.spoilt.includes(copy)).map(({ name }) => ({ name, why: 'side' as const }));
  const files = [...losing.map(({ seq, why }) => ({ name: recordName(seq), why })), ...spoilt];
  return files.map(({ name, why }) => {
    const bytes = readWhole(copy.place, name);
    const as = freeName(copy, name, taken);
    taken.add(as);
    return { name, as, sha256: sha256Hex(bytes), bytes: bytes.length, why };
  });
}

function freeName({ place }: TrailCopy, name: string, taken: ReadonlySet<string>): string {
  // The suffixes are the layout's; the stem is the file's own, be it a record or not.
  const withStem = (candidate: string) => `${name.slice(0, 8)}${candidate.slice(8)}`;
  const found = setAsideName(0, (candidate) => taken.has(withStem(candidate)));
  if (found !== undefined) return withStem(found);
  throw new BreakglassError('TRAIL_DAMAGED', `${place.what}: ${name} was set aside nine times already`, {
    hint: 'keep the stick as evidence and use another. Nothing on it was changed.',
  });
}

interface Leftover {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: number;
  /** True if it is no record at all: it was set aside because it was torn. */
  readonly torn: boolean;
}

// A run that crashed after setting files aside and before telling of it on the record.
function leftovers(medium: OpenMedium, copy: TrailCopy, goal: MendGoal): readonly Leftover[] {
  return [...copy.names]
    .filter(isSetAsideName)
    .sort()
    .flatMap((name) => {
      const bytes = readWhole(medium, name);
      const sha256 = sha256Hex(bytes);
      if (goal.isTold(medium, name, sha256)) return [];
      return [{ name, sha256, bytes: bytes.length, torn: !isRecordFile(bytes) }];
    });
}

function isRecordFile(bytes: Uint8Array): boolean {
  try {
    openRecordFile(bytes, 'a file that was set aside');
    return true;
  } catch (error) {
    if (isBreakglassError(error)) return false;
    throw error;
  }
}

/** How many files one record tells of, so that it stays far below the longest record. */
const filesPerNote = 1000;
/** More torn leftovers than a few crashes make are junk that somebody planted, and are told of together. */
const mostTornLeftovers = 9;

function notesOf(
  medium: OpenMedium,
  copies: readonly FileCopy[],
  setAside: readonly SetAside[],
  left: readonly Leftover[],
): readonly MendNote[] {
  const now = setAside.map(({ as, sha256, bytes, why }) => ({ name: as, sha256, bytes, torn: why === 'torn' }));
  const junk = left.filter(({ torn }) => torn).length > mostTornLeftovers;
  const all = [...now, ...left.map((file) => ({ ...file, torn: file.torn && !junk }))];
  const torn = all.filter((file) => file.torn);
  const others = all.filter((file) => !file.torn).map(({ name, sha256 }) => ({ name, sha256 }));
  const seqs = copies.flatMap(({ seq }) => (seq === null ? [] : [seq]));
  return [...torn.map((file) => recoveredNote(medium, file)), ...mendedNotes(medium, seqs, others)];
}

function recoveredNote({ id: medium, label }: OpenMedium, { name, bytes, sha256 }: Leftover): MendNote {
  return { type: 'recovered', medium, label, name, bytes, sha256, torn: Number(name.slice(0, 8)) };
}

function mendedNotes(
  { id: medium, label }: OpenMedium,
  seqs: readonly number[],
  files: readonly { readonly name: string; readonly sha256: string }[],
): readonly MendNote[] {
  const count = Math.max(Math.ceil(files.length / filesPerNote), seqs.length > 0 ? 1 : 0);
  const [from, to] = [seqs[0] ?? null, seqs.at(-1) ?? null];
  return Array.from({ length: count }, (_, index) => ({
    type: 'media.mended',
    medium,
    label,
    from: index === 0 ? from : null,
    to: index === 0 ? to : null,
    setAside: files.slice(index * filesPerNote, (index + 1) * filesPerNote),
  }));
}
