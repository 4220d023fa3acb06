import { equalBytes } from '../base/bytes.ts';
import { BreakglassError, systemErrorCode } from '../base/errors.ts';
import type { NewFile } from './disk.ts';
import { attemptOn, type Place } from './place.ts';

/**
 * Adds one write-once file to a trail, durably (design §9 "Append"): when this returns, the bytes were flushed to the medium
 * and read back equal. Anything that goes wrong is thrown and names the place and the step: `MEDIUM_FULL`,
 * `MEDIUM_READ_ONLY`, `MEDIUM_CHANGED`, `MEDIUM_IN_USE`, `MEDIUM_READ_BACK` or `IO`. What a failed append left behind
 * stays there, for mending. A file that is there already with the same bytes, left by a crash, is flushed and read back
 * like a new one.
 */
export function appendFile(place: Place, name: string, bytes: Uint8Array): void {
  const { what, folder } = place;

  // 1. Create, exclusively: what exists is never opened for writing.
  const file = create(place, name);
  if (file) {
    fill(what, file, bytes);
  } else {
    // 1b. It exists: compare before anything is claimed about it, then flush it through a descriptor that cannot write.
    compare(place, name, bytes, 'MEDIUM_IN_USE');
    attemptOn(what, 'flush to media', () => folder.syncExisting(name));
  }

  // 5. Flush the folder: without this the name may be lost with the power.
  attemptOn(what, 'flush of the folder', () => folder.sync());

  // 6. Reopen, read back, compare.
  compare(place, name, bytes, 'MEDIUM_READ_BACK');

  // 7. Mount and device are those that were checked before the custodians were asked.
  if (!attemptOn(what, 'looking for it again', () => place.isInPlace())) throw changed(what);
}

function create({ what, folder }: Place, name: string): NewFile | undefined {
  return attemptOn(what, `creating ${name}`, () => {
    try {
      return folder.createExclusive(name);
    } catch (error) {
      if (systemErrorCode(error) === 'EEXIST') return undefined;
      throw error;
    }
  });
}

function fill(what: string, file: NewFile, bytes: Uint8Array): void {
  try {
    // 2. Write all; the system may take fewer bytes than it was given.
    attemptOn(what, 'writing', () => writeAll(file, bytes));
    // 3. Flush, once: after a failure the kernel forgets the pages, and a second fsync would report success.
    attemptOn(what, 'flush to media', () => file.sync());
  } catch (error) {
    closeQuietly(file);
    throw error;
  }
  // 4. Close, checked: some file systems report a lost write only here.
  attemptOn(what, 'closing', () => file.close());
}

function writeAll(file: NewFile, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    const count = file.write(bytes, written);
    if (count < 1) throw Object.assign(new Error('write(2) took nothing'), { code: 'EIO' });
    written += count;
  }
}

function closeQuietly(file: NewFile): void {
  try {
    file.close();
  } catch {
    // The step that failed before is the one to report.
  }
}

function compare(
  { what, folder }: Place,
  name: string,
  bytes: Uint8Array,
  code: 'MEDIUM_IN_USE' | 'MEDIUM_READ_BACK',
): void {
  const found = attemptOn(what, 'reading back', () => folder.readFile(name, bytes.length + 1));
  if (equalBytes(found, bytes)) return;
  if (code === 'MEDIUM_READ_BACK')
    throw new BreakglassError(code, `${what}: ${name} reads back different from what was written`, {
      hint: 'no token was issued. The stick loses data: throw it away, insert another, and run the same command again.',
    });
  throw new BreakglassError(code, `${what}: ${name} is there already with other bytes`, {
    hint: 'no token was issued and nothing was overwritten. Another run wrote to it: let it end, and run the same command again.',
  });
}

function changed(what: string): BreakglassError {
  return new BreakglassError('MEDIUM_CHANGED', `${what} is not the stick any more that was checked before`, {
    hint: 'no token was issued. It was unplugged or another was mounted in its place: run the same command again.',
  });
}
