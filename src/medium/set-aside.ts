import { equalBytes } from '../base/bytes.ts';
import { setAsideName } from '../trail/layout.ts';
import { attemptOn, type Place } from './place.ts';

/**
 * Renames a file called `name` that holds other bytes to `.BAD` (`.BA2` …): what a run left that never came into force. With
 * nine of them it stays, and the append that follows says that the name is taken.
 */
export function setAsideOther({ what, folder }: Place, name: string, bytes: Uint8Array): void {
  const names = new Set(attemptOn(what, 'listing', () => folder.list()));
  if (!names.has(name)) return;
  const found = attemptOn(what, `reading ${name}`, () => folder.readFile(name, bytes.length + 1));
  if (equalBytes(found, bytes)) return;
  const withStem = (candidate: string) => `${name.slice(0, 8)}${candidate.slice(8)}`;
  const free = setAsideName(0, (candidate) => names.has(withStem(candidate)));
  if (free === undefined) return;
  attemptOn(what, `setting ${name} aside`, () => folder.renameExclusive(name, withStem(free)));
  attemptOn(what, 'flush of the folder', () => folder.sync());
}
