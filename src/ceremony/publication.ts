import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { readDecided } from '../machine/decided.ts';
import type { State } from '../machine/state.ts';
import { formatLines, mergeRevocations, type RevocationAlarm, readRevocations } from '../revocation/list.ts';
import type { Finding } from '../trail/findings.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { RevocationSource } from './import-revocations.ts';
import type { Publication } from './publish.ts';
import { readTrail, type TrailReading } from './trail-sources.ts';

/** What there is to publish, by the word of a trail. */
export interface NamedPublication extends Publication {
  /** What makes doubtful what the trail says; its trust file is signed all the same. */
  readonly doubts: readonly Finding[];
  /** Lines of the lists that were brought which do not count. */
  readonly alarms: readonly (RevocationAlarm & { readonly file: string })[];
}

/**
 * The version that the newest genesis, rotate or policy record names, with the denials of this machine and of lists that
 * somebody brings. `state` is undefined where it is lost. Throws `TRUST_MISSING`, or `TRUST_OLDER` for a trail that is behind
 * what this machine has accepted.
 */
export async function publicationNamed(
  reading: TrailReading,
  state: State | undefined,
  lists: readonly RevocationSource[],
): Promise<NamedPublication> {
  const { history, chain, doubts } = await readTrail(reading);
  const { trust: named } = chain.facts;
  const trust = named ? history.find(named.version, named.sha256) : undefined;
  if (!trust) throw unnamed();
  if (state && state.trust.payload.version > trust.payload.version) throw behind(trust, state.trust);
  const brought = lists.map(({ name, bytes }) => ({ name, list: readRevocations(bytes, trust) }));
  return {
    trust,
    versions: history.versions,
    revocations: [
      state ? knownTo(state, trust) : new Uint8Array(0),
      ...brought.map(({ list }) => formatLines(list.lines)),
    ].reduce(mergeRevocations),
    doubts,
    alarms: brought.flatMap(({ name, list }) => list.alarms.map((alarm) => ({ ...alarm, file: name }))),
  };
}

/** With those of a change that stands in the trail and that no run has settled here yet. */
function knownTo(state: State, trust: Trust): Uint8Array {
  // Read before the list: a ceremony adds to that before it removes this.
  const decided = readDecided(state.dir);
  const settled = typeof decided !== 'object' || decided.trust === null || sha256Hex(decided.trust) !== trust.sha256;
  return settled ? state.revocations() : mergeRevocations(state.revocations(), Buffer.from(decided.statements));
}

function unnamed(): BreakglassError {
  return new BreakglassError('TRUST_MISSING', 'no trail at hand says which trust version is in force, with its file', {
    hint: 'give a medium that holds the whole trail: --medium DIR. Nothing was published.',
  });
}

function behind(trust: Trust, accepted: Trust): BreakglassError {
  const [named, newer] = [trust.payload.version, accepted.payload.version];
  return new BreakglassError(
    'TRUST_OLDER',
    `the trail at hand names trust version ${named}, and this machine has accepted version ${newer}`,
    { hint: 'give a medium that holds the newer records: --medium DIR. Nothing was published.' },
  );
}
