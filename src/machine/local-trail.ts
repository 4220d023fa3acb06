import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '../base/bytes.ts';
import { flushFile, renameExclusive, writeExclusive } from './files.ts';
import { damaged, readStateFile } from './state-file.ts';

/**
 * Adds one file to the local copy of the trail, under its name on the media, and flushes it. The same bytes may be there
 * already; another file of that name is set aside first, and the name it then has is returned.
 */
export function appendLocal(dir: string, name: string, bytes: Uint8Array): string | undefined {
  if (!/^[0-9A-Z]{1,8}\.[0-9A-Z]{1,3}$/.test(name)) throw new TypeError('not a name of a file on a medium');
  const path = join(dir, name);
  const there = readStateFile(path);
  if (there && equalBytes(there, bytes)) {
    // It may have been written by a run that was killed before it flushed.
    flushFile(path);
    return undefined;
  }
  const aside = there && setAside(dir, name);
  writeExclusive(path, bytes, { mode: 0o600 });
  return aside;
}

/** Named like what is set aside on a medium (docs/format.md §9), for every kind of file. */
function setAside(dir: string, name: string): string {
  const stem = name.slice(0, name.indexOf('.'));
  const free = ['BAD', 'BA2', 'BA3', 'BA4', 'BA5', 'BA6', 'BA7', 'BA8', 'BA9']
    .map((suffix) => `${stem}.${suffix}`)
    .find((candidate) => !existsSync(join(dir, candidate)));
  if (free === undefined) throw damaged(join(dir, name), 'differs from the media, and no name is free to set it aside');
  renameExclusive(join(dir, name), join(dir, free));
  return free;
}
