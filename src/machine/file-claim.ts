import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { BreakglassError, isBreakglassError, systemErrorCode } from '../base/errors.ts';
import { ioError, pause } from './files.ts';
import { type Lock, lockState } from './lock.ts';

const lockPatienceMilliseconds = 15_000;
/** How long a folder that comes and goes is tried. */
const folderPatienceMilliseconds = 3000;

/**
 * Claims a file that more than one process of this machine may replace, to hold while it is read and written. The claim stands
 * in a folder beside it, which goes away with the last claim: the next one may be made by another account of this machine,
 * which could not enter it. Throws `STATE_BUSY` or `IO`.
 */
export function claimFile(path: string): Lock {
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
