import type { BreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import type { Fingerprint } from '../key/fingerprint.ts';
import { type MendAnomaly, mendAnomalyCodes } from '../medium/anomalies.ts';
import type { Slip } from '../share/slip.ts';
import type { Request } from '../trust/request.ts';

/** What looks wrong and does not refuse: shown to every custodian, confirmed by each, recorded (P10). */
export interface FoundAnomaly {
  readonly code: AnomalyCode;
  readonly detail: string;
}

const ceremonyCodes = [
  'TRAIL_TAMPERED',
  'HEAD_CODE_UNKNOWN',
  'CLOCK_BEFORE_TRAIL',
  'STATE_NEW',
  'STATE_DAMAGED',
  'MEDIA_FIXED',
  'REVIEW_OVERDUE',
] as const;

/** Those of the media (medium/reconcile.ts), and those of the ceremony itself. */
export type AnomalyCode = MendAnomaly['code'] | (typeof ceremonyCodes)[number];

/** True for a code that a record may carry over to the next quorum. */
export function isAnomalyCode(code: string): code is AnomalyCode {
  return ([...ceremonyCodes, ...mendAnomalyCodes] as readonly string[]).includes(code);
}

/** What every custodian sees and confirms before giving a share. */
export interface Panel {
  /** PRODUCTION, DRILL, or what a ceremony without a token changes. */
  readonly title: string;
  /** What is asked for, in words. */
  readonly rows: readonly (readonly [label: string, value: string])[];
  /** What is asked when the panel is first shown. */
  readonly question: string;
  readonly request: Request;
  readonly fingerprint: Fingerprint;
  readonly trustName: string;
  readonly trustFingerprint: Fingerprint;
  readonly anomalies: readonly FoundAnomaly[];
}

/** Who has given a share and how many are missing. */
export interface Progress {
  readonly given: readonly string[];
  readonly missing: number;
  readonly waitingFor: readonly string[];
  /** Words of a card: 17 or 29. */
  readonly cardWords: number;
}

/** The people of a quorum ceremony: at a terminal, as flags of a command line, or simulated in a drill. */
export interface QuorumPeople {
  /** The first words of a head code from a card, or null when no card is at hand. */
  headCode(): Promise<string | null>;
  /** Resolves with how `now` was confirmed; throws `CLOCK_DIFFERS`. */
  confirmClock(now: Seconds): Promise<'people' | 'flag' | 'sandbox'>;
  /** The words were compared with what the responder reads out; throws `REQUEST_CHANGED` or `ABORTED`. */
  confirmRequest(panel: Panel): Promise<void>;
  /** The next share as typed, scanned or read from a file; the caller wipes it. A custodian has seen the panel and agreed. */
  nextShare(panel: Panel, progress: Progress): Promise<Uint8Array>;
  /** A share was refused. `take` accepts the correction of `slip`; throws where nobody can try again. */
  refused(error: BreakglassError, slip: Slip | undefined): Promise<'again' | 'take'>;
  accepted(label: string, progress: Progress): void;
  /** The quorum is complete, and `why` asks for one share more: does somebody come, or do all here confirm that nobody can? */
  extraShare(why: string, progress: Progress): Promise<'comes' | 'nobody'>;
}
