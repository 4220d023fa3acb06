import { formatBase64url, sha256 } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { showable } from '../base/text.ts';
import { mediumName, mediumRoot, trailFolder } from '../trail/layout.ts';
import { type DeviceFacts, describeDevice } from './device.ts';
import { type Directory, type Disk, isAbsent } from './disk.ts';
import { type MediumLabel, readMediumLabel } from './label.ts';
import { attemptOn, holdPlace, type Place } from './place.ts';

/** The machine that media are plugged into. */
export interface MediumHost {
  readonly disk: Disk;
  /** `/sys` */
  readonly sysfsRoot: string;
}

/** Something plugged in that is, or can become, a medium. */
export interface Plugged extends Place, DeviceFacts {
  /** 128 random bits. */
  readonly id: string;
  readonly label: string;
  /** Where it is mounted: the folder that holds BGTRAIL, or will. */
  readonly path: string;
  /** Why it is not used any more in this run; null for a good one. Only a new run, after plugging it in again, clears it. */
  readonly suspect: BreakglassError | null;
  /** Marks it suspect; the first reason stays. */
  distrust(reason: BreakglassError): void;
}

/** A medium whose trail folder is held open for this run. */
export interface OpenMedium extends Plugged {
  readonly kind: 'medium';
  /** What people should hear about it although it can be used. */
  readonly warnings: readonly MediumWarning[];
}

export interface MediumWarning {
  readonly code: 'MEDIUM_LABEL_DAMAGED';
  readonly message: string;
}

/**
 * Opens the medium at `path` and holds its trail folder. Throws `MEDIUM_NOT_FOUND` (nothing there, or no BGTRAIL),
 * `MEDIUM_FOREIGN` (another trust), `TRAIL_MISSING` (no trail folder), or what reading it failed with. MEDIUM.JSN is a label
 * only: when it is damaged and the trail folder is there, that is a warning, and the id is derived from the path.
 */
export function openMedium(path: string, options: MediumHost & { readonly trustId: string }): OpenMedium {
  const { disk, trustId } = options;
  const top = openTop(path, disk);
  try {
    const root = openRoot(path, top);
    try {
      const label = readLabelOf(path, root);
      if (label && label.trust !== trustId) throw foreign(path, label.trust);
      const folder = openTrail(path, root, trustId, label);
      return holdMedium(path, folder, options, label);
    } finally {
      root.close();
    }
  } finally {
    top.close();
  }
}

function holdMedium(
  path: string,
  folder: Directory,
  { disk, sysfsRoot, trustId }: MediumHost & { readonly trustId: string },
  found: MediumLabel | undefined,
): OpenMedium {
  const label = found?.label ?? 'unlabelled';
  const place = holdPlace(`stick ${label}`, `${path}/${mediumRoot}/${trailFolder(trustId)}`, disk, folder);
  const facts = describeDevice(folder.identity.device, { sysfsRoot });
  const warnings = found ? [] : [labelDamaged(path)];
  return plug('medium', { ...place, ...facts, path, label, id: found?.medium ?? standInId(path), warnings });
}

/** Adds what every plugged thing has: suspicion, which is never taken back. */
export function plug<K extends string, F extends Omit<Plugged, 'suspect' | 'distrust'>>(
  kind: K,
  facts: F,
): F & Plugged & { readonly kind: K } {
  let suspect: BreakglassError | null = null;
  return {
    ...facts,
    kind,
    get suspect() {
      return suspect;
    },
    distrust(reason) {
      suspect ??= reason;
    },
  };
}

/** Opens the directory where a medium is mounted. Throws `MEDIUM_NOT_FOUND`. */
export function openTop(path: string, disk: Disk): Directory {
  return absentAs(
    () => attemptOn(`the medium ${path}`, 'opening', () => disk.openDirectory(path)),
    () =>
      new BreakglassError('MEDIUM_NOT_FOUND', `there is no directory ${path}`, {
        hint: 'plug the stick in and mount it, or name the directory where it is mounted. Nothing was written.',
      }),
  );
}

/** Opens BGTRAIL. Throws `MEDIUM_NOT_FOUND`. */
export function openRoot(path: string, top: Directory): Directory {
  return absentAs(
    () => attemptOn(`the medium ${path}`, `opening ${mediumRoot}`, () => top.openDirectory(mediumRoot)),
    () =>
      new BreakglassError('MEDIUM_NOT_FOUND', `${path} has no folder ${mediumRoot}`, {
        hint: 'it is blank, or not the stick that is meant. Nothing was written.',
      }),
  );
}

export function readLabelOf(path: string, root: Directory): MediumLabel | undefined {
  return attemptOn(`the medium ${path}`, `reading ${mediumName}`, () => readMediumLabel(root));
}

export function foreign(path: string, trust: string): BreakglassError {
  return new BreakglassError('MEDIUM_FOREIGN', `${path} is a medium of another trust, ${showable(trust)}`, {
    hint: 'use a stick of this trust, or a blank one. Nothing was written.',
  });
}

function openTrail(path: string, root: Directory, trustId: string, label: MediumLabel | undefined): Directory {
  const name = trailFolder(trustId);
  return absentAs(
    () => attemptOn(`the medium ${path}`, `opening ${name}`, () => root.openDirectory(name)),
    () => {
      const other = root.list().find((entry) => /^[0-9a-f]{8}$/.test(entry));
      if (!label && other !== undefined) return foreign(path, other);
      return new BreakglassError('TRAIL_MISSING', `${path} has no trail folder ${mediumRoot}/${name}`, {
        hint: 'somebody removed it. Keep the stick as evidence and use another. Nothing was written.',
      });
    },
  );
}

function absentAs<T>(act: () => T, refusal: () => BreakglassError): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof BreakglassError && isAbsent(error.cause)) throw refusal();
    throw error;
  }
}

// An id that a record can hold, and the same every time.
function standInId(path: string): string {
  return formatBase64url(sha256('breakglass/medium', path).subarray(0, 16));
}

function labelDamaged(path: string): MediumWarning {
  return {
    code: 'MEDIUM_LABEL_DAMAGED',
    message: `${path}: ${mediumName} is missing or damaged; the stick is called unlabelled, and its trail counts`,
  };
}
