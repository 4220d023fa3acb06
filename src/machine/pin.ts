import { join } from 'node:path';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { mergeRevocations } from '../revocation/list.ts';
import { acceptTrust, openTrust, type Trust } from '../trust/trust-file.ts';
import { makePrivateDirectory, replaceFile } from './files.ts';
import { lockState } from './lock.ts';
import { damaged, readStateFile } from './state-file.ts';

/** The trust that `trust pin` was told to believe, or undefined. Throws `STATE_DAMAGED`. */
export function readPin(dir: string): Trust | undefined {
  const path = join(dir, 'pinned.jws');
  const bytes = readStateFile(path);
  try {
    return bytes && openTrust(bytes);
  } catch (cause) {
    throw damaged(path, 'is not a trust file', cause);
  }
}

/** Pins a trust, or a newer version of the pinned one. Throws `TRUST_OTHER`, `TRUST_OLDER` or `TRUST_INVALID`. */
export function writePin(dir: string, trust: Trust): void {
  const path = join(dir, 'pinned.jws');
  remember(dir, () => {
    const pinned = readPin(dir);
    if (pinned) acceptOver(pinned, trust, path);
    replaceFile(path, trust.bytes, { mode: 0o600 });
  });
}

/** The statement lines that this verifier ever accepted for a trust: denials are never forgotten (docs/format.md §10). */
export function readSeen(dir: string, trustId: string): Uint8Array {
  return readStateFile(seenPath(dir, trustId)) ?? new Uint8Array(0);
}

/** Adds lines to those seen; `lines` holds only accepted ones, each ended by LF. Returns all of them. */
export function addSeen(dir: string, trustId: string, lines: Uint8Array): Uint8Array {
  const seen = readSeen(dir, trustId);
  if (mergeRevocations(seen, lines).length === seen.length) return seen;
  return remember(dir, () => {
    const all = mergeRevocations(readSeen(dir, trustId), lines);
    replaceFile(seenPath(dir, trustId), all, { mode: 0o600 });
    return all;
  });
}

function seenPath(dir: string, trustId: string): string {
  return join(dir, 'seen', `${trustId.slice(0, 8)}.jws`);
}

// Two verifiers at once must not lose what the other one adds. Not the lock of ceremonies: those may verify too.
function remember<T>(dir: string, change: () => T): T {
  makePrivateDirectory(dir);
  const lock = lockState(join(dir, 'seen'), { waitMilliseconds: 5000 });
  try {
    return change();
  } finally {
    lock.release();
  }
}

function acceptOver(pinned: Trust, trust: Trust, path: string): void {
  try {
    acceptTrust(pinned, trust);
  } catch (cause) {
    if (!isBreakglassError(cause, 'TRUST_OTHER')) throw cause;
    throw new BreakglassError('TRUST_OTHER', cause.message, {
      hint: `one trust is pinned at a time. To believe the other one from now on, remove ${path} first. The pin is unchanged.`,
      cause,
    });
  }
}
