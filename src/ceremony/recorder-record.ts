import { type BreakglassError, errorExits, isBreakglassError } from '../base/errors.ts';
import { randomId } from '../base/random.ts';
import type { State } from '../machine/state.ts';
import { confirmed } from './attempt.ts';
import { type OpenTrail, type OpenTrailPorts, openTrail } from './open-trail.ts';
import type { FoundAnomaly } from './people.ts';
import { letGo } from './plug-media.ts';
import { type RecorderMembers, type TrailHead, waitForMedium } from './trail-writer.ts';

/** What a record of the recorder alone is written with: no quorum, no question, one good medium. */
export interface RecorderOptions {
  readonly state: State;
  /** Directories given by hand; none: media are found by their MEDIUM.JSN. */
  readonly mediaPaths: readonly string[];
  readonly mediaRule: 'removable' | 'fixed-allowed';
}

export interface Recorded {
  /** The record, or null while it waits in the state directory. */
  readonly record: TrailHead | null;
  /** Why it waits; null when it does not. */
  readonly waitsFor: BreakglassError | null;
  /** Labels of the media that hold it. */
  readonly media: readonly string[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/**
 * Opens the trail, mends it and lends it; every medium is let go whatever happens. What looks wrong is put on the next record
 * unconfirmed, so that it waits for a quorum: nobody can make it disappear by a record that needs none (P10).
 */
export async function withRecorderTrail<T>(
  options: RecorderOptions,
  ports: OpenTrailPorts,
  work: (trail: OpenTrail) => Promise<T>,
): Promise<T> {
  const trail = await openTrail({ ...options, copies: 1, run: runOf(ports) }, ports);
  try {
    return await work(trail);
  } finally {
    letGo(trail.media);
  }
}

/**
 * Puts one record of the recorder on the trail, or lets it wait in the state directory when no medium can take it (P9). The
 * caller holds the lock of the state directory.
 */
export async function recordOrWait(
  members: RecorderMembers,
  options: RecorderOptions,
  ports: OpenTrailPorts,
): Promise<Recorded> {
  try {
    return await withRecorderTrail(options, ports, (trail) => appendNow(members, options, ports, trail));
  } catch (error) {
    if (!isBreakglassError(error) || errorExits[error.code] !== 'media') throw error;
    return letWait(members, options, ports, error);
  }
}

async function appendNow(
  members: RecorderMembers,
  options: RecorderOptions,
  ports: OpenTrailPorts,
  trail: OpenTrail,
): Promise<Recorded> {
  const anomalies = [...damageOf(options.state), ...trail.anomalies];
  if (trail.lost) {
    waitForMedium(options.state, runOf(ports), members, confirmed(anomalies, []));
    return { record: null, waitsFor: null, media: [], warnings: warningsOf(trail, anomalies) };
  }
  const { seq, sha256, reached } = await trail.writer.appendRecorder(members, confirmed(anomalies, []));
  return {
    record: { seq, sha256 },
    waitsFor: null,
    media: reached.flatMap(({ label, ok }) => (ok ? [label] : [])),
    warnings: warningsOf(trail, anomalies),
  };
}

/** Keeps it in the state directory, because of `waitsFor`, without looking for a medium. */
export function letWait(
  members: RecorderMembers,
  { state }: RecorderOptions,
  ports: OpenTrailPorts,
  waitsFor: BreakglassError,
): Recorded {
  waitForMedium(state, runOf(ports), members, confirmed(damageOf(state), []));
  return { record: null, waitsFor, media: [], warnings: [] };
}

export function warningsOf(trail: OpenTrail, anomalies: readonly FoundAnomaly[] = trail.anomalies) {
  return [
    ...anomalies.map(({ code, detail }) => ({ code, message: detail })),
    ...trail.warnings,
    ...trail.writer.warnings,
  ];
}

function damageOf(state: State): FoundAnomaly[] {
  return state.damage.map(({ message }) => ({ code: 'STATE_DAMAGED', detail: message }));
}

function runOf({ clock, random }: OpenTrailPorts) {
  return { session: randomId(random), clock, clockSource: 'none' as const };
}
