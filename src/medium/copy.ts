import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import {
  checkpointNameSize,
  cosignatureNameSize,
  isPemName,
  recordName,
  recordNameSeq,
  trustNameVersion,
} from '../trail/layout.ts';
import { openRecordFile, type RecordFile } from '../trail/record-file.ts';
import type { OpenMedium } from './medium.ts';
import { attemptOn, type LocalPlace, type Place } from './place.ts';

/** One copy of the trail as it lies on a medium or in the state directory: names and hashes, nothing believed yet. */
export interface TrailCopy {
  readonly place: OpenMedium | LocalPlace;
  /** SHA-256 of each record file by its sequence number. */
  readonly records: ReadonlyMap<number, string>;
  /** SHA-256 of each other file of a trail (trust versions, keys, checkpoints, cosignatures) by its name. */
  readonly sides: ReadonlyMap<string, string>;
  /** Every name in the folder. */
  readonly names: ReadonlySet<string>;
}

/** No file of a trail is as long as this, in bytes. */
const longestFile = 16 * 1024 * 1024;

/**
 * Reads a whole copy, file by file. Throws what reading it failed with, or `TRAIL_FOREIGN` when its first record is one of
 * another trust.
 */
export function readCopy(place: OpenMedium | LocalPlace, trustId: string): TrailCopy {
  const names = attemptOn(place.what, 'listing', () => place.folder.list());
  const records = new Map<number, string>();
  const sides = new Map<string, string>();
  for (const name of [...names].sort()) {
    const seq = recordNameSeq(name);
    if (seq !== undefined) records.set(seq, sha256Hex(readWhole(place, name)));
    else if (isSideName(name)) sides.set(name, sha256Hex(readWhole(place, name)));
  }
  const copy = { place, records, sides, names: new Set(names) };
  refuseForeign(copy, trustId);
  return copy;
}

/** Every byte of a file, which is read again and not kept: trails are long. */
export function readWhole(place: Place, name: string): Uint8Array {
  const bytes = attemptOn(place.what, `reading ${name}`, () => place.folder.readFile(name, longestFile + 1));
  if (bytes.length <= longestFile) return bytes;
  throw new BreakglassError('TRAIL_DAMAGED', `${place.what}: ${name} is longer than any file of a trail`, {
    hint: 'breakglass did not write it. Keep the stick as evidence and use another.',
  });
}

/** The record of a copy by its form, signatures unchecked; undefined when the file is none. */
export function openRecordOf(place: Place, seq: number): RecordFile | undefined {
  const name = recordName(seq);
  const bytes = readWhole(place, name);
  try {
    return openRecordFile(bytes, `record ${seq} on ${place.what}`);
  } catch (error) {
    if (isBreakglassError(error)) return undefined;
    throw error;
  }
}

function isSideName(name: string): boolean {
  return (
    trustNameVersion(name) !== undefined ||
    checkpointNameSize(name) !== undefined ||
    cosignatureNameSize(name) !== undefined ||
    isPemName(name)
  );
}

function refuseForeign({ place, records }: TrailCopy, trustId: string): void {
  const [first] = records.keys();
  const file = first === undefined ? undefined : openRecordOf(place, first);
  if (!file || file.record.trail === trustId) return;
  throw new BreakglassError('TRAIL_FOREIGN', `${place.what} holds the trail of another trust, ${file.record.trail}`, {
    hint: 'use a stick of this trust, or a blank one. Nothing was written to it.',
  });
}
