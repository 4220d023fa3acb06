import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatCanonicalFile } from '../base/canonical.ts';
import { array, filePath, literal, object, type Shape, setIdentifier, time } from '../base/schema.ts';
import { removeFile, replaceFile } from '../machine/files.ts';
import { readStateJson } from '../machine/state-file.ts';

const dealingSchema = object({
  v: literal(1),
  startedAt: time,
  setId: setIdentifier,
  /** Share files of this deal that exist or may exist. */
  shareFiles: array(filePath),
});

/** What an interrupted re-deal leaves in the state directory: nothing secret. */
export type Dealing = Shape<typeof dealingSchema>;

const dealingName = 'dealing.json';

export function readDealing(stateDir: string): Dealing | undefined {
  return readStateJson(join(stateDir, dealingName), dealingSchema);
}

export function writeDealing(stateDir: string, dealing: Dealing): void {
  replaceFile(join(stateDir, dealingName), formatCanonicalFile(dealing), { mode: 0o600 });
}

/** The dealing is over: its cards are the cards now. */
export function endDealing(stateDir: string): void {
  removeFile(join(stateDir, dealingName));
}

/** Clears away a deal that never came into force; its journal last. */
export function clearVoidCards(stateDir: string, dealing: Dealing): void {
  for (const file of dealing.shareFiles) if (existsSync(file)) removeFile(file);
  endDealing(stateDir);
}
