import { BreakglassError } from '../base/errors.ts';
import { formatTime, type Seconds } from '../base/time.ts';
import { mediumName, mediumRoot, readmeName, trailFolder } from '../trail/layout.ts';
import { appendFile } from './append.ts';
import { describeDevice } from './device.ts';
import type { Directory } from './disk.ts';
import { formatMediumLabel, type MediumLabel } from './label.ts';
import {
  foreign,
  type MediumHost,
  type OpenMedium,
  openMedium,
  openRoot,
  openTop,
  type Plugged,
  plug,
  readLabelOf,
} from './medium.ts';
import { attemptOn, holdPlace } from './place.ts';

/** A directory without BGTRAIL that is to become a medium; the held folder is the directory itself. */
export interface BlankMedium extends Plugged {
  readonly kind: 'blank';
}

export interface NewMediumName {
  /** 128 random bits: `randomId`. */
  readonly id: string;
  readonly label: string;
  readonly trustId: string;
}

export interface NewMedium extends MediumHost, NewMediumName {
  readonly now: Seconds;
  /** The text of README.TXT. */
  readonly readme: string;
}

/** Holds a directory that will become a medium, so that it can be checked. Throws `MEDIUM_NOT_FOUND`, `MEDIUM_FOREIGN`, `EXISTS`. */
export function openBlank(
  path: string,
  { disk, sysfsRoot, id, label, trustId }: MediumHost & NewMediumName,
): BlankMedium {
  const folder = openTop(path, disk);
  try {
    refuseExisting(path, folder, trustId);
    const facts = describeDevice(folder.identity.device, { sysfsRoot });
    return plug('blank', { ...holdPlace(`stick ${label}`, path, disk, folder), ...facts, path, id, label });
  } catch (error) {
    folder.close();
    throw error;
  }
}

/**
 * Makes a medium of the directory `path` and opens it. Throws as `openBlank` does, and as `appendFile`. BGTRAIL is built under
 * another name and renamed when it is whole: a crash leaves a blank medium or a finished one.
 */
export function createMedium(path: string, options: NewMedium): OpenMedium {
  const blank = openBlank(path, options);
  const { what, folder: top } = blank;
  try {
    const name = freeBuildName(what, top);
    build(blank, name, options);
    attemptOn(what, `naming ${mediumRoot}`, () => top.renameExclusive(name, mediumRoot));
    attemptOn(what, 'flush of the folder', () => top.sync());
  } finally {
    blank.close();
  }
  return openMedium(path, options);
}

function refuseExisting(path: string, top: Directory, trustId: string): void {
  const names = attemptOn(`the medium ${path}`, 'listing', () => top.list());
  // FAT does not tell cases of letters apart.
  const found = names.find((name) => name.toUpperCase() === mediumRoot);
  if (found === undefined) return;
  const label = found === mediumRoot ? labelIn(path, top) : undefined;
  if (label && label.trust !== trustId) throw foreign(path, label.trust);
  throw new BreakglassError('EXISTS', `${path} has a folder ${found} already`, {
    hint: label
      ? 'it is a medium of this trust. Nothing on it was changed.'
      : `its ${mediumName} is missing or damaged, so it may hold a trail. Nothing on it was changed.`,
  });
}

function labelIn(path: string, top: Directory): MediumLabel | undefined {
  const root = openRoot(path, top);
  try {
    return readLabelOf(path, root);
  } finally {
    root.close();
  }
}

// What a crash left half-built is neither believed nor deleted.
function freeBuildName(what: string, top: Directory): string {
  const names = new Set(attemptOn(what, 'listing', () => top.list()));
  const suffixes = ['NEW', 'NE2', 'NE3', 'NE4', 'NE5', 'NE6', 'NE7', 'NE8', 'NE9'];
  const free = suffixes.map((suffix) => `${mediumRoot}.${suffix}`).find((name) => !names.has(name));
  if (free !== undefined) return free;
  throw new BreakglassError('EXISTS', `${what} holds nine half-built folders ${mediumRoot}.NE…`, {
    hint: 'the stick fails again and again: use another. Nothing was written.',
  });
}

function build({ what, path, folder: top }: BlankMedium, name: string, medium: NewMedium): void {
  attemptOn(what, `creating ${name}`, () => top.makeDirectory(name));
  const root = attemptOn(what, `opening ${name}`, () => top.openDirectory(name));
  const place = holdPlace(what, `${path}/${name}`, medium.disk, root);
  try {
    attemptOn(what, 'creating the trail folder', () => root.makeDirectory(trailFolder(medium.trustId)));
    appendFile(place, readmeName, Buffer.from(medium.readme));
    appendFile(place, mediumName, formatMediumLabel(labelOf(medium)));
  } finally {
    place.close();
  }
}

function labelOf({ id, label, trustId, now }: NewMedium): MediumLabel {
  return { v: 1, medium: id, label, trust: trustId, created: formatTime(now) };
}
