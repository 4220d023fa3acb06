import { type BreakglassError, errorExits, isBreakglassError } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import { showable } from '../base/text.ts';
import type { MediumHost } from '../medium/medium.ts';
import { openMedium } from '../medium/medium.ts';
import type { Place } from '../medium/place.ts';
import { openProbePlace, readProbe, removeProbe, writeProbe } from '../medium/probe.ts';
import { letGo } from './plug-media.ts';
import type { RecorderMembers } from './trail-writer.ts';

/** 64 KiB a draw: what one call of the generator gives at most. */
const probeDraws = 4;
const drawBytes = 64 * 1024;

export interface TestedMedium {
  readonly medium: string;
  readonly label: string;
  readonly removable: boolean | null;
  readonly path: string;
  /** It was seen to go and to come back between writing and reading. */
  readonly replugged: boolean;
  readonly bytes: number;
  /** Why it failed, or was not ended; null when it is good. */
  readonly error: BreakglassError | null;
}

export interface MediumTestPorts {
  readonly random: RandomBytes;
  readonly host: MediumHost;
  /**
   * Has people unplug the medium and plug it in again; resolves with where it is now and whether it was seen to go. Throws
   * `ABORTED`.
   */
  replug(medium: { readonly path: string; readonly label: string; readonly id: string }): Promise<Replugged>;
}

export interface Replugged {
  readonly path: string;
  readonly replugged: boolean;
}

/**
 * Writes a probe beside BGTRAIL by the append protocol, has the medium unplugged, reads the probe back and removes it
 * (docs/ceremony.md). What fails is in the result. Throws what keeps the medium from being opened at all.
 */
export async function testMedium(path: string, trustId: string, ports: MediumTestPorts): Promise<TestedMedium> {
  // 1. A medium of this trust
  const medium = openMedium(path, { ...ports.host, trustId });
  medium.close();
  const { id, label, removable } = medium;
  const probe = Buffer.concat(Array.from({ length: probeDraws }, () => ports.random(drawBytes)));
  const tested = { medium: id, label, removable, bytes: probe.length };
  let at: Replugged = { path, replugged: false };
  try {
    // 2. Write, flush, read back. Nothing stays open: it must be possible to unmount it.
    atProbe(at.path, label, ports, (place) => writeProbe(place, probe));
    // 3. Unplug and plug in again
    at = await ports.replug({ path, label, id });
    // 4. Read back
    atProbe(at.path, label, ports, (place) => readProbe(place, probe));
    // 5. Remove
    atProbe(at.path, label, ports, removeProbe);
    return { ...tested, ...at, error: null };
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    clearAway(at.path, label, ports);
    return { ...tested, ...at, error };
  }
}

/** The record that tells of a test. */
export function testRecord(tested: TestedMedium): RecorderMembers {
  const { medium, label, removable } = tested;
  return { type: 'media.tested', medium, label, removable, reason: outcome(tested) };
}

function outcome({ bytes, replugged, error }: TestedMedium): string {
  const between = replugged ? 'unplugged in between' : 'not unplugged in between, which proves less';
  if (error === null) return `good: ${bytes} bytes written, flushed and read back; ${between}`;
  if (errorExits[error.code] === 'aborted') return `not ended (${error.code}): it was not read back`;
  return `failed (${error.code}): ${showable(error.message, 300)}`;
}

function atProbe(path: string, label: string, { host }: MediumTestPorts, act: (place: Place) => void): void {
  const place = openProbePlace(path, label, host);
  try {
    act(place);
  } finally {
    letGo([place]);
  }
}

// The failure is what is told of; a probe that stays is removed by the next test.
function clearAway(path: string, label: string, ports: MediumTestPorts): void {
  try {
    atProbe(path, label, ports, removeProbe);
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
  }
}
