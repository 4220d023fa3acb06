import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BreakglassError, systemErrorCode } from '../base/errors.ts';
import type { UseLogFile } from '../use/use-chain.ts';
import { patiently } from './descriptor.ts';

const pieceBytes = 256 * 1024;

/** The files of use logs that a person names; of a folder, every `*.jws` in it. Throws `NOT_FOUND` or `BAD_INPUT`. */
export function useLogFiles(paths: readonly string[]): UseLogFile[] {
  return paths.flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found)
      throw new BreakglassError('NOT_FOUND', `there is no use log at ${path}`, {
        hint: 'check the path. Nothing was judged.',
      });
    if (!found.isDirectory()) return [onDisk(path)];
    const names = readdirSync(path).filter((name) => name.endsWith('.jws'));
    return names.sort().map((name) => onDisk(join(path, name)));
  });
}

function onDisk(path: string): UseLogFile {
  // Told now, and not in the middle of a judgement.
  closeSync(openPlain(path));
  return { name: path, read: (position) => pieces(path, position) };
}

function* pieces(path: string, from: number): Generator<Uint8Array> {
  const descriptor = openPlain(path);
  try {
    for (let position = from; ; ) {
      const piece = Buffer.allocUnsafe(pieceBytes);
      const count = readPiece(descriptor, piece, position, path);
      if (count === 0) return;
      position += count;
      yield piece.subarray(0, count);
    }
  } finally {
    closeSync(descriptor);
  }
}

function readPiece(descriptor: number, piece: Buffer, position: number, path: string): number {
  try {
    return patiently(() => readSync(descriptor, piece, 0, piece.length, position));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

// O_NONBLOCK keeps a planted pipe from hanging us.
function openPlain(path: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw unreadable(path, undefined);
}

function unreadable(path: string, cause: unknown): BreakglassError {
  const why = cause === undefined ? 'is no file' : `cannot be read (${systemErrorCode(cause)})`;
  return new BreakglassError('BAD_INPUT', `the use log ${path} ${why}`, {
    hint: 'give a copy that can be read. Nothing was judged.',
    cause,
  });
}
