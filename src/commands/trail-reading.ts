import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { openTrailSources, type ReadTrail, stateReading, type TrailReading } from '../ceremony/trail-sources.ts';
import { readInput } from '../machine/files.ts';
import { openState } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { openTrust, type Trust } from '../trust/trust-file.ts';
import type { CommandIo } from './io.ts';
import { loadTrust } from './load-trust.ts';

const trustMaxBytes = 4 * 1024 * 1024;

/** Copies of a trail that a person names, or the one of this machine. */
export async function trailReading(
  paths: readonly string[],
  { trust: file, state }: { readonly trust?: string; readonly state?: string },
  io: CommandIo,
): Promise<TrailReading> {
  if (paths.length === 0) return stateReading(openState(resolve(state ?? defaultStateDir(io.env))));
  const trust = await loadTrust(file, state, io).catch((error: unknown) => {
    if (file === undefined && isBreakglassError(error, 'TRUST_MISSING')) return undefined;
    throw error;
  });
  return { sources: await openTrailSources(paths, trust?.id ?? null), trustFiles: [], trust };
}

/**
 * Trust versions of any origin: files, which are believed, and folders, of which only what follows from version 1 by signatures
 * counts; without either, those of this machine or the pinned one.
 */
export async function trustReading(
  paths: readonly string[],
  state: string | undefined,
  io: CommandIo,
): Promise<TrailReading> {
  if (paths.length === 0) return ownReading(state, io);
  const folders = paths.filter(isFolder);
  const files = paths.filter((path) => !folders.includes(path));
  const named = files.map((path) => openTrust(readInput(path, { what: 'the trust file', maxBytes: trustMaxBytes })));
  const trust = newestOf(named);
  const sources = await openTrailSources(folders, trust?.id ?? null);
  return { sources, trustFiles: named.map(({ bytes }) => bytes), trust };
}

async function ownReading(state: string | undefined, io: CommandIo): Promise<TrailReading> {
  try {
    return await stateReading(openState(resolve(state ?? defaultStateDir(io.env))));
  } catch (error) {
    if (!isBreakglassError(error, 'STATE_MISSING') || state !== undefined) throw error;
    return { sources: [], trustFiles: [], trust: await loadTrust(undefined, undefined, io) };
  }
}

function newestOf(named: readonly Trust[]): Trust | undefined {
  const [newest] = [...named].sort((a, b) => b.payload.version - a.payload.version);
  const other = named.find(({ id }) => id !== newest?.id);
  if (!newest || !other) return newest;
  throw new BreakglassError('TRUST_OTHER', 'the trust files are of more than one trust', {
    hint: 'give those of one trust. Nothing was judged.',
  });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Says what makes doubtful what the trail says: at most a few, `audit-check` has all. */
export function noteDoubts({ doubts }: Pick<ReadTrail, 'doubts'>, io: CommandIo): void {
  const shown = 3;
  for (const { code, message } of doubts.slice(0, shown)) io.note(`warning: ${code}: ${message}`);
  if (doubts.length > shown) io.note(`warning: and ${doubts.length - shown} more: breakglass audit-check has them all`);
}
