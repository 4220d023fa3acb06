import { BreakglassError, systemErrorCode } from '../base/errors.ts';
import { type Directory, type Disk, equalIdentities } from './disk.ts';

/** A folder that files are added to: the trail folder of a medium, or the local copy. */
export interface Place {
  /** For messages: `stick audit-b`, `the local copy`. */
  readonly what: string;
  /** Held since the place was opened; everything is read and written through it. */
  readonly folder: Directory;
  /** True if the path still leads to the held folder: nothing was unplugged or mounted over. Throws a system error. */
  isInPlace(): boolean;
  close(): void;
}

/** The copy in the state directory: a plain folder with the names of a medium's trail folder. */
export interface LocalPlace extends Place {
  readonly kind: 'local';
}

/** Opens the local copy at `path`. */
export function openLocalCopy(path: string, { disk }: { readonly disk: Disk }): LocalPlace {
  const what = 'the local copy';
  const folder = attemptOn(what, 'opening', () => disk.openDirectory(path));
  return { kind: 'local', ...holdPlace(what, path, disk, folder) };
}

/** The place of a folder that was opened at `path`. */
export function holdPlace(what: string, path: string, disk: Disk, folder: Directory): Place {
  return {
    what,
    folder,
    isInPlace: () => equalIdentities(disk.identify(path), folder.identity),
    close: () => folder.close(),
  };
}

const stepCodes = {
  ENOSPC: 'MEDIUM_FULL',
  EDQUOT: 'MEDIUM_FULL',
  EROFS: 'MEDIUM_READ_ONLY',
  ENOENT: 'MEDIUM_CHANGED',
  ENODEV: 'MEDIUM_CHANGED',
  ENXIO: 'MEDIUM_CHANGED',
  ESTALE: 'MEDIUM_CHANGED',
} as const;

/** Runs one step on a place; a system error becomes a BreakglassError that names the place and the step. */
export function attemptOn<T>(what: string, step: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const system = systemErrorCode(cause);
    if (cause instanceof BreakglassError || system === undefined) throw cause;
    const code = Object.hasOwn(stepCodes, system) ? stepCodes[system as keyof typeof stepCodes] : 'IO';
    throw new BreakglassError(code, `${what}: ${step} failed (${system})`, { hint: hints[code], cause });
  }
}

const again = 'insert another, and run the same command again.';
const hints = {
  MEDIUM_FULL: `no token was issued. Nothing on it was overwritten; ${again}`,
  MEDIUM_READ_ONLY: `no token was issued. Slide its write protection off, or ${again}`,
  MEDIUM_CHANGED: `no token was issued. It was unplugged or replaced: plug it in and leave it there, or ${again}`,
  IO: `no token was issued. Unplug the stick, ${again}`,
} as const;
