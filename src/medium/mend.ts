import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import { appendFile } from './append.ts';
import { readWhole } from './copy.ts';
import { createMedium } from './create.ts';
import type { MediumHost, OpenMedium } from './medium.ts';
import type { FileCopy, MendAction, MendNote, SetAside } from './mend-action.ts';
import { attemptOn, type LocalPlace, type Place } from './place.ts';
import type { MendPlan } from './reconcile.ts';

export interface MendHost extends MediumHost {
  readonly trustId: string;
  readonly now: Seconds;
  /** The text of README.TXT, for blank media. */
  readonly readme: string;
}

/** What was done of a plan. */
export interface MendResult {
  /** Blank media that are copies now; the caller closes them. */
  readonly adopted: readonly OpenMedium[];
  /** Members of the records that must tell of it, in order. */
  readonly notes: readonly MendNote[];
  /** Places that could not be mended; media among them are suspect. */
  readonly failed: readonly { readonly target: MendAction['target']; readonly error: BreakglassError }[];
}

/**
 * Does what the plan says, place by place. Nothing is overwritten or deleted, and a crash anywhere leaves what the next plan
 * finds and finishes. A place that fails is left as it is; the others are mended all the same.
 */
export function applyMend(plan: MendPlan, host: MendHost): MendResult {
  const adopted: OpenMedium[] = [];
  const notes: MendNote[] = [];
  const failed: { target: MendAction['target']; error: BreakglassError }[] = [];
  for (const action of plan.actions) {
    const { target } = action;
    try {
      const medium = mendPlace(action, host);
      if (target.kind === 'blank' && medium.kind === 'medium') adopted.push(medium);
      notes.push(...action.notes);
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      if (target.kind !== 'local') target.distrust(error);
      failed.push({ target, error });
    }
  }
  return { adopted, notes, failed };
}

function mendPlace(action: MendAction, host: MendHost): OpenMedium | LocalPlace {
  const { target } = action;
  if (target.kind !== 'blank') {
    setAside(target, action.setAside);
    copyFiles(target, action.copies);
    return target;
  }
  const { path, id, label } = target;
  const medium = createMedium(path, { ...host, id, label });
  try {
    copyFiles(medium, action.copies);
    return medium;
  } catch (error) {
    medium.close();
    throw error;
  }
}

function setAside({ what, folder }: Place, files: readonly SetAside[]): void {
  for (const { name, as } of files)
    attemptOn(what, `setting ${name} aside as ${as}`, () => folder.renameExclusive(name, as));
  if (files.length > 0) attemptOn(what, 'flush of the folder', () => folder.sync());
}

/** In ascending order: a crash leaves a copy that lags, never one with a hole. */
function copyFiles(target: Place, files: readonly FileCopy[]): void {
  for (const file of files) appendFile(target, file.name, readFromAny(file));
}

function readFromAny({ name, sha256, from }: FileCopy): Uint8Array {
  const failures: unknown[] = [];
  for (const place of from) {
    try {
      const bytes = readWhole(place, name);
      if (sha256Hex(bytes) === sha256) return bytes;
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      failures.push(error);
    }
  }
  const where = from.map(({ what }) => what).join(' and ');
  throw new BreakglassError('MEDIUM_CHANGED', `${name} can no longer be read as it was from ${where}`, {
    hint: 'no token was issued. A stick was unplugged or fails: plug all of them in and run the same command again.',
    cause: failures[0],
  });
}
