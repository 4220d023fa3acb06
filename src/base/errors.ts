/** Exit statuses of the command (docs/format.md §11). */
export const exitStatus = {
  done: 0,
  no: 1,
  usage: 2,
  undecided: 3,
  refused: 4,
  shares: 5,
  media: 6,
  preflight: 7,
  bug: 70,
  aborted: 130,
} as const;

export type ExitName = keyof typeof exitStatus;

/** Every error code there is, and the exit status it leads to. A code is stable; a message may change. */
export const errorExits = {
  USAGE: 'usage',
  NO_TERMINAL: 'usage',
  BAD_INPUT: 'usage',
  NOT_FOUND: 'usage',
  EXISTS: 'usage',
  STATE_MISSING: 'usage',
  STATE_DAMAGED: 'media',
  STATE_EXPOSED: 'media',
  STATE_BUSY: 'usage',
  INIT_UNFINISHED: 'usage',

  FORMAT: 'no',
  FORMAT_NEWER: 'undecided',
  JWS_NOT_COMPACT: 'no',
  JWS_NOT_CANONICAL: 'no',
  JWS_HEADER: 'no',
  JWS_SIGNATURE: 'no',
  KEY_REFUSED: 'shares',
  KEY_MISMATCH: 'shares',

  TRUST_INVALID: 'no',
  TRUST_OTHER: 'no',
  TRUST_OLDER: 'no',
  TRUST_MISSING: 'undecided',
  PUBLISH_UNFINISHED: 'media',
  POLICY_INVALID: 'refused',
  POLICY_REFUSED: 'refused',
  REQUEST_INVALID: 'refused',
  REQUEST_CHANGED: 'refused',
  REQUEST_REUSED: 'refused',
  REQUEST_EXPIRED: 'refused',
  REQUEST_REVOKED: 'refused',
  FAMILY_UNKNOWN: 'refused',
  FAMILY_DIFFERS: 'refused',
  CONFIRMATION_DIFFERS: 'refused',
  ANOMALY_UNCONFIRMED: 'refused',

  SHARE_NOT_A_SHARE: 'shares',
  SHARE_LENGTH: 'shares',
  SHARE_WORD_UNKNOWN: 'shares',
  SHARE_CHECKSUM: 'shares',
  SHARE_SLIP: 'shares',
  SHARE_INDEX_ZERO: 'shares',
  SHARE_OTHER_TRUST: 'shares',
  SHARE_OTHER_SET: 'shares',
  SHARE_RETIRED_SET: 'shares',
  SHARE_ABANDONED_SET: 'shares',
  SHARE_COMMITMENT: 'shares',
  SHARE_DUPLICATE: 'shares',
  SHARE_NOT_COUNTED: 'shares',
  SHARE_TOO_FEW: 'shares',
  SHARE_FILE: 'shares',
  SHARE_NOT_READ_BACK: 'shares',
  PASSPHRASE_WRONG: 'shares',

  TOKEN_EMPTY: 'no',
  TOKEN_TOO_LARGE: 'no',
  TOKEN_NOT_COMPACT: 'no',
  TOKEN_NOT_CANONICAL: 'no',
  TOKEN_HEADER: 'no',
  TOKEN_ALGORITHM: 'no',
  TOKEN_CLAIMS: 'no',
  TOKEN_UNKNOWN_KEY: 'no',
  TOKEN_KEY_RETIRED: 'no',
  TOKEN_SIGNATURE: 'no',
  TOKEN_NOT_YET_VALID: 'no',
  TOKEN_ISSUED_IN_FUTURE: 'no',
  TOKEN_EXPIRED: 'no',
  TOKEN_ISSUER: 'no',
  TOKEN_OTHER_TRUST: 'no',
  TOKEN_AUDIENCE: 'no',
  TOKEN_OVER_POLICY: 'no',
  TOKEN_DRILL: 'no',
  TOKEN_PRODUCTION: 'no',
  TOKEN_REVOKED: 'no',
  STRIP_NOT_BEGUN: 'undecided',
  STRIP_OVER: 'no',
  REVOCATIONS_MISSING: 'undecided',
  REVOCATIONS_BEHIND: 'undecided',
  REVOCATIONS_INVALID: 'no',
  REVOKER_UNKNOWN: 'shares',
  REVOKER_RETIRED: 'shares',
  KILL_OTHER_TRUST: 'no',
  KILL_INVALID: 'no',
  NOT_JUDGED: 'undecided',

  CREDENTIALS_TWICE: 'no',
  CREDENTIALS_IN_QUERY: 'no',
  CREDENTIALS_SCHEME: 'no',
  PROOF_MISSING: 'no',
  PROOF_TWICE: 'no',
  PROOF_TOO_LARGE: 'no',
  PROOF_FORM: 'no',
  PROOF_HEADER: 'no',
  PROOF_CLAIMS: 'no',
  PROOF_KEY: 'no',
  PROOF_SIGNATURE: 'no',
  PROOF_METHOD: 'no',
  PROOF_URL: 'no',
  PROOF_TIME: 'no',
  PROOF_TOKEN: 'no',
  PROOF_NONCE: 'no',
  PROOF_REPLAYED: 'no',
  PROOF_MEMORY_FULL: 'undecided',
  SCOPE_MISSING: 'no',
  SESSION_UNKNOWN: 'no',
  SESSION_ENDED: 'no',
  SESSIONS_FULL: 'undecided',
  KILLED: 'no',
  REVOCATIONS_STALE: 'undecided',
  GUARD_CLOSED: 'undecided',
  USE_LOG_FAILED: 'undecided',
  USE_LOG_INVALID: 'no',
  REVIEW_INVALID: 'no',
  AUDITOR_UNKNOWN: 'shares',

  TRAIL_MISSING: 'media',
  TRAIL_TAMPERED: 'no',
  TRAIL_FOREIGN: 'media',
  TRAIL_BEHIND: 'media',
  TRAIL_DAMAGED: 'media',
  CHECKPOINT_INVALID: 'no',
  MEDIUM_TOO_FEW: 'media',
  MEDIUM_NOT_FOUND: 'media',
  MEDIUM_NOT_REMOVABLE: 'media',
  MEDIUM_SAME_DEVICE: 'media',
  MEDIUM_FULL: 'media',
  MEDIUM_READ_ONLY: 'media',
  MEDIUM_CHANGED: 'media',
  MEDIUM_FOREIGN: 'media',
  MEDIUM_IN_USE: 'media',
  MEDIUM_READ_BACK: 'media',
  IO: 'media',

  CLOCK_DIFFERS: 'preflight',
  PREFLIGHT_FAILED: 'preflight',
  DRILL_FAILED: 'no',
  TIMEOUT: 'aborted',
  ABORTED: 'aborted',
} as const satisfies Record<string, ExitName>;

