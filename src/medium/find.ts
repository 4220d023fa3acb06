import { readFileSync } from 'node:fs';
import { mediumRoot } from '../trail/layout.ts';
import { describeDeviceName } from './device.ts';
import { type Disk, isAbsent } from './disk.ts';
import { type MediumLabel, readMediumLabel } from './label.ts';

/** The mount points of removable devices, in the order of `mountInfoFile` (`/proc/self/mountinfo`, proc(5)). */
export function findMounted({
  mountInfoFile,
  sysfsRoot,
}: {
  readonly mountInfoFile: string;
  readonly sysfsRoot: string;
}): readonly string[] {
  const lines = readFileSync(mountInfoFile, 'utf8').split('\n');
  const removable = lines.flatMap((line) => {
    const [, , device, , mountPoint] = line.split(' ');
    if (device === undefined || mountPoint === undefined) return [];
    return describeDeviceName(device, { sysfsRoot }).removable === true ? [decodeOctal(mountPoint)] : [];
  });
  return [...new Set(removable)];
}

/** A medium of a trust, found by its MEDIUM.JSN. */
export interface FoundMedium extends MediumLabel {
  readonly path: string;
}

/** Which of `paths` hold a medium of the trust. What cannot be read is passed over: this is a search. */
export function findMedia(
  paths: readonly string[],
  { trustId, disk }: { readonly trustId: string; readonly disk: Disk },
): readonly FoundMedium[] {
  return [...new Set(paths)].flatMap((path) => {
    const label = labelAt(path, disk);
    return label?.trust === trustId ? [{ ...label, path }] : [];
  });
}

function labelAt(path: string, disk: Disk): MediumLabel | undefined {
  try {
    const root = disk.openDirectory(`${path}/${mediumRoot}`);
    try {
      return readMediumLabel(root);
    } finally {
      root.close();
    }
  } catch {
    return undefined;
  }
}

/** True for a directory without BGTRAIL: a medium can be made of it. False for one with it and for what is no directory. */
export function isBlank(path: string, { disk }: { readonly disk: Disk }): boolean {
  try {
    disk.identify(`${path}/.`);
  } catch {
    return false;
  }
  try {
    disk.identify(`${path}/${mediumRoot}`);
    return false;
  } catch (error) {
    return isAbsent(error);
  }
}

/** Space, tab, line feed and backslash stand as three octal digits in mountinfo. */
function decodeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
