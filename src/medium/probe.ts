import { equalBytes } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { probeName } from '../trail/layout.ts';
import { appendFile } from './append.ts';
import { isAbsent } from './disk.ts';
import { type MediumHost, openTop } from './medium.ts';
import { attemptOn, holdPlace, type Place } from './place.ts';

/** Holds the directory where a medium is mounted, for a probe beside BGTRAIL. Throws `MEDIUM_NOT_FOUND`. */
export function openProbePlace(path: string, label: string, { disk }: Pick<MediumHost, 'disk'>): Place {
  return holdPlace(`stick ${label}`, path, disk, openTop(path, disk));
}

/** Writes the probe as a record is written, after removing one that an interrupted test left. Throws as `appendFile` does. */
export function writeProbe(place: Place, bytes: Uint8Array): void {
  attemptOn(place.what, 'looking whether it can be written', () => place.folder.checkWritable());
  removeProbe(place);
  appendFile(place, probeName, bytes);
}

/** Throws `MEDIUM_READ_BACK` unless the probe is there as it was written. */
export function readProbe({ what, folder }: Place, bytes: Uint8Array): void {
  const found = attemptOn(what, 'reading the probe back', () => {
    try {
      return folder.readFile(probeName, bytes.length + 1);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  });
  if (found && equalBytes(found, bytes)) return;
  const why = found ? 'reads back different from what was written' : 'is not there any more';
  throw new BreakglassError('MEDIUM_READ_BACK', `${what}: what was flushed to it ${why}`, {
    hint: 'the stick loses data: throw it away, after copying it with: breakglass media add DIR. No record was touched.',
  });
}

/** Removes the probe; one that is gone already is fine. */
export function removeProbe({ what, folder }: Place): void {
  attemptOn(what, 'removing the probe', () => {
    try {
      folder.removeProbe();
    } catch (error) {
      if (!isAbsent(error)) throw error;
      return;
    }
    folder.sync();
  });
}
