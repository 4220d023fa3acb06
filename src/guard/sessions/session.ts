import { BreakglassError } from '../../base/errors.ts';

/** Why a session is over. */
export type SessionEnd = 'expired' | 'killed' | 'closed';

/** Something that a service has started with a token: it lives as long as the token's family is good, and no longer. */
export interface Session {
  /** Public, for logs. */
  readonly id: string;
  readonly family: string;
  /** Aborted when the session ends, for work in flight; its reason is the error that a later request meets. */
  readonly signal: AbortSignal;
}

/** Told once, after the session can no longer be used. What it throws, or rejects with, is swallowed. */
export type OnSessionEnd = (reason: SessionEnd, session: Session) => unknown;

/** Tells that a session is over; nothing that comes of it reaches the guard. */
export function tellEnd(onEnd: OnSessionEnd | undefined, reason: SessionEnd, session: Session): void {
  try {
    Promise.resolve(onEnd?.(reason, session)).catch(() => {});
  } catch {
    // A service that cannot clean up must not keep the others from being ended.
  }
}

const words: Readonly<Record<SessionEnd, string>> = {
  expired: 'its token is over',
  killed: 'it was killed',
  closed: 'it was closed',
};

/** What a session that is over is refused with, and what its signal is aborted with. */
export function ended(reason?: SessionEnd): BreakglassError {
  const why = reason ? words[reason] : 'it is over';
  return new BreakglassError('SESSION_ENDED', `the session is refused: ${why}`, {
    hint: 'show a valid token to open another. Nothing was opened.',
  });
}

export function full(max: number): BreakglassError {
  return new BreakglassError('SESSIONS_FULL', `${max} sessions are open, and no more are held`, {
    hint: 'end some, or raise the bound of the guard. The session was not opened.',
  });
}
