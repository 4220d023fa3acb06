import { BreakglassError, errorExits } from '../base/errors.ts';
import { requestFingerprint } from '../trust/request.ts';
import { type Attempt, type CeremonyOptions, type CeremonyPorts, confirmed, trailOptions } from './attempt.ts';
import { openTrail } from './open-trail.ts';
import { type RecorderMembers, waitForMedium } from './trail-writer.ts';

/**
 * A refusal or an abort goes on the record, or waits in the state directory when no medium can take it (P9). It waits too when
 * a medium may hold the record that failed: another one in the same place would fork the trail.
 */
export async function recordFailure(
  error: BreakglassError,
  options: CeremonyOptions,
  ports: CeremonyPorts,
  attempt: Attempt,
): Promise<void> {
  // What was decided waits whole and is written first next time: a failure of that writing undoes nothing.
  if (attempt.stage === 'writing') return;
  const members = failureMembers(error, attempt);
  const run = { session: attempt.session, clock: ports.clock, clockSource: 'none' as const };
  const anomalies = () => confirmed([...options.anomalies, ...(attempt.trail?.anomalies ?? [])], givenBy(attempt));
  const wait = () => waitForMedium(options.state, run, members, anomalies());
  if (attempt.trail?.writer.interrupted) return unlessRefused(wait, ports);
  try {
    attempt.trail ??= await openTrail(trailOptions(options, run), ports);
    await attempt.trail.writer.appendRecorder(members, anomalies());
  } catch (cause) {
    if (!(cause instanceof BreakglassError)) throw cause;
    unlessRefused(wait, ports);
  }
}

// What the state directory says must not hide why there is no token.
function unlessRefused(wait: () => void, { note }: CeremonyPorts): void {
  try {
    wait();
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    note(`breakglass: this attempt is not on the record: ${error.message}`);
  }
}

function givenBy({ given, quorum }: Attempt): readonly string[] {
  return given ?? quorum?.given.map(({ label }) => label) ?? [];
}

function failureMembers(error: BreakglassError, attempt: Attempt): RecorderMembers {
  const { request, stage } = attempt;
  const about = request
    ? { request, requestSha256: requestFingerprint(request).sha256 }
    : { request: null, requestSha256: null };
  if (errorExits[error.code] !== 'aborted' && stage !== 'release' && stage !== 'dealing') {
    return {
      type: 'mint.refused',
      ...about,
      codes: error.details.length > 0 ? error.details.map(({ name }) => name) : [error.code],
    };
  }
  return {
    type: 'mint.aborted',
    ...about,
    code: error.code,
    stage,
    custodians: [...givenBy(attempt)],
  };
}
