import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { equalBytes } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { flushFile, ioError, readInput, replaceFile } from './files.ts';

/** Puts `bytes` in the place of the file at `path`, flushed, all at once. Throws `IO`. */
export type Replace = (path: string, bytes: Uint8Array) => void;

/** The one that writes to the disk, for all to read: the umask of whoever writes must not shut services out. */
export const replacePublic: Replace = (path, bytes) => {
  const umask = process.umask(0o022);
  try {
    replaceFile(path, bytes, { mode: 0o644 });
  } finally {
    process.umask(umask);
  }
};

/**
 * Makes the file at `path` hold `bytes`; when this returns they are flushed and were read back. `same`: it held them already.
 * At every moment readers see the old file or the new one. Throws `IO`, `BAD_INPUT` or `MEDIUM_READ_BACK`.
 */
export function putPublicFile(path: string, bytes: Uint8Array, replace: Replace): 'written' | 'same' {
  const maxBytes = bytes.length;
  if (holds(path, bytes, maxBytes)) {
    // It may have been written by a run that was killed before it flushed.
    flushFile(path);
    return 'same';
  }
  replace(targetOf(path), bytes);
  if (holds(path, bytes, maxBytes)) return 'written';
  throw new BreakglassError('MEDIUM_READ_BACK', `${path} reads back other bytes than were written`, {
    hint: 'the storage below it is not to be trusted. Use another place; what was confirmed elsewhere is safe.',
  });
}

/** The bytes of a public file, or undefined where none is. Throws `BAD_INPUT`. */
export function readPublicFile(path: string, { maxBytes }: { readonly maxBytes: number }): Uint8Array | undefined {
  return existsSync(path) ? readInput(path, { what: 'the file', maxBytes }) : undefined;
}

/** A link stays one: what it leads to is replaced. */
export function targetOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}

/** Makes a folder that a ceremony is to publish to, with its parents. Throws `IO`. */
export function makePublicFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (cause) {
    throw ioError(dir, 'was not made', cause);
  }
}

/** Throws `NOT_FOUND`: a folder is never made, for where a stick is not mounted it would be made beside it. */
export function requireFolder(dir: string): void {
  if (existsSync(dir) && statSync(dir).isDirectory()) return;
  throw new BreakglassError('NOT_FOUND', `there is no folder ${dir}`, {
    hint: 'mount it, or check the path. Nothing was written there.',
  });
}

function holds(path: string, bytes: Uint8Array, maxBytes: number): boolean {
  if (!existsSync(path) || statSync(path).size !== maxBytes) return false;
  const there = readPublicFile(path, { maxBytes });
  return there !== undefined && equalBytes(there, bytes);
}
