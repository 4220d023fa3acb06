import { type BreakglassError, isBreakglassError, systemErrorCode } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { KnownMedium, State } from '../machine/state.ts';
import { type BlankMedium, openBlank } from '../medium/create.ts';
import { type FoundMedium, findMedia, findMounted, isBlank } from '../medium/find.ts';
import { labelFromPath } from '../medium/label.ts';
import { type MediumHost, type OpenMedium, openMedium } from '../medium/medium.ts';

/** What is plugged in and can be opened. */
export interface Plugged {
  readonly media: readonly OpenMedium[];
  readonly blanks: readonly BlankMedium[];
  /** Directories given by hand that cannot be used: the others may be enough. */
  readonly failures: readonly BreakglassError[];
}

/**
 * Opens the media that were named, or those that are found by their MEDIUM.JSN. Throws the first failure when fewer than
 * `copies` can be opened.
 */
export function plugMedia(
  {
    state,
    mediaPaths,
    copies,
  }: { readonly state: State; readonly mediaPaths: readonly string[]; readonly copies: number },
  { host, random }: { readonly host: MediumHost; readonly random: RandomBytes },
): Plugged {
  const trustId = state.trust.id;
  const paths = mediaPaths.length > 0 ? mediaPaths : searchMedia(state, host).map(({ path }) => path);
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
  if (first && media.length + blanks.length < copies) throw first;
  return { media, blanks, failures };
}

/** A medium that is not plugged in is still known: `media list` says where it was last. */
export function withOthersKnown(state: State, media: readonly OpenMedium[]): KnownMedium[] {
  const ids = new Set(media.map(({ id }) => id));
  return [
    ...media.map(({ id, label, path }) => ({ medium: id, label, path })),
    ...state.media.filter(({ medium }) => !ids.has(medium)),
  ];
}

/** The media of this trust that are plugged in: where they were last, and on whatever else is removable. */
export function searchMedia(state: State, host: MediumHost): readonly FoundMedium[] {
  const mounted = findMounted({ mountInfoFile: '/proc/self/mountinfo', sysfsRoot: host.sysfsRoot });
  const known = state.media.map(({ path }) => path);
  return findMedia([...known, ...mounted], { trustId: state.trust.id, disk: host.disk });
}

/** Every file was flushed and closed before: what closing the folders says changes nothing about what was written. */
export function letGo(held: readonly { close(): void }[]): void {
  for (const place of held) {
    try {
      place.close();
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
}
