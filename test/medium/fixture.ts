import { formatBase64url, sha256, sha256Hex } from '../../src/base/bytes.ts';
import type { SealedRecord } from '../../src/medium/commit.ts';
import { createMedium } from '../../src/medium/create.ts';
import { type OpenMedium, openMedium } from '../../src/medium/medium.ts';
import type { MendHost } from '../../src/medium/mend.ts';
import { type LocalPlace, openLocalCopy } from '../../src/medium/place.ts';
import type { MendOptions } from '../../src/medium/reconcile.ts';
import { mediumRoot, recordName, trailFolder } from '../../src/trail/layout.ts';
import { openTrustHistory } from '../../src/trail/trust-history.ts';
import type { TrailBuilder } from '../trail/build.ts';
import { SimulatedDisk } from './simulated-disk.ts';

export const trustId = sha256Hex('a trust');
export const otherTrustId = sha256Hex('another trust');
export const created = 1_769_932_800;
const noSysfs = '/nowhere/sys';

export function mediumId(label: string): string {
  return formatBase64url(sha256(label).subarray(0, 16));
}

/** Sticks of one trust, `/audit-a` … , plugged in and opened; the log begins after that. */
export function plugIn(
  labels: readonly string[],
  { disk = new SimulatedDisk(), trust = trustId }: { readonly disk?: SimulatedDisk; readonly trust?: string } = {},
): { readonly disk: SimulatedDisk; readonly media: readonly OpenMedium[] } {
  const media = labels.map((label) => {
    disk.addStick(label);
    return createMedium(`/${label}`, { ...hostOf(disk, trust), id: mediumId(label), label });
  });
  disk.log.length = 0;
  return { disk, media };
}

/** The sticks as a new run finds them. */
export function reopen(disk: SimulatedDisk, labels: readonly string[], trust = trustId): readonly OpenMedium[] {
  return labels.map((label) => openMedium(`/${label}`, { disk, sysfsRoot: noSysfs, trustId: trust }));
}

export function hostOf(disk: SimulatedDisk, trust = trustId): MendHost {
  return { disk, sysfsRoot: noSysfs, trustId: trust, now: created, readme: 'how to check this\n' };
}

export function pathOf(trust: string, name: string): readonly string[] {
  return [mediumRoot, trailFolder(trust), name];
}

export function recordOf(seq: number, bytes: Uint8Array): SealedRecord {
  return { seq, sha256: sha256Hex(bytes), name: recordName(seq), bytes };
}

/** The local copy: a folder on a stick of its own, `/local/trail`. */
export function openLocal(disk: SimulatedDisk): LocalPlace {
  return openLocalCopy('/local/trail', { disk });
}

/** Puts files of a trail on a stick, durably, without a call. */
export function fill(disk: SimulatedDisk, stick: string, trust: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, bytes] of files) disk.plant(stick, pathOf(trust, name), bytes);
}

/** The record files of a trail from `from` up to, not including, `to`. */
export function recordsOf(trail: TrailBuilder, from: number, to: number): Map<string, Uint8Array> {
  return new Map(trail.files.slice(from, to).map((bytes, offset) => [recordName(from + offset), bytes]));
}

export function mendOptions(
  trail: TrailBuilder,
  media: readonly OpenMedium[],
  more: Partial<MendOptions> = {},
): MendOptions {
  return {
    media,
    blanks: [],
    local: null,
    highWater: null,
    anchors: [],
    history: openTrustHistory(trail.trustFiles),
    recorders: [],
    ...more,
  };
}
