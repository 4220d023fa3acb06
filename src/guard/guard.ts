import { setTimeout as sleep } from 'node:timers/promises';
import { isBreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import type { Selector } from '../revocation/denial.ts';
import { GuardClock } from './clock.ts';
import { closedGuard } from './closed-guard.ts';
import type { Decision } from './decision.ts';
import { GuardCore } from './guard-core.ts';
import { GuardState } from './guard-state.ts';
import { type GuardOptions, settle } from './options.ts';
import type { GuardRequest, Requirement } from './request.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { SourceState } from './sources/revocation-channel.ts';
import type { UseLogHealth } from './use-log/use-log-keeper.ts';

/** What a guard is like just now, for a health check. Break-glass that is closed is no reason to take normal traffic away. */
export interface GuardHealth {
  readonly state: 'open' | 'closed';
  /** Why it is closed. */
  readonly code: string | null;
  readonly message: string | null;
  readonly trust: { readonly id: string; readonly version: number; readonly sha256: string } | null;
  readonly revocations: {
    readonly freshness: 'fresh' | 'stale' | 'missing';
    readonly lines: number;
    readonly killSwitch: string | null;
    readonly sources: readonly SourceState[];
  };
  readonly useLog: UseLogHealth | null;
  readonly sessions: number;
  /** `set-back`: the clock of the machine is behind what this guard has seen, and is not followed. */
  readonly clock: 'followed' | 'set-back';
}

export interface DenyOptions {
  readonly reason?: string;
  /** Only tokens that were issued before. */
  readonly before?: Seconds;
}

/**
 * Judges the requests of one service (docs/guard.md). Made by `createGuard`; its methods never touch normal traffic, and it keeps no
 * process alive.
 */
export interface Guard {
  /** Judges one request; `requirement` is what the route wants of a break-glass token. Never rejects for what a client did. */
  check(request: GuardRequest, requirement?: Requirement | string): Promise<Decision>;
  /** `check` for a route. */
  require(requirement: Requirement | string): (request: GuardRequest) => Promise<Decision>;
  /** What this service starts with tokens. */
  readonly sessions: Sessions;
  /** Denies here and now, on top of all lists: it can only add. Other replicas learn it from the event `denied.locally`, if somebody carries it. */
  deny(selector: Selector, options?: DenyOptions): Promise<void>;
  denySubject(subject: string, options?: DenyOptions): Promise<void>;
  /** Calls `listener` after denials came in, when the sessions that they end are over. Returns what takes it away again. */
  onKill(listener: () => void): () => void;
  health(): GuardHealth;
  /** Looks at every source now. */
  refresh(): Promise<void>;
  /** Ends all sessions, finishes the use log and stops watching. What is checked afterwards is denied. */
  close(): Promise<void>;
}

/** How long a service waits for the first look at the sources: whatever is slower opens break-glass later. */
const startPatienceMs = 1000;

/**
 * Makes the guard of a service. It is there at once, closed until trust, revocations and use log are: nothing of break-glass may keep
 * normal traffic from starting. Throws `BAD_INPUT` for options that can never work; whatever else is wrong, `health()` says.
 */
export async function createGuard(options: GuardOptions): Promise<Guard> {
  const settings = settle(options);
  const clock = new GuardClock(settings.clocks, (backMs) =>
    settings.onEvent({ type: 'clock.jumped', seconds: Math.round(backMs / 1000) }),
  );
  try {
    const guard = new GuardCore(settings, clock, new GuardState(settings.state));
    await Promise.race([guard.refresh(), sleep(startPatienceMs, undefined, { ref: false })]);
    guard.begin();
    return guard;
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    settings.onEvent({ type: 'closed', code: error.code, message: error.message });
    return closedGuard(error, clock);
  }
}
