import { BreakglassError } from '../base/errors.ts';
import { showable } from '../base/text.ts';
import { isBlank } from '../medium/find.ts';
import { labelFromPath } from '../medium/label.ts';
import { openMedium } from '../medium/medium.ts';
import type { MendNote } from '../medium/mend-action.ts';
import { type KnownStick, knownSticks } from './media-list.ts';
import type { OpenTrail, OpenTrailPorts } from './open-trail.ts';
import { searchMedia } from './plug-media.ts';
import { type Recorded, type RecorderOptions, recordOrWait, warningsOf, withRecorderTrail } from './recorder-record.ts';
import type { TrailHead } from './trail-writer.ts';

export interface AddedMedium {
  readonly medium: string;
  readonly label: string;
  readonly path: string;
  /** False: it was a medium of this trust already, and was mended. */
  readonly added: boolean;
  /** The last record on it. */
  readonly head: TrailHead | null;
  readonly warnings: Recorded['warnings'];
}

/**
 * Makes a blank directory a copy of everything, told of as `media.added`. One that is a medium of this trust is mended. Throws
 * what keeps it from being used.
 */
export async function addMedium(path: string, options: RecorderOptions, ports: OpenTrailPorts): Promise<AddedMedium> {
  const { state } = options;
  const blank = isBlank(path, ports.host);
  // Told of before anything is written: whether it is there, and of which trust.
  if (!blank) openMedium(path, { ...ports.host, trustId: state.trust.id }).close();
  const { mediaPaths: named } = options;
  const others = named.length > 0 ? named : searchMedia(state, ports.host).map((found) => found.path);
  const mediaPaths = [...new Set([...others, path])];
  return withRecorderTrail({ ...options, mediaPaths }, ports, async (trail) => {
    const medium = trail.media.find((candidate) => candidate.path === path);
    if (!medium) throw refusalOf(path, trail);
    const { id, label } = medium;
    return { medium: id, label, path, added: blank, head: trail.writer.head, warnings: warningsOf(trail) };
  });
}

export interface MendedMedia {
  readonly media: readonly string[];
  readonly notes: readonly MendNote[];
  readonly failures: readonly BreakglassError[];
  readonly head: TrailHead | null;
  readonly warnings: Recorded['warnings'];
}

/** Brings every medium at hand in step. Throws when none can be used. */
export async function mendMedia(options: RecorderOptions, ports: OpenTrailPorts): Promise<MendedMedia> {
  return withRecorderTrail(options, ports, async (trail) => ({
    media: trail.media.map(({ label }) => label),
    notes: trail.mendNotes,
    failures: trail.failures,
    head: trail.writer.head,
    warnings: warningsOf(trail),
  }));
}

export interface LostMedium {
  readonly medium: string;
  readonly label: string;
  /** Labels of the media that are still known. */
  readonly left: readonly string[];
  readonly copies: number;
  readonly recorded: Recorded;
}

/** Puts a loss on the record and forgets the medium. Throws `NOT_FOUND` for a label that no medium has, `USAGE` for one at hand. */
export async function loseMedium(
  name: string,
  reason: string,
  options: RecorderOptions,
  ports: OpenTrailPorts,
): Promise<LostMedium> {
  const { state } = options;
  const known = await knownSticks(state, options.mediaPaths, ports.host);
  const stick = findStick(name, known);
  if (stick.pluggedIn) {
    throw new BreakglassError('USAGE', `medium ${stick.label} is plugged in at ${stick.path}: it is not lost`, {
      hint: 'unplug it first if it is not to be used any more. Nothing was recorded.',
    });
  }
  const recorded = await recordOrWait(
    { type: 'media.lost', medium: stick.id, label: stick.label, removable: null, reason },
    options,
    ports,
  );
  state.setMedia(state.media.filter(({ medium }) => medium !== stick.id));
  const left = known.filter(({ id }) => id !== stick.id).map(({ label }) => label);
  return { medium: stick.id, label: stick.label, left, copies: state.trust.payload.policy.copies, recorded };
}

/** The medium with this label or id. Throws `NOT_FOUND`, naming what there is. */
export function findStick(name: string, known: readonly KnownStick[]): KnownStick {
  const found = known.filter(({ id, label }) => id === name || label === name.toLowerCase());
  const [only, ...more] = found;
  if (only && more.length === 0) return only;
  const list = known.map(({ label, id }) => `${label} (${id})`).join(', ') || 'none';
  throw new BreakglassError(
    'NOT_FOUND',
    only ? `${found.length} media are called ${only.label}` : `no known medium is called ${showable(name)}`,
    { hint: `${only ? 'give the id' : 'known are'}: ${list}. Nothing was done.` },
  );
}

/** Why a directory that was named is not among the media of the trail. */
function refusalOf(path: string, trail: OpenTrail): BreakglassError {
  const named = (error: BreakglassError) =>
    error.message.includes(path) || error.message.includes(`stick ${labelFromPath(path)}`);
  const error = trail.failures.find(named) ?? trail.failures[0];
  return new BreakglassError(error?.code ?? 'MEDIUM_NOT_FOUND', error?.message ?? `${path} cannot be used`, {
    hint: 'use another stick. It holds no whole copy, and no record says that it does.',
    cause: error,
  });
}
