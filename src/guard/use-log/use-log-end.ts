import { basename, dirname, join, parse } from 'node:path';
import { sha256Hex } from '../../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../../base/errors.ts';
import { verifyJws } from '../../base/jws.ts';
import type { PublicKey } from '../../key/public.ts';
import { openUseLine, type UseLine } from '../../use/use-line.ts';
import { useRecordMaxBytes } from '../../use/use-record.ts';
import type { LogDisk, LogHandle } from './use-log-disk.ts';

/** Bytes behind the last LF of a file. */
export interface TornTail {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Where a log stands: its last whole line, and what is torn behind it. */
export interface LogEnd {
  /** Null when there is no line yet. */
  readonly last: UseLine | null;
  /** The file in use; null when it is not there. `size` is up to its last LF, `firstSeq` null without a whole line. */
  readonly current: { readonly size: number; readonly firstSeq: number | null; readonly torn: TornTail | null } | null;
  /** Torn ends of files that were rotated away before a record could name them. */
  readonly unnamed: readonly TornTail[];
}

/**
 * Looks up where the chain of the log at `path` ends, and proves its last line by `key`. Throws `USE_LOG_INVALID` when that is not
 * a line of this key's log, and the system's errors.
 */
export async function findLogEnd(disk: LogDisk, path: string, key: PublicKey): Promise<LogEnd> {
  const current = (await disk.stat(path)) ? await examine(disk, path, key) : undefined;
  const unnamed: TornTail[] = [];
  let last = current?.last ?? null;
  const rotated = await rotatedFiles(disk, path);
  // While no whole line stands behind it, no record can have named what is torn.
  for (let index = rotated.length - 1; !last && index >= 0; index--) {
    const file = await examine(disk, rotated[index] ?? path, key);
    if (file.torn) unnamed.unshift(file.torn);
    last = file.last;
  }
  const shown = current && { size: current.size, firstSeq: current.firstSeq, torn: current.torn };
  return { last, current: shown ?? null, unnamed };
}

/** The paths of the files that were rotated away from `path`, the oldest first. */
export async function rotatedFiles(disk: LogDisk, path: string): Promise<readonly string[]> {
  const names = await disk.list(dirname(path));
  return names
    .flatMap((name) => {
      const place = rotatedPlace(path, name);
      return place ? [{ name, ...place }] : [];
    })
    .sort((a, b) => a.seq - b.seq || a.nth - b.nth)
    .map(({ name }) => join(dirname(path), name));
}

/** The seq in the name of a file that was rotated away from `path`, or undefined for another name. */
export function rotatedPlace(path: string, name: string): { readonly seq: number; readonly nth: number } | undefined {
  const { name: stem, ext } = parse(path);
  const middle =
    name.startsWith(`${stem}-`) && name.endsWith(ext) ? name.slice(stem.length + 1, name.length - ext.length) : '';
  const match = /^(\d{8})(?:\.([1-9]\d{0,5}))?$/.exec(middle);
  return match ? { seq: Number(match[1]), nth: Number(match[2] ?? 1) } : undefined;
}

/** Gives the file at `path` the name of one that was rotated away, never over a file. Returns the new path. */
export async function rotateAway(disk: LogDisk, path: string, seq: number): Promise<string> {
  const { dir, name, ext } = parse(path);
  const stem = join(dir, `${name}-${String(seq).padStart(8, '0')}`);
  for (let nth = 1; ; nth++) {
    const to = nth === 1 ? `${stem}${ext}` : `${stem}.${nth}${ext}`;
    if (await disk.stat(to)) continue;
    await disk.rename(path, to);
    await disk.flushFolderOf(to);
    return to;
  }
}

/** The first line of the log at `path`, of the oldest of its files that is still there. Nothing in it is proved. Throws `USE_LOG_INVALID`. */
export async function findFirstLine(disk: LogDisk, path: string): Promise<UseLine> {
  const [first = path] = await rotatedFiles(disk, path);
  const handle = await disk.open(first, 'read');
  try {
    return await firstLine(handle, first);
  } finally {
    await handle.close();
  }
}

interface Examined {
  readonly size: number;
  readonly firstSeq: number | null;
  readonly last: UseLine | null;
  readonly torn: TornTail | null;
}

async function examine(disk: LogDisk, path: string, key: PublicKey): Promise<Examined> {
  const handle = await disk.open(path, 'read');
  try {
    const { size } = await handle.facts();
    // A torn line and a whole one before it are in here, if it is a log at all.
    const start = Math.max(0, size - 2 * useRecordMaxBytes);
    const tail = await handle.read(start, size - start);
    const end = tail.lastIndexOf(0x0a) + 1;
    const torn = tail.subarray(end);
    if (torn.length > useRecordMaxBytes) throw invalid(path, 'its end is no line of a use log');
    const named = torn.length === 0 ? null : { file: basename(path), bytes: torn.length, sha256: sha256Hex(torn) };
    if (end === 0) return { size: 0, firstSeq: null, last: null, torn: named };
    const before = end > 1 ? tail.lastIndexOf(0x0a, end - 2) + 1 : 0;
    const last = prove(path, tail.subarray(before, end), key);
    return { size: start + end, firstSeq: (await firstLine(handle, path)).record.seq, last, torn: named };
  } finally {
    await handle.close();
  }
}

async function firstLine(handle: LogHandle, path: string): Promise<UseLine> {
  const head = await handle.read(0, useRecordMaxBytes);
  return openLine(path, head.subarray(0, head.indexOf(0x0a) + 1));
}

function prove(path: string, bytes: Uint8Array, key: PublicKey): UseLine {
  const line = openLine(path, bytes);
  if (line.jws.header.kid !== key.kid) throw invalid(path, 'another key than this guard’s signed its last line');
  if (!verifyJws(line.jws, key.key)) throw invalid(path, 'the signature of its last line is wrong');
  return line;
}

function openLine(path: string, bytes: Uint8Array): UseLine {
  try {
    return openUseLine(Uint8Array.from(bytes), `a line of ${path}`);
  } catch (cause) {
    throw isBreakglassError(cause) ? invalid(path, cause.message, cause) : cause;
  }
}

function invalid(path: string, why: string, cause?: unknown): BreakglassError {
  return new BreakglassError('USE_LOG_INVALID', `${path} cannot be gone on with: ${why}`, {
    hint: 'keep the file for the auditors: move it away with its rotated files, or give another path. Nothing was written to it.',
    cause,
  });
}
