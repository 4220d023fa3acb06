/** Why a session is over. */
export type SessionEnd = 'expired' | 'killed' | 'closed';

/** Something that a service has started with a token: it lives as long as the token's family is good, and no longer. */
export interface Session {
  /** Public, for logs. */
  readonly id: string;
  readonly family: string;
  /** Aborted when the session ends, for work in flight. */
  readonly signal: AbortSignal;
}
