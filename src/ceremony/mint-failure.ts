import { BreakglassError, errorExits } from '../base/errors.ts';
import type { Quorum } from '../share/quorum.ts';
import type { Anomaly } from '../trail/record.ts';
import { type Request, requestFingerprint } from '../trust/request.ts';
import type { MintOptions, MintPorts } from './mint.ts';
import { type OpenTrail, type OpenTrailOptions, openTrail } from './open-trail.ts';
import type { FoundAnomaly } from './people.ts';
import { type RecorderMembers, type RunFacts, waitForMedium } from './trail-writer.ts';

type Stage = 'request' | 'policy' | 'media' | 'clock' | 'confirmation' | 'shares' | 'record' | 'release';

/** How far a mint has come: what a record of its failure tells. */
export interface Attempt {
  readonly session: string;
  stage: Stage;
  request: Request | undefined;
  trail: OpenTrail | undefined;
  quorum: Quorum | undefined;
  /** Who had given a share, once the quorum is complete and wiped. */
  given: readonly string[] | undefined;
}

/** The media and the trail of this mint. */
export function trailOptions(options: MintOptions, run: RunFacts): OpenTrailOptions {
  const { state, mediaPaths, mediaRule } = options;
  return { state, mediaPaths, mediaRule, copies: state.trust.payload.policy.copies, run };
}

/** A prompt that somebody left does not know what it was a part of. */
export function notIssued(error: BreakglassError): BreakglassError {
  return new BreakglassError(error.code, error.message, {
    hint: 'no token was issued. Run the same command again to start over; this attempt is on the record.',
    cause: error,
  });
}

/**
 * A refusal or an abort goes on the record, or waits in the state directory when no medium can take it (P9). It waits too when
 * a medium may hold the record that failed: another one in the same place would fork the trail.
 */
export async function recordFailure(
  error: BreakglassError,
  options: MintOptions,
  ports: MintPorts,
  progress: Attempt,
): Promise<void> {
  const members = failureMembers(error, progress);
  const run = { session: progress.session, clock: ports.clock, clockSource: 'none' as const };
  const anomalies = () => confirmed([...options.anomalies, ...(progress.trail?.anomalies ?? [])], givenBy(progress));
  const wait = () => waitForMedium(options.state, run, members, anomalies());
  if (progress.trail?.writer.interrupted) return unlessRefused(wait, ports);
  try {
    progress.trail ??= await openTrail(trailOptions(options, run), ports);
    await progress.trail.writer.appendRecorder(members, anomalies());
  } catch (cause) {
    if (!(cause instanceof BreakglassError)) throw cause;
    unlessRefused(wait, ports);
  }
}

// What the state directory says must not hide why there is no token.
function unlessRefused(wait: () => void, { note }: MintPorts): void {
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

function failureMembers(error: BreakglassError, progress: Attempt): RecorderMembers {
  const { request, stage } = progress;
  const about = request
    ? { request, requestSha256: requestFingerprint(request).sha256 }
    : { request: null, requestSha256: null };
  if (errorExits[error.code] !== 'aborted' && stage !== 'release') {
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
    custodians: [...givenBy(progress)],
  };
}

/** Anomalies as a record keeps them, with who confirmed them. */
export function confirmed(anomalies: readonly FoundAnomaly[], labels: readonly string[]): Anomaly[] {
  return anomalies.map(({ code, detail }) => ({ code, detail, confirmedBy: [...labels] }));
}
