import { type BreakglassError, isBreakglassError } from '../base/errors.ts';
import type { State } from '../machine/state.ts';
import { type FoundMedium, findMedia } from '../medium/find.ts';
import type { MediumHost } from '../medium/medium.ts';
import { openTrailSource, type TrailSource } from '../medium/source.ts';
import { type Finding, isGrave } from '../trail/findings.ts';
import type { Upkeep } from '../trail/upkeep.ts';
import { searchMedia } from './plug-media.ts';
import { readTrail, stateReading } from './trail-sources.ts';

/** A medium that this machine or the trail knows. */
export interface KnownStick {
  /** Medium id. */
  readonly id: string;
  readonly label: string;
  /** Where it is plugged in now, or was last; null when this machine has never had it. */
  readonly path: string | null;
  readonly pluggedIn: boolean;
}

export interface ListedMedium extends KnownStick {
  /** The last record on it, by name; null when it is not plugged in or has none. */
  readonly lastSeq: number | null;
  readonly state: 'in-step' | 'behind' | 'differs' | 'unreadable' | 'not-plugged-in';
  /** What was found on it. */
  readonly problems: readonly string[];
}

export interface MediaList {
  readonly media: readonly ListedMedium[];
  /** The last record of the history in force. */
  readonly head: number | null;
  /** How many media must hold a record. */
  readonly copies: number;
}

/** Every known medium and what is on those that are plugged in, read only, compared as `audit-check` does. */
export async function listMedia(state: State, mediaPaths: readonly string[], host: MediumHost): Promise<MediaList> {
  const local = await stateReading(state);
  const readable: { readonly id: string; readonly source: TrailSource }[] = [];
  const broken = new Map<string, BreakglassError>();
  for (const { medium: id, label, path } of pluggedMedia(state, mediaPaths, host)) {
    try {
      const source = await openTrailSource(path, { trustId: state.trust.id });
      readable.push({ id, source: { ...source, label: `${label} ${id}` } });
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      broken.set(id, error);
    }
  }
  const sources = [...readable.map(({ source }) => source), ...local.sources];
  const { chain, findings, trust } = await readTrail({ ...local, sources });
  const known = sticksOf(chain.facts.upkeep, state, mediaPaths, host);
  return {
    media: known.map((stick) => {
      const found = readable.find(({ id }) => id === stick.id);
      if (found) return { ...stick, ...judged(found.source, findings) };
      const error = broken.get(stick.id);
      return {
        ...stick,
        lastSeq: null,
        state: error ? ('unreadable' as const) : ('not-plugged-in' as const),
        problems: error ? [error.message] : [],
      };
    }),
    head: chain.head?.seq ?? null,
    copies: trust.payload.policy.copies,
  };
}

/** Media that are plugged in, those that this machine used, and those that the trail names and were not reported lost. */
export async function knownSticks(
  state: State,
  mediaPaths: readonly string[],
  host: MediumHost,
): Promise<KnownStick[]> {
  const { chain } = await readTrail(await stateReading(state));
  return sticksOf(chain.facts.upkeep, state, mediaPaths, host);
}

function sticksOf(upkeep: Upkeep, state: State, mediaPaths: readonly string[], host: MediumHost): KnownStick[] {
  const known = new Map<string, KnownStick>();
  for (const [id, { label }] of upkeep.media) known.set(id, { id, label, path: null, pluggedIn: false });
  for (const { medium: id, label, path } of state.media) known.set(id, { id, label, path, pluggedIn: false });
  for (const { medium: id, label, path } of pluggedMedia(state, mediaPaths, host))
    known.set(id, { id, label, path, pluggedIn: true });
  return [...known.values()].sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** The media of this trust that are plugged in now, those at `mediaPaths` among them. */
export function pluggedMedia(state: State, mediaPaths: readonly string[], host: MediumHost): FoundMedium[] {
  const named = findMedia(mediaPaths, { trustId: state.trust.id, disk: host.disk });
  return [...new Map([...searchMedia(state, host), ...named].map((found) => [found.path, found])).values()];
}

function judged(
  source: TrailSource,
  findings: readonly Finding[],
): Pick<ListedMedium, 'lastSeq' | 'state' | 'problems'> {
  const own = findings.filter(({ medium }) => medium === source.label);
  const behind = own.filter(({ code }) => code === 'COPY_BEHIND');
  const other = own.filter(
    (found) => isGrave(found) || found.code === 'COPIES_DIVERGE' || found.code === 'COPY_UNREADABLE',
  );
  return {
    lastSeq: source.lastSeq,
    state: other.length > 0 ? 'differs' : behind.length > 0 ? 'behind' : 'in-step',
    problems: [...other, ...behind].map(({ message }) => message.replaceAll(source.label, 'it')),
  };
}
