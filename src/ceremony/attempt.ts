import type { RandomBytes } from '../base/random.ts';
import type { Clock } from '../base/time.ts';
import type { State } from '../machine/state.ts';
import type { MediumHost } from '../medium/medium.ts';
import type { Quorum } from '../share/quorum.ts';
import { endIfAsked, type Signals } from '../terminal/signals.ts';
import type { Anomaly, PreflightEntry } from '../trail/record.ts';
import type { Review } from '../trail/review.ts';
import type { Request } from '../trust/request.ts';
import type { OpenTrail, OpenTrailOptions } from './open-trail.ts';
import type { FoundAnomaly, QuorumPeople } from './people.ts';
import type { RunFacts } from './trail-writer.ts';

type Stage =
  | 'request'
  | 'policy'
  | 'media'
  | 'clock'
  | 'confirmation'
  | 'shares'
  | 'dealing'
  | 'record'
  | 'release'
  | 'writing';

/** What every quorum ceremony is held with. */
export interface CeremonyOptions {
  readonly state: State;
  /** Directories given by hand; none: media are found by their MEDIUM.JSN. */
  readonly mediaPaths: readonly string[];
  readonly mediaRule: 'removable' | 'fixed-allowed';
  readonly preflight: PreflightEntry;
  /** The state directory was rebuilt in this run. */
  readonly anomalies: readonly FoundAnomaly[];
}

export interface CeremonyPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly host: MediumHost;
  readonly people: QuorumPeople;
  /** Asked between steps, and not any more once the record may stand. */
  readonly signals: Signals;
  /** What people should know while it happens. */
  note(text: string): void;
}

/** How far a quorum ceremony has come: what a record of its failure tells, and what must be let go at its end. */
export interface Attempt {
  readonly session: string;
  stage: Stage;
  request: Request | undefined;
  trail: OpenTrail | undefined;
  quorum: Quorum | undefined;
  /** Reviews that are on their way into the trail, by their statement. */
  readonly reviews: Map<string, Review>;
  /** Who had given a share, once the quorum is complete and wiped. */
  given: readonly string[] | undefined;
}

/**
 * Begins a stage before or after work that hears no signals: throws `ABORTED`, out of the stage before, when one has come. Prompts
 * hear signals themselves.
 */
export async function enter(stage: Stage, attempt: Attempt, { signals }: CeremonyPorts): Promise<void> {
  await endIfAsked(signals);
  attempt.stage = stage;
}

/** A signal that came when there was nothing left to stop, as a warning. */
export async function lateSignal({ signals }: Pick<CeremonyPorts, 'signals'>, outcome: string) {
  const signal = await signals.arrived();
  return signal ? [{ code: 'SIGNAL_LATE', message: `${signal} came too late to stop it: ${outcome}` }] : [];
}

/** The media and the trail of this ceremony. */
export function trailOptions(options: CeremonyOptions, run: RunFacts): OpenTrailOptions {
  const { state, mediaPaths, mediaRule } = options;
  return { state, mediaPaths, mediaRule, copies: state.trust.payload.policy.copies, run };
}

/** Anomalies as a record keeps them, with who confirmed them. */
export function confirmed(anomalies: readonly FoundAnomaly[], labels: readonly string[]): Anomaly[] {
  return anomalies.map(({ code, detail }) => ({ code, detail, confirmedBy: [...labels] }));
}
