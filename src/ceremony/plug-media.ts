import { type BreakglassError, isBreakglassError } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { State } from '../machine/state.ts';
import { type BlankMedium, openBlank } from '../medium/create.ts';
import { findMedia, findMounted, isBlank } from '../medium/find.ts';
import { labelFromPath } from '../medium/label.ts';
import { type MediumHost, type OpenMedium, openMedium } from '../medium/medium.ts';

/** What is plugged in and can be opened. */
export interface Plugged {
  readonly media: readonly OpenMedium[];
  readonly blanks: readonly BlankMedium[];
  /** Directories given by hand that cannot be used: the others may be enough. */
  readonly failures: readonly BreakglassError[];
}

/** Opens the media that were named, or those that are found by their MEDIUM.JSN. Throws when too few can be opened. */
export function plugMedia(
  { state, mediaPaths }: { readonly state: State; readonly mediaPaths: readonly string[] },
  { host, random }: { readonly host: MediumHost; readonly random: RandomBytes },
): Plugged {
  const trustId = state.trust.id;
  const paths = mediaPaths.length > 0 ? mediaPaths : searchMedia(state, host);
  const media: OpenMedium[] = [];
  const blanks: BlankMedium[] = [];
  const failures: BreakglassError[] = [];
  for (const path of paths) {
    try {
      if (mediaPaths.length > 0 && isBlank(path, host)) {
        blanks.push(openBlank(path, { ...host, id: randomId(random), label: labelFromPath(path), trustId }));
      } else media.push(openMedium(path, { ...host, trustId }));
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      failures.push(error);
    }
  }
  const [first] = failures;
  if (first && media.length + blanks.length < state.trust.payload.policy.copies) throw first;
  return { media, blanks, failures };
}

function searchMedia(state: State, host: MediumHost): string[] {
  const mounted = findMounted({ mountInfoFile: '/proc/self/mountinfo', sysfsRoot: host.sysfsRoot });
  const known = state.media.map(({ path }) => path);
  return findMedia([...known, ...mounted], { trustId: state.trust.id, disk: host.disk }).map(({ path }) => path);
}
