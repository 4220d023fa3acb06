import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { BreakglassError, systemErrorCode } from '../base/errors.ts';
import { ioError, patiently, writeAll } from './descriptor.ts';
import { asBadInput, badInput, InputBytes, type InputOptions } from './input-bytes.ts';

export { ioError, pause, writeOut } from './descriptor.ts';

export type FileMode = 0o600 | 0o644;

/**
 * Makes a new file and returns after file and folder are flushed. Throws `EXISTS` if anything is at `path`, and `IO` after
 * removing what it began: a file is there whole or not at all.
 */
export function writeExclusive(path: string, bytes: Uint8Array, options: { readonly mode: FileMode }): void {
  writeFlushed(path, bytes, options.mode);
  try {
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(path, { force: true });
    throw ioError(path, 'was not written', cause);
  }
}

/** Puts `bytes` in the place of a file, or makes it: at every moment the whole old one or the whole new one is there. */
export function replaceFile(path: string, bytes: Uint8Array, options: { readonly mode: FileMode }): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  // The bytes are flushed before the rename, so that the name never leads to half of them; the folder once, after it.
  writeFlushed(temporary, bytes, options.mode);
  try {
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw ioError(path, 'was not replaced', cause);
  }
}

/** Makes a folder of mode 0700 with its parents, and flushes the folder it stands in. One that is there is left as it is. */
export function makePrivateDirectory(path: string): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    syncDirectory(dirname(path));
  } catch (cause) {
    throw ioError(path, 'was not made', cause);
  }
}

/** Renames within one folder, never over a file. Throws `EXISTS` or `IO`. */
export function renameExclusive(from: string, to: string): void {
  if (existsSync(to)) throw exists(to);
  try {
    renameSync(from, to);
    syncDirectory(dirname(to));
  } catch (cause) {
    throw ioError(from, 'was not renamed', cause);
  }
}

/** Flushes a file that is there, and its folder. Throws `IO`. */
export function flushFile(path: string): void {
  try {
    const descriptor = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    syncDirectory(dirname(path));
  } catch (cause) {
    throw ioError(path, 'was not flushed', cause);
  }
}

/** Removes a file, one that is gone already too, and returns after its folder is flushed. Throws `IO`. */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
    syncDirectory(dirname(path));
  } catch (cause) {
    throw ioError(path, 'was not removed', cause);
  }
}

/**
 * All bytes of a file that a person named; `-` is descriptor 0. They may be a secret: no second copy of them is left.
 * Throws `NOT_FOUND`, or `BAD_INPUT` for a folder, a file that cannot be read and one longer than `maxBytes`.
 */
export function readInput(path: string, options: InputOptions): Uint8Array {
  if (path === '-') return readDescriptor(0, { ...options, what: `${options.what} on standard input` });
  const descriptor = openInput(path, options.what);
  try {
    return readDescriptor(descriptor, { ...options, what: `${options.what} ${path}` });
  } finally {
    closeSync(descriptor);
  }
}

/** All bytes that an open descriptor gives; it may block. Throws `BAD_INPUT`. */
export function readDescriptor(descriptor: number, options: InputOptions): Uint8Array {
  const input = new InputBytes(options);
  try {
    if (fstatSync(descriptor).isDirectory()) throw badInput(options.what, 'is a folder, not a file');
    while (input.take(readPatiently(descriptor, input.room)) === 'more');
    return input.whole();
  } catch (cause) {
    throw asBadInput(options.what, cause);
  } finally {
    input.wipe();
  }
}

/** A new file with all of `bytes` on the disk, under a name that a power cut may still lose. */
function writeFlushed(path: string, bytes: Uint8Array, mode: FileMode): void {
  const descriptor = createFile(path, mode);
  try {
    try {
      writeAll(descriptor, bytes);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    rmSync(path, { force: true });
    throw ioError(path, 'was not written', cause);
  }
}

function createFile(path: string, mode: FileMode): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  } catch (cause) {
    throw systemErrorCode(cause) === 'EEXIST' ? exists(path, cause) : ioError(path, 'was not written', cause);
  }
}

function openInput(path: string, what: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (cause) {
    const code = systemErrorCode(cause);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw badInput(`${what} ${path}`, 'cannot be read', cause);
    throw new BreakglassError('NOT_FOUND', `${what} was not found at ${path}`, {
      hint: 'check the path. Nothing was done.',
      cause,
    });
  }
}

function readPatiently(descriptor: number, into: Uint8Array): number {
  try {
    return patiently(() => readSync(descriptor, into, 0, into.length, null));
  } catch (error) {
    // What Node.js makes of a terminal or pipe whose other end is closed.
    if (systemErrorCode(error) === 'EOF') return 0;
    throw error;
  }
}

/** Flushes a folder: what was made, renamed or removed in it stays so. */
function syncDirectory(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } catch (error) {
    // A file system that cannot flush folders says so; one that failed to do it says EIO.
    if (systemErrorCode(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(descriptor);
  }
}

function exists(path: string, cause?: unknown): BreakglassError {
  return new BreakglassError('EXISTS', `${path} exists already and was not overwritten`, {
    hint: 'name another file, or move this one away. Nothing was written.',
    cause,
  });
}
