import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { parseCanonicalFile } from '../base/canonical.ts';
import { BreakglassError, isBreakglassError, systemErrorCode } from '../base/errors.ts';
import type { Schema } from '../base/schema.ts';
import { ioError, readDescriptor } from './files.ts';

/** No file of the state directory is longer: a million denials take about 700 MiB, everything else a few KiB. */
const stateFileMaxBytes = 1024 * 1024 * 1024;

/**
 * The bytes of a file of the state directory, or undefined when it is not there. With `secret`, one that others than its
 * owner may read is refused. Throws `STATE_DAMAGED` or `STATE_EXPOSED`; a symbolic link is not followed.
 */
export function readStateFile(path: string, content: 'secret' | 'public' = 'public'): Uint8Array | undefined {
  const descriptor = openStateFile(path);
  if (descriptor === undefined) return undefined;
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile()) throw damaged(path, 'is not a file');
    if (content === 'secret') refuseExposed(path, facts.mode);
    return readDescriptor(descriptor, { what: path, maxBytes: stateFileMaxBytes });
  } catch (cause) {
    throw isBreakglassError(cause, 'BAD_INPUT') ? damaged(path, 'cannot be read', cause) : cause;
  } finally {
    closeSync(descriptor);
  }
}

/** The same for one that is public and may be large: others get their turn while it is read. */
export async function readLargeStateFile(path: string): Promise<Uint8Array | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, readingFlags);
  } catch (cause) {
    return missingOrThrow(path, cause);
  }
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw damaged(path, 'is not a file');
    if (facts.size > stateFileMaxBytes) throw damaged(path, 'is too long');
    return await file.readFile();
  } catch (cause) {
    throw isBreakglassError(cause) ? cause : damaged(path, 'cannot be read', cause);
  } finally {
    await file.close();
  }
}

/** The same for a file of canonical JSON. */
export function readStateJson<T>(path: string, schema: Schema<T>): T | undefined {
  const bytes = readStateFile(path);
  if (!bytes) return undefined;
  try {
    return parseCanonicalFile(schema, bytes, path);
  } catch (cause) {
    throw damaged(path, 'is not in the format', cause);
  }
}

export function damaged(path: string, why: string, cause?: unknown): BreakglassError {
  return new BreakglassError('STATE_DAMAGED', `${path} ${why}`, {
    hint: 'copy this file back from a backup of the state directory; T0000001.TXT and the like stand on every medium too. Nothing was done.',
    cause,
  });
}

const readingFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openStateFile(path: string): number | undefined {
  try {
    return openSync(path, readingFlags);
  } catch (cause) {
    return missingOrThrow(path, cause);
  }
}

function missingOrThrow(path: string, cause: unknown): undefined {
  const code = systemErrorCode(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  if (code === 'ELOOP') throw damaged(path, 'is a symbolic link', cause);
  throw ioError(path, 'was not read', cause);
}

function refuseExposed(path: string, mode: number): void {
  if ((mode & 0o077) === 0) return;
  throw new BreakglassError('STATE_EXPOSED', `others than its owner may read ${path}`, {
    hint: `run: chmod 600 ${path}. On a FAT stick mount with umask=077. Who has read it could forge records of this machine, not tokens. Nothing was done.`,
  });
}
