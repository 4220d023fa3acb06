import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { equalIdentities } from './disk.ts';
import type { Plugged } from './medium.ts';
import { attemptOn } from './place.ts';

export interface MediaRule {
  /** How many good media there must be: `copies` of the policy. */
  readonly copies: number;
  /** `--allow-fixed`: fixed disks count, and two media may be on one device. */
  readonly allowFixed: boolean;
  /** How many bytes will be written to each. */
  readonly bytes: number;
}

export interface CheckedMedia<M extends Plugged> {
  readonly usable: readonly M[];
  /** Media that are not used, each with its reason: for people, and for the record. */
  readonly refused: readonly RefusedMedium<M>[];
}

export interface RefusedMedium<M extends Plugged> {
  readonly medium: M;
  readonly error: BreakglassError;
}

/** Room that must be left beside the bytes to be written, for directories and for what follows. */
const spareBytes = 1024 * 1024;

/**
 * Judges the media before anybody is asked for a share (P2), without writing to them. A medium that fails is left out; when
 * fewer than `copies` remain this throws the first failure's code (`MEDIUM_NOT_REMOVABLE`, `MEDIUM_SAME_DEVICE`,
 * `MEDIUM_READ_ONLY`, `MEDIUM_FULL`, …) with all of them in the message, or `MEDIUM_TOO_FEW`.
 */
export function checkMedia<M extends Plugged>(media: readonly M[], rule: MediaRule): CheckedMedia<M> {
  const usable: M[] = [];
  const refused: RefusedMedium<M>[] = [];
  for (const medium of media) {
    const error = fault(medium, usable, rule);
    if (error) refused.push({ medium, error });
    else usable.push(medium);
  }
  if (usable.length < rule.copies) throw tooFew(usable.length, refused, rule);
  return { usable, refused };
}

function fault(medium: Plugged, before: readonly Plugged[], rule: MediaRule): BreakglassError | undefined {
  if (medium.suspect) return medium.suspect;
  return (
    deviceFault(medium, before, rule) ??
    systemFault(medium, () => placeFault(medium)) ??
    systemFault(medium, () => spaceFault(medium, rule))
  );
}

function deviceFault(
  medium: Plugged,
  before: readonly Plugged[],
  { allowFixed }: MediaRule,
): BreakglassError | undefined {
  const { what } = medium;
  const same = before.find((other) => equalIdentities(other.folder.identity, medium.folder.identity));
  if (same)
    return refuse('MEDIUM_SAME_DEVICE', `${what} and ${same.what} are the same folder`, 'plug in another stick.');
  if (allowFixed) return undefined;
  if (medium.removable !== true)
    return refuse(
      'MEDIUM_NOT_REMOVABLE',
      `${what} is ${medium.removable === false ? 'on a fixed disk' : 'on a device that the kernel does not call removable'} (${medium.path})`,
      'use a USB stick, or say --allow-fixed, which goes on the record.',
    );
  const neighbour = before.find((other) => other.device === medium.device || isSameDisk(other, medium));
  if (neighbour)
    return refuse(
      'MEDIUM_SAME_DEVICE',
      `${what} and ${neighbour.what} are on the same device`,
      'two copies on one stick are lost together: plug in another stick.',
    );
  return undefined;
}

// Two partitions of one stick have two device numbers.
function isSameDisk(a: Plugged, b: Plugged): boolean {
  return a.disk !== null && a.disk === b.disk;
}

function placeFault(medium: Plugged): BreakglassError | undefined {
  attemptOn(medium.what, 'looking whether it can be written', () => medium.folder.checkWritable());
  const inPlace = attemptOn(medium.what, 'looking for it again', () => medium.isInPlace());
  if (inPlace) return undefined;
  return refuse('MEDIUM_CHANGED', `${medium.what} was unplugged or another was mounted in its place`, 'run again.');
}

function spaceFault(medium: Plugged, { bytes }: MediaRule): BreakglassError | undefined {
  const free = attemptOn(medium.what, 'asking for its free space', () => medium.folder.freeBytes());
  if (free >= bytes + spareBytes) return undefined;
  return refuse('MEDIUM_FULL', `${medium.what} is full (${free} bytes left)`, 'plug in another stick.');
}

function systemFault(medium: Plugged, look: () => BreakglassError | undefined): BreakglassError | undefined {
  try {
    return look();
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    medium.distrust(error);
    return error;
  }
}

function refuse(
  code: 'MEDIUM_SAME_DEVICE' | 'MEDIUM_NOT_REMOVABLE' | 'MEDIUM_CHANGED' | 'MEDIUM_FULL',
  message: string,
  advice: string,
): BreakglassError {
  return new BreakglassError(code, message, {
    hint: `nobody was asked for a share and nothing was written. Then: ${advice}`,
  });
}

function tooFew(good: number, refused: readonly RefusedMedium<Plugged>[], { copies }: MediaRule): BreakglassError {
  const count = `${good} of the ${copies} media that must hold a record can be used`;
  const [first] = refused;
  if (!first)
    return new BreakglassError('MEDIUM_TOO_FEW', count, {
      hint: 'plug in more sticks and run the same command again. Nobody was asked for a share and nothing was written.',
    });
  const message = refused.map(({ error }) => error.message).join('; ');
  return new BreakglassError(first.error.code, `${message}; ${count}`, { hint: first.error.hint, cause: first.error });
}
