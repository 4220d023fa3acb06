import { existsSync, mkdirSync, realpathSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { equalBytes } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError, systemErrorCode } from '../base/errors.ts';
import { mergeRevocations } from '../revocation/list.ts';
import { ioError, pause, readInput, replaceFile } from './files.ts';
import { type Lock, lockState } from './lock.ts';

/** A million denials take about 400 MiB. */
const listMaxBytes = 1024 * 1024 * 1024;
const lockPatienceMilliseconds = 15_000;
/** How long a folder that comes and goes is tried. */
const folderPatienceMilliseconds = 3000;

/** The bytes of a list of statements; none where there is no file yet. Throws `BAD_INPUT`, or `NOT_FOUND` without its folder. */
export function readRevocationsFile(path: string): Uint8Array {
  if (!existsSync(path)) {
    requireFolder(dirname(path));
    return new Uint8Array(0);
  }
  return readInput(path, { what: 'the revocation list', maxBytes: listMaxBytes });
}

/**
 * Adds lines to the list at `path`, or begins it, and returns the union: what is there stays, even what nobody understands.
 * At every moment readers see the old list or the new one; when this returns, the new one was flushed and read back. Two
 * processes of this machine at once lose nothing. Throws `IO`, `NOT_FOUND`, `BAD_INPUT`, `STATE_BUSY` or `MEDIUM_READ_BACK`.
 */
export function mergeIntoFile(path: string, lines: Uint8Array): Uint8Array {
  requireFolder(dirname(path));
  // A link stays one: what it leads to is replaced.
  const target = existsSync(path) ? realpathSync(path) : path;
  const lock = lockFile(target);
  try {
    const there = readRevocationsFile(target);
    const union = mergeRevocations(there, lines);
    if (existsSync(target) && equalBytes(there, union)) return union;
    replacePublic(target, union);
    if (equalBytes(readRevocationsFile(target), union)) return union;
    throw new BreakglassError('MEDIUM_READ_BACK', `${path} reads back other bytes than were written`, {
      hint: 'the storage below it is not to be trusted. Use another place; the statements are safe where others were confirmed.',
    });
  } finally {
    lock.release();
  }
}

// Services read it under accounts of their own: the umask of whoever writes must not shut them out.
function replacePublic(path: string, bytes: Uint8Array): void {
  const umask = process.umask(0o022);
  try {
    replaceFile(path, bytes, { mode: 0o644 });
  } finally {
    process.umask(umask);
  }
}

/**
 * The claim on a list stands in a folder beside it, which goes away with the last claim: the next one may be made by another
 * account of this machine, which could not enter it.
 */
function lockFile(path: string): Lock {
  const dir = `${path}.lock`;
  const deadline = performance.now() + folderPatienceMilliseconds;
  for (;;) {
    makeFolder(dir);
    try {
      const lock = lockState(dir, { waitMilliseconds: lockPatienceMilliseconds });
      return {
        release: () => {
          lock.release();
          removeIfEmpty(join(dir, 'lock'));
          removeIfEmpty(dir);
        },
      };
    } catch (error) {
      if (!passes(error, dir) || performance.now() > deadline) throw named(error, path);
      pause(5 + Math.random() * 20);
    }
  }
}

// Not with its parents, which are there: on a file system that takes no folders, /proc say, Node would look for them for ever.
function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (cause) {
    if (systemErrorCode(cause) !== 'EEXIST') throw ioError(dir, 'was not made', cause);
  }
}

// The folder went away between two steps of a claim, or is another account's for the moment that it holds it.
function passes(error: unknown, dir: string): boolean {
  if (isBreakglassError(error, 'STATE_BUSY')) return false;
  const code = systemErrorCode(isBreakglassError(error) ? error.cause : error);
  return code === 'ENOENT' || (code === 'EACCES' && existsSync(dir));
}

function named(error: unknown, path: string): unknown {
  if (!isBreakglassError(error, 'STATE_BUSY')) return error;
  return new BreakglassError('STATE_BUSY', `${path} is being written by another process and was not changed`, {
    hint: `run the same command again. Nothing was lost; if no breakglass runs, remove ${path}.lock.`,
    cause: error,
  });
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Somebody else claims it, or has removed it already.
  }
}

function requireFolder(dir: string): void {
  if (existsSync(dir) && statSync(dir).isDirectory()) return;
  throw new BreakglassError('NOT_FOUND', `there is no folder ${dir}`, {
    hint: 'mount it, or check the path. Nothing was written there.',
  });
}
