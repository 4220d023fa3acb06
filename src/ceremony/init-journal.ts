import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatCanonicalFile, parseCanonicalFile } from '../base/canonical.ts';
import {
  array,
  filePath,
  identifier,
  literal,
  object,
  oneOf,
  randomId,
  type Shape,
  setIdentifier,
  time,
} from '../base/schema.ts';
import { replaceFile, syncDirectory } from '../machine/files.ts';

const journalSchema = object({
  v: literal(1),
  phase: oneOf(['dealing', 'writing']),
  startedAt: time,
  setId: setIdentifier,
  outDir: filePath,
  /** Share files of this deal that exist or may exist. */
  shareFiles: array(filePath),
  media: array(object({ path: filePath, label: identifier, medium: randomId })),
});

/** What an interrupted init leaves in the state directory (docs/ceremony.md): nothing secret. */
export type InitJournal = Shape<typeof journalSchema>;

const journalName = 'init.json';
/** What verifiers keep in the same directory is none of init's business. */
const kept = [journalName, 'lock', 'pinned.jws', 'seen'];

/** The journal of an unfinished init in `stateDir`, or undefined. */
export function readInitJournal(stateDir: string): InitJournal | undefined {
  const file = join(stateDir, journalName);
  if (!existsSync(file)) return undefined;
  return parseCanonicalFile(journalSchema, readFileSync(file), 'the journal of an unfinished init');
}

export function writeInitJournal(stateDir: string, journal: InitJournal): void {
  replaceFile(join(stateDir, journalName), formatCanonicalFile(journal), { mode: 0o600 });
}

export function removeInitJournal(stateDir: string): void {
  rmSync(join(stateDir, journalName));
  syncDirectory(stateDir);
}

/** Clears away a deal that never became a trust: its share files and what lies in the state directory; the journal last. */
export function clearVoidDeal(stateDir: string, journal: InitJournal): void {
  for (const file of journal.shareFiles) rmSync(file, { force: true });
  for (const name of readdirSync(stateDir)) {
    if (!kept.includes(name)) rmSync(join(stateDir, name), { recursive: true, force: true });
  }
  removeInitJournal(stateDir);
}
