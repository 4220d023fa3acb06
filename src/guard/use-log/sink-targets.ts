import { basename, dirname } from 'node:path';
import { isBreakglassError } from '../../base/errors.ts';
import type { PublicKey } from '../../key/public.ts';
import { openUseLine } from '../../use/use-line.ts';
import { LineFile, type SealedLine } from './line-file.ts';
import type { SinkTarget } from './second-sink.ts';
import type { LogDisk } from './use-log-disk.ts';
import { findLogEnd, rotatedFiles, rotatedPlace } from './use-log-end.ts';

export interface PathTargetOptions {
  readonly disk: LogDisk;
  readonly path: string;
  readonly maxBytes: number;
  readonly trail: string;
  readonly key: PublicKey;
}

/** A second file: it goes on behind the last line that it has, and is rotated like the first one. */
export async function pathTarget({ disk, path, maxBytes, trail, key }: PathTargetOptions): Promise<SinkTarget> {
  const end = await findLogEnd(disk, path, key);
  const file = new LineFile(disk, path, maxBytes, end.current);
  let next = end.last?.record.trail === trail ? end.last.record.seq + 1 : 0;
  return {
    get next() {
      return next;
    },
    deliver: async (lines) => {
      // Lines of a flush that failed are simply brought again.
      if (file.mustSettle) await file.settle(next);
      await file.append(lines);
      next = (lines.at(-1)?.seq ?? next - 1) + 1;
    },
    close: () => file.close(),
  };
}

/** A callback, which gets each line once, and again when it has failed. What it got from processes before this one is not known. */
export function callbackTarget(deliver: (line: Uint8Array) => void | Promise<void>, first: number): SinkTarget {
  let next = first;
  return {
    get next() {
      return next;
    },
    deliver: async (lines) => {
      for (const { seq, bytes } of lines) {
        if (seq < next) continue;
        await deliver(bytes);
        next = seq + 1;
      }
    },
    close: async () => {},
  };
}

const pieceBytes = 256 * 1024;

/** The lines of the log at `path` from a place on, read from its files, a few at a time. A line that is in two files comes once. */
export async function* linesFrom(
  disk: LogDisk,
  path: string,
  trail: string,
  seq: number,
): AsyncGenerator<readonly SealedLine[]> {
  let next = seq;
  for (const file of await filesFrom(disk, path, seq)) {
    for await (const lines of linesOfFile(disk, file)) {
      const fresh: SealedLine[] = [];
      for (const bytes of lines) {
        const line = openOurs(bytes, trail);
        if (!line || line.seq < next) continue;
        fresh.push(line);
        next = line.seq + 1;
      }
      if (fresh.length > 0) yield fresh;
    }
  }
}

async function filesFrom(disk: LogDisk, path: string, seq: number): Promise<readonly string[]> {
  const rotated = await rotatedFiles(disk, path);
  const first = rotated.findLastIndex((file) => (rotatedPlace(path, basename(file))?.seq ?? 0) <= seq);
  const current = (await disk.list(dirname(path))).includes(basename(path)) ? [path] : [];
  return [...rotated.slice(Math.max(0, first)), ...current];
}

async function* linesOfFile(disk: LogDisk, path: string): AsyncGenerator<readonly Uint8Array[]> {
  const handle = await disk.open(path, 'read');
  try {
    let held: Uint8Array = new Uint8Array(0);
    for (let position = 0; ; ) {
      const piece = await handle.read(position, pieceBytes);
      if (piece.length === 0) return;
      position += piece.length;
      const bytes = Buffer.concat([held, piece]);
      const lines: Uint8Array[] = [];
      let from = 0;
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
        lines.push(Uint8Array.from(bytes.subarray(from, end + 1)));
        from = end + 1;
      }
      held = bytes.subarray(from);
      yield lines;
    }
  } finally {
    await handle.close();
  }
}

function openOurs(bytes: Uint8Array, trail: string): SealedLine | undefined {
  try {
    const { record } = openUseLine(bytes, 'a line of the use log');
    return record.trail === trail ? { seq: record.seq, bytes } : undefined;
  } catch (error) {
    if (isBreakglassError(error)) return undefined;
    throw error;
  }
}
