import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatCanonicalFile, parseCanonicalFile } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
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
import { removeFile, replaceFile } from '../machine/files.ts';

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
/** What init makes in a state directory besides the journal. Anything else there is somebody else's. */
const made = ['trust', 'trail', 'pending', 'recorder.key', 'revocations.jws', 'high-water.json', 'media.json'];
/** What a crash leaves of replacing one of them. */
const temporary = /^(?:revocations\.jws|high-water\.json|media\.json|init\.json)\.[0-9a-f]{12}\.tmp$/;

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
  removeFile(join(stateDir, journalName));
}

/** Throws `EXISTS` for a state directory that holds what a deal would make: clearing the deal away would take that with it. */
export function refuseOccupied(stateDir: string): void {
  const found = readdirSync(stateDir).find((name) => made.includes(name));
  if (found === undefined) return;
  throw new BreakglassError('EXISTS', `the state directory ${stateDir} holds ${found} already`, {
    hint: 'name another directory with --state, or move what is there away. Nothing was written.',
  });
}

/** Clears away a deal that never became a trust: its share files and what lies in the state directory; the journal last. */
export function clearVoidDeal(stateDir: string, journal: InitJournal): void {
  for (const file of journal.shareFiles) rmSync(file, { force: true });
  for (const name of readdirSync(stateDir)) {
    if (made.includes(name) || temporary.test(name)) rmSync(join(stateDir, name), { recursive: true, force: true });
  }
  removeInitJournal(stateDir);
}
