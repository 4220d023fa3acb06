import { BreakglassError, errorExits } from '../base/errors.ts';
import { randomId } from '../base/random.ts';
import type { State } from '../machine/state.ts';
import { type Attempt, type CeremonyOptions, type CeremonyPorts, enter, trailOptions } from './attempt.ts';
import { recordFailure } from './failure-record.ts';
import { type OpenTrail, openTrail } from './open-trail.ts';
import { letGo } from './plug-media.ts';

/** The media name a trust version that this machine had not seen: everything is judged again under it. */
class TrustAdvanced extends Error {}

/**
 * Runs one quorum ceremony: what ends it early goes on the record (P9), shares are wiped and media let go whatever happens.
 * `undone` says what did not happen then.
 */
export async function holdCeremony<T>(
  options: CeremonyOptions,
  ports: CeremonyPorts,
  undone: string,
  run: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const attempt: Attempt = {
    session: randomId(ports.random),
    stage: 'request',
    request: undefined,
    trail: undefined,
    quorum: undefined,
    reviews: new Map(),
    given: undefined,
  };
  try {
    return await againWhenTrustAdvances(attempt, run);
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    await recordFailure(error, options, ports, attempt);
    throw isDecided(attempt) ? error : saidFor(undone, error);
  } finally {
    attempt.quorum?.wipe();
    letGoOf(attempt);
  }
}

async function againWhenTrustAdvances<T>(attempt: Attempt, run: (attempt: Attempt) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run(attempt);
    } catch (error) {
      if (!(error instanceof TrustAdvanced)) throw error;
      letGoOf(attempt);
    }
  }
}

/**
 * Steps 4 and 5: the media and the trail of a ceremony. When the trail names trust versions that only the media hold, this
 * machine accepts them and the ceremony begins again under the newest.
 */
export async function openCeremonyTrail(
  options: CeremonyOptions,
  ports: CeremonyPorts,
  attempt: Attempt,
): Promise<OpenTrail> {
  await enter('media', attempt, ports);
  const run = { session: attempt.session, clock: ports.clock, clockSource: 'none' as const };
  const before = options.state.trust;
  const trail = await openTrail(trailOptions(options, run), ports);
  attempt.trail = trail;
  acceptNewerTrust(options.state, trail);
  if (options.state.trust !== before) throw new TrustAdvanced();
  return trail;
}

// Each version is signed by the root before it, and the trail key of the time has named it (docs/format.md §5).
function acceptNewerTrust(state: State, trail: OpenTrail): void {
  const named = trail.trust;
  if (!named || named.payload.version <= state.trust.payload.version) return;
  const later = trail.history.filter(({ payload }) => payload.version > state.trust.payload.version);
  for (const trust of later) if (trust.payload.version <= named.payload.version) state.addTrust(trust);
}

const nothingSigned = 'Nothing was signed.';

/** What prompts and checks of every ceremony say does not know what they were a part of. */
function saidFor(undone: string, error: BreakglassError): BreakglassError {
  const aborted = errorExits[error.code] === 'aborted';
  if (!aborted && !error.hint.includes(nothingSigned)) return error;
  const sentence = `${undone}.`;
  const hint = aborted
    ? `${sentence} Run the same command again to start over; this attempt is on the record.`
    : error.hint.replace(nothingSigned, sentence);
  return new BreakglassError(error.code, error.message, { hint, cause: error, details: error.details });
}

/** What was signed is on the record: it cannot be said any more that nothing happened. */
function isDecided({ stage }: Attempt): boolean {
  return stage === 'release' || stage === 'writing';
}

function letGoOf(attempt: Attempt): void {
  letGo(attempt.trail?.media ?? []);
  attempt.trail = undefined;
}
