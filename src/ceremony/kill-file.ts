import { join } from 'node:path';
import { isBreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import type { SigningKey } from '../key/derive.ts';
import { makePrivateDirectory, replaceFile, writeExclusive } from '../machine/files.ts';
import { readStateFile } from '../machine/state-file.ts';
import { preSignedDenial } from '../revocation/kill-file.ts';
import { mergeRevocations, readRevocations } from '../revocation/list.ts';
import { sealStatement } from '../revocation/statement.ts';
import type { Trust } from '../trust/trust-file.ts';

/** Where a kill file went: null when it could not be written anywhere. */
export interface KeptKill {
  readonly path: string | null;
  readonly warning: { readonly code: 'KILL_FILE'; readonly message: string } | null;
}

/** The statement that denies one family, signed before anybody has a token of it (docs/format.md §10). Returns its line without LF. */
export async function signKill(family: string, iat: Seconds, deny: SigningKey, trust: Trust): Promise<string> {
  return sealStatement({ v: 1, trust: trust.id, iat, deny: [preSignedDenial(family, iat)], allow: [] }, deny);
}

/**
 * Writes the line to the incident's kill file in `dir`, or else in `fallbackDir`. A file of good lines of this trust gets one more; any
 * other file is left alone and the next free name is taken. Nothing is thrown for a disk that fails: a missing kill file
 * is no reason to withhold a token (P10).
 */
export function keepKill(
  line: string,
  place: { readonly dir: string; readonly fallbackDir: string; readonly incident: string },
  trust: Trust,
): KeptKill {
  const { dir, fallbackDir, incident } = place;
  const first = attempt(() => writeKill(dir, incident, line, trust));
  if (first.path !== null) return { path: first.path, warning: null };
  const second = attempt(() => {
    makePrivateDirectory(fallbackDir);
    return writeKill(fallbackDir, incident, line, trust);
  });
  const rest =
    second.path === null
      ? `and neither in the state directory (${second.why}): a commander's key is what ends this access`
      : `it is ${second.path} instead`;
  return {
    path: second.path,
    warning: { code: 'KILL_FILE', message: `the kill file was not written (${first.why}), ${rest}` },
  };
}

/** A name that every file system takes: what is no letter or digit in an identifier is harmless, but for these two. */
function killFileName(incident: string, number: number): string {
  const stem = incident.replaceAll(/[/:]/g, '-');
  return number === 1 ? `${stem}.kill.jws` : `${stem}.kill.${number}.jws`;
}

const namesTried = 99;

function writeKill(dir: string, incident: string, line: string, trust: Trust): string {
  const bytes = Buffer.from(`${line}\n`);
  for (let number = 1; ; number++) {
    const path = join(dir, killFileName(incident, number));
    try {
      writeExclusive(path, bytes, { mode: 0o644 });
      return path;
    } catch (error) {
      if (!isBreakglassError(error, 'EXISTS') || number === namesTried) throw error;
    }
    const there = killsIn(path, trust);
    if (!there) continue;
    replaceFile(path, mergeRevocations(there, bytes), { mode: 0o644 });
    return path;
  }
}

/** The bytes of a file that holds good lines of this trust. Whatever else has the name stays what it is. */
function killsIn(path: string, trust: Trust): Uint8Array | undefined {
  try {
    const bytes = readStateFile(path);
    return bytes && readRevocations(bytes, trust).lines.length > 0 ? bytes : undefined;
  } catch (error) {
    if (isBreakglassError(error)) return undefined;
    throw error;
  }
}

function attempt(write: () => string): { readonly path: string | null; readonly why: string } {
  try {
    return { path: write(), why: '' };
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    return { path: null, why: error.message };
  }
}