export type ErrorCode = keyof typeof errorExits;

const brand = Symbol.for('breakglass/error');

/**
 * The one error of breakglass. `message` names the thing, in lower case and without a final period, and never holds a
 * secret; `hint` says what to do and what did not happen. Anything else that is thrown is a bug.
 */
export class BreakglassError extends Error {
  // The program is bundled in more than one piece, and each has this class: one must know the errors of the other.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }

  override readonly name = 'BreakglassError';
  readonly [brand] = true;
  readonly code: ErrorCode;
  readonly hint: string;
  /** What is wrong one by one, where it is more than one thing: the rule's name and its message. */
  readonly details: readonly ErrorDetail[];

  constructor(code: ErrorCode, message: string, options: BreakglassErrorOptions) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? [];
  }
}

export interface ErrorDetail {
  readonly name: string;
  readonly message: string;
}

export interface BreakglassErrorOptions {
  readonly hint: string;
  readonly cause?: unknown;
  readonly details?: readonly ErrorDetail[];
}

/** True for an error with this code, or for any BreakglassError when no code is given. */
export function isBreakglassError(error: unknown, code?: ErrorCode): error is BreakglassError {
  return error instanceof BreakglassError && (code === undefined || error.code === code);
}

/** The `code` of a Node.js system error (`ENOSPC`, `EROFS`, …), or undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
