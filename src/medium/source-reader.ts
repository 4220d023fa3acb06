import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import type { TrailEntry } from '../trail/in-step.ts';
import { recordNameSeq } from '../trail/layout.ts';
import { recordMaxBytes } from '../trail/record.ts';

/** How many files are being read while one is judged. */
const readAhead = 8;

/** The files of a folder in the order of `names`, a few of them read ahead. */
export async function* readRecords(folder: string, names: readonly string[]): AsyncIterable<TrailEntry> {
  const ahead: Promise<TrailEntry>[] = [];
  for (const name of names) {
    ahead.push(readEntry(folder, name));
    if (ahead.length < readAhead) continue;
    const next = await ahead.shift();
    if (next) yield next;
  }
  for (const next of ahead) yield await next;
}

/** One file, or why it cannot be read; links, pipes and devices are not. */
export async function readEntry(folder: string, name: string): Promise<TrailEntry> {
  const seq = recordNameSeq(name) ?? null;
  try {
    return { name, seq, bytes: await readBounded(join(folder, name)), problem: null };
  } catch (cause) {
    return { name, seq, bytes: null, problem: `it cannot be read (${systemErrorCode(cause) ?? 'no plain file'})` };
  }
}

// One byte more than a record may have is enough to see that it is too long; O_NONBLOCK keeps a planted pipe from hanging us.
async function readBounded(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new TypeError('no plain file');
    const bytes = Buffer.alloc(Math.min(found.size, recordMaxBytes + 1));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await file.close();
  }
}

const chunkBytes = 1024 * 1024;

/** The lines of a file, LF included. Of a line longer than a record may be, only its beginning is kept. */
export async function* readLines(path: string): AsyncIterable<TrailEntry> {
  const file = await open(path, constants.O_RDONLY);
  try {
    let begun: Buffer = Buffer.alloc(0);
    for await (const chunk of chunksOf(file)) {
      let from = 0;
      for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
        yield line(
          begun.length > 0 ? Buffer.concat([begun, chunk.subarray(from, end + 1)]) : chunk.subarray(from, end + 1),
        );
        begun = Buffer.alloc(0);
        from = end + 1;
      }
      begun = Buffer.concat([begun, chunk.subarray(from)]).subarray(0, recordMaxBytes + 1);
    }
    if (begun.length > 0) yield line(begun);
  } catch (cause) {
    yield { name: null, seq: null, bytes: null, problem: `it cannot be read (${systemErrorCode(cause) ?? 'unknown'})` };
  } finally {
    await file.close();
  }
}

async function* chunksOf(file: FileHandle): AsyncIterable<Buffer> {
  for (;;) {
    const chunk = Buffer.allocUnsafeSlow(chunkBytes);
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, null);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

function line(bytes: Uint8Array): TrailEntry {
  return { name: null, seq: null, bytes, problem: null };
}
