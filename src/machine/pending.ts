import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, formatCanonicalFile, parseCanonical } from '../base/canonical.ts';
import { isBreakglassError } from '../base/errors.ts';
import { isCeremonyRecord, type RecorderRecord, recordSchema } from '../trail/record.ts';
import { makePrivateDirectory, removeFile, renameExclusive, writeExclusive } from './files.ts';
import { damaged, readStateFile } from './state-file.ts';

type Unplaced<R> = R extends unknown ? Omit<R, 'v' | 'trail' | 'seq' | 'prev' | 'recorder'> : never;

/** A recorder record that waits for a medium (P9): what it says and when it happened, without a place in the trail. */
export type PendingMembers = Unplaced<RecorderRecord>;

export interface PendingRecord {
  readonly name: string;
  readonly members: PendingMembers;
}

export interface PendingRecords {
  /** In the order in which they were added. */
  readonly records: readonly PendingRecord[];
  /** Files that are no record, under the names that they were set aside with. */
  readonly setAside: readonly string[];
}

/** The records that wait in `dir`. A file that is none is renamed to `.bad` and reported: the others count. */
export function readPending(dir: string): PendingRecords {
  const records: PendingRecord[] = [];
  const setAside: string[] = [];
  for (const name of namesIn(dir).filter((candidate) => pendingNumber(candidate) !== undefined)) {
    const members = readMembers(join(dir, name));
    if (members) records.push({ name, members });
    else setAside.push(setAsidePending(dir, name));
  }
  return { records, setAside };
}

/** Flushed before it returns. The caller holds the lock of the state directory. */
export function addPending(dir: string, members: PendingMembers): string {
  const bytes = formatCanonicalFile(members);
  if (!openMembers(bytes)) throw new TypeError('not the members of a recorder record');
  makePrivateDirectory(dir);
  const taken = namesIn(dir).map((name) => Number.parseInt(name, 10) || 0);
  const name = `${String(Math.max(0, ...taken) + 1).padStart(8, '0')}.json`;
  writeExclusive(join(dir, name), bytes, { mode: 0o600 });
  return name;
}

/** Once its record is on a medium. One that is gone already is fine. */
export function removePending(dir: string, name: string): void {
  if (pendingNumber(name) === undefined) throw new TypeError('not the name of a pending record');
  removeFile(join(dir, name));
}

function readMembers(path: string): PendingMembers | undefined {
  try {
    const bytes = readStateFile(path);
    return bytes && openMembers(bytes);
  } catch (error) {
    if (isBreakglassError(error, 'STATE_DAMAGED')) return undefined;
    throw error;
  }
}

const anyPlace = { v: 1, trail: '0'.repeat(64), seq: 0, prev: null, recorder: 'A'.repeat(43) };

/** Judged as the record that it will become, at some place or other. */
function openMembers(bytes: Uint8Array): PendingMembers | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const record = parseCanonical(
      recordSchema,
      Buffer.from(canonicalJson({ ...value, ...anyPlace })),
      'a pending record',
    );
    if (isCeremonyRecord(record)) return undefined;
    const { v: _v, trail: _trail, seq: _seq, prev: _prev, recorder: _recorder, ...members } = record;
    return Buffer.compare(formatCanonicalFile(members), bytes) === 0 ? members : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isBreakglassError(error, 'FORMAT')) return undefined;
    throw error;
  }
}

function pendingNumber(name: string): number | undefined {
  return /^\d{8}\.json$/.test(name) ? Number.parseInt(name, 10) : undefined;
}

function setAsidePending(dir: string, name: string): string {
  const stem = name.slice(0, 8);
  const free = ['bad', ...Array.from({ length: 98 }, (_, index) => `bad${index + 2}`)]
    .map((suffix) => `${stem}.${suffix}`)
    .find((candidate) => !existsSync(join(dir, candidate)));
  if (free === undefined) throw damaged(join(dir, name), 'is not a record, and no name is free to set it aside');
  renameExclusive(join(dir, name), join(dir, free));
  return free;
}

function namesIn(dir: string): string[] {
  if (!existsSync(dir)) return [];
  try {
    return readdirSync(dir).sort();
  } catch (cause) {
    throw damaged(dir, 'is not a folder that can be read', cause);
  }
}
