import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BreakglassError, systemErrorCode } from '../base/errors.ts';
import { isIdentifier } from '../base/text.ts';
import type { TrailCopy } from '../trail/in-step.ts';
import {
  checkpointNameSize,
  cosignatureNameSize,
  isPemName,
  isSetAsideName,
  mediumName,
  mediumRoot,
  readmeName,
  recordNameSeq,
  trailFolder,
  trustNameVersion,
} from '../trail/layout.ts';
import { readEntry, readLines, readRecords } from './source-reader.ts';

export interface NumberedFile {
  readonly name: string;
  /** The trust version, or how many records the checkpoint covers. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** One copy of a trail, for reading only: what is on it besides records, and the records in order as often as asked. */
export interface TrailSource extends TrailCopy {
  readonly path: string;
  readonly kind: 'medium' | 'folder' | 'file';
  /** The highest sequence number among the names of its records; null when it has none, or is one file. */
  readonly lastSeq: number | null;
  readonly trustFiles: readonly NumberedFile[];
  readonly checkpoints: readonly NumberedFile[];
  readonly cosignatures: readonly NumberedFile[];
  /** Names of files that were set aside: torn, or of the losing copy. */
  readonly setAside: readonly string[];
  /** Names that have no place in a trail. */
  readonly strangers: readonly string[];
  /** Files other than records that could not be read. */
  readonly problems: readonly string[];
}

/**
 * Opens what a person names: a medium (with BGTRAIL), a trail folder or a file of concatenated records. `trustId` chooses
 * among several trails of a medium. Throws `NOT_FOUND`, `TRAIL_MISSING`, `TRAIL_FOREIGN` or `IO`.
 */
export async function openTrailSource(
  path: string,
  options: { readonly trustId: string | null },
): Promise<TrailSource> {
  const found = await stat(path).catch((cause) => {
    throw failure('NOT_FOUND', `${path} cannot be found`, cause);
  });
  if (found.isFile()) return fileSource(path);
  if (!found.isDirectory()) throw failure('TRAIL_MISSING', `${path} is neither a directory nor a file`);
  const entries = await entriesIn(path);
  const root = entries.find(({ name }) => name === mediumRoot);
  if (root && !root.isDirectory()) throw failure('TRAIL_MISSING', `${mediumRoot} on ${path} is no folder`);
  if (root) return mediumSource(path, join(path, mediumRoot), options.trustId);
  const names = entries.map(({ name }) => name);
  if (names.includes(mediumName) || names.includes(readmeName)) return mediumSource(path, path, options.trustId);
  if (names.some(isTrailName)) return folderSource(path, { label: basename(resolve(path)), kind: 'folder', path });
  throw failure('TRAIL_MISSING', `${path} holds no trail`);
}

async function mediumSource(path: string, root: string, trustId: string | null): Promise<TrailSource> {
  const entries = await entriesIn(root);
  const folders = entries.filter((entry) => entry.isDirectory() && /^[0-9a-f]{8}$/.test(entry.name));
  const label = (await mediumLabel(root)) ?? basename(resolve(path));
  const [only] = folders;
  if (!only) throw failure('TRAIL_MISSING', `medium ${label} holds no trail`);
  if (trustId === null && folders.length > 1)
    throw failure('TRAIL_FOREIGN', `medium ${label} holds ${folders.length} trails: say with --trust which one`);
  const name = trustId === null ? only.name : trailFolder(trustId);
  if (!folders.some((folder) => folder.name === name))
    throw failure('TRAIL_FOREIGN', `medium ${label} holds another trail: ${only.name}, not ${name}`);
  const odd = entries.filter((entry) => !folders.includes(entry) && !isOrdinary(entry)).map((entry) => entry.name);
  return folderSource(join(root, name), { label, kind: 'medium', path, strangers: odd });
}

function isOrdinary(entry: Dirent): boolean {
  return entry.isFile() && (entry.name === readmeName || entry.name === mediumName);
}

async function folderSource(
  folder: string,
  about: Pick<TrailSource, 'label' | 'kind' | 'path'> & { readonly strangers?: readonly string[] },
): Promise<TrailSource> {
  const entries = await entriesIn(folder);
  // A link or a device under a record's name is a stranger: nothing outside the medium is ever read for it.
  const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const links = entries.filter((entry) => !entry.isFile()).map((entry) => entry.name);
  const sorted = names.sort();
  const problems: string[] = [];
  const recordNames = sorted.filter((name) => recordNameSeq(name) !== undefined);
  return {
    ...about,
    lastSeq: recordNameSeq(recordNames.at(-1) ?? '') ?? null,
    trustFiles: await readNumbered(folder, sorted, trustNameVersion, problems),
    checkpoints: await readNumbered(folder, sorted, checkpointNameSize, problems),
    cosignatures: await readNumbered(folder, sorted, cosignatureNameSize, problems),
    setAside: sorted.filter(isSetAsideName),
    strangers: [...(about.strangers ?? []), ...links, ...sorted.filter((name) => !isTrailName(name))],
    problems,
    records: () => readRecords(folder, recordNames),
  };
}

function fileSource(path: string): TrailSource {
  return {
    label: basename(path),
    path,
    kind: 'file',
    lastSeq: null,
    trustFiles: [],
    checkpoints: [],
    cosignatures: [],
    setAside: [],
    strangers: [],
    problems: [],
    records: () => readLines(path),
  };
}

function isTrailName(name: string): boolean {
  return (
    recordNameSeq(name) !== undefined ||
    trustNameVersion(name) !== undefined ||
    checkpointNameSize(name) !== undefined ||
    cosignatureNameSize(name) !== undefined ||
    isSetAsideName(name) ||
    isPemName(name)
  );
}

// Unsigned and only for people: whatever is in it, it names a medium in messages and nothing else.
async function mediumLabel(root: string): Promise<string | undefined> {
  const { bytes } = await readEntry(root, mediumName);
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes ?? []).toString('utf8'));
    const label = typeof value === 'object' && value !== null && 'label' in value ? value.label : undefined;
    return typeof label === 'string' && isIdentifier(label) ? label : undefined;
  } catch {
    return undefined;
  }
}

async function readNumbered(
  folder: string,
  names: readonly string[],
  numberOf: (name: string) => number | undefined,
  problems: string[],
): Promise<NumberedFile[]> {
  const files: NumberedFile[] = [];
  for (const name of names) {
    const number = numberOf(name);
    if (number === undefined) continue;
    const { bytes, problem } = await readEntry(folder, name);
    if (bytes) files.push({ name, number, bytes });
    else problems.push(`${name}: ${problem}`);
  }
  return files;
}

async function entriesIn(path: string): Promise<Dirent[]> {
  return readdir(path, { withFileTypes: true }).catch((cause) => {
    throw failure('IO', `${path} cannot be read (${systemErrorCode(cause) ?? 'unknown'})`, cause);
  });
}

function failure(
  code: 'NOT_FOUND' | 'TRAIL_MISSING' | 'TRAIL_FOREIGN' | 'IO',
  message: string,
  cause?: unknown,
): BreakglassError {
  return new BreakglassError(code, message, {
    hint: 'name a medium, its trail folder or a file of records. Nothing was judged or written.',
    cause,
  });
}
