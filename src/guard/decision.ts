import type { BreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import type { Claims } from '../token/claims.ts';
import type { Session } from './sessions/sessions.ts';

/**
 * What a guard says of a request. `none`: it carries no break-glass credentials, and normal RBAC decides, untouched. `allowed`:
 * the token decides, and nothing of the subject's normal roles counts. `denied`: answer with `answer`, whatever RBAC would say.
 */
export type Decision =
  | { readonly outcome: 'none' }
  | { readonly outcome: 'allowed'; readonly access: Access }
  | { readonly outcome: 'denied'; readonly error: BreakglassError; readonly answer: Answer };

/** What the client hears: the same words for every cause, for the precise code is in the use log. */
export interface Answer {
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a break-glass token opens, on this request. It replaces normal RBAC: exactly these scopes and actions. */
export interface Access {
  readonly subject: string;
  readonly incident: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly actions: readonly string[];
  readonly drill: boolean;
  readonly family: string;
  readonly jti: string;
  readonly kid: string;
  readonly sequence: number;
  readonly expiresAt: Seconds;
  /** Thumbprint of the key whose possession was proved, or null for a bearer token of a role that permits it. */
  readonly holder: string | null;
  /** The session that carried the request instead of a token, or null. */
  readonly session: Session | null;
  /** The whole claim set (docs/format.md §8). */
  readonly claims: Claims;
  /** SHA-256 of the compact token, lower-case hex. */
  readonly tokenSha256: string;
}
