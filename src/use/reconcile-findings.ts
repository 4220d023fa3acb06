import { formatTime } from '../base/time.ts';
import type { UseFinding, UseFindingCode, UseSeverity } from './use-findings.ts';

/** What comparing uses with issuances can find (docs/format.md §16). A code is stable; a message may change. */
export const reconcileFindingSeverities = {
  USE_NOT_ISSUED: 'misuse',
  USE_OUTSIDE_WINDOW: 'misuse',
  USE_OVER_SCOPE: 'misuse',
  USE_OTHER_AUDIENCE: 'misuse',
  USE_AFTER_REVOCATION: 'misuse',
  USE_OTHER_HOLDER: 'misuse',

  /** No file of a log was given, or none can be read as one. */
  USE_LOGS_NONE: 'incomplete',
  /** A log of another trust: nothing in it was judged. */
  USE_LOG_OTHER_TRUST: 'incomplete',

  USE_WITHOUT_KEY: 'warning',
  USE_SEVERAL_CLIENTS: 'warning',
  DENIED_IN_A_ROW: 'warning',

  TOKEN_UNUSED: 'note',
  /** A kill file denies the token, and nothing says since when. */
  REVOCATION_UNDATED: 'note',
  REVOCATIONS_NOT_JUDGED: 'note',
  FINDINGS_CUT: 'note',
} as const satisfies Readonly<Record<string, UseSeverity>>;

export type ReconcileCode = keyof typeof reconcileFindingSeverities;

/** One thing found, perhaps many times: `at` is the first time, `last` the last. Null where it is of nothing in particular. */
export interface ReconcileFinding {
  readonly code: ReconcileCode | UseFindingCode;
  readonly severity: UseSeverity;
  /** The `trail` of the log. */
  readonly log: string | null;
  /** The line of the log, or of its first time. */
  readonly seq: number | null;
  readonly file: string | null;
  readonly at: string | null;
  readonly last: string | null;
  readonly jti: string | null;
  /** What it concerns; null: every incident. */
  readonly incident: string | null;
  readonly count: number;
  readonly message: string;
}

/** Where and when something was found. */
export interface FoundAt {
  readonly log: string;
  readonly seq: number;
  readonly atMs: number;
  readonly jti?: string;
  readonly incident?: string;
  /** What makes it the same thing again; without it, code, log and jti do. */
  readonly same?: string;
}

const keptOfOneCode = 100;

/** Collects findings, the same thing again as a count. Of one code the first hundred are kept: a hostile log fills no memory. */
export class ReconcileFindings {
  readonly #found = new Map<string, ReconcileFinding>();
  readonly #kept = new Map<ReconcileCode, number>();
  readonly #cut = new Map<ReconcileCode, number>();

  /** Something that a use shows; `message` is of its first time. */
  report(code: ReconcileCode, place: FoundAt, message: string, count = 1): void {
    const { log, seq, jti = null, incident = null } = place;
    const at = timeOfMs(place.atMs);
    const key = JSON.stringify([code, log, jti, place.same ?? null]);
    const before = this.#found.get(key);
    if (before) this.#found.set(key, { ...before, last: at, count: before.count + count });
    else
      this.#keep(key, {
        code,
        severity: reconcileFindingSeverities[code],
        log,
        seq,
        file: null,
        at,
        last: at,
        jti,
        incident,
        count,
        message,
      });
  }

  /** Something that no single use shows. */
  add(
    code: ReconcileCode,
    message: string,
    about: Partial<Pick<ReconcileFinding, 'log' | 'at' | 'jti' | 'incident'>> = {},
  ): void {
    const { log = null, at = null, jti = null, incident = null } = about;
    const severity = reconcileFindingSeverities[code];
    this.#keep(JSON.stringify([code, message]), {
      code,
      severity,
      log,
      seq: null,
      file: null,
      at,
      last: at,
      jti,
      incident,
      count: 1,
      message,
    });
  }

  list(): ReconcileFinding[] {
    const cut = [...this.#cut].map(
      ([code, count]): ReconcileFinding => ({
        ...{ code: 'FINDINGS_CUT', severity: 'note', log: null, seq: null, file: null },
        ...{
          at: null,
          last: null,
          jti: null,
          incident: null,
          count,
          message: `${count} more findings ${code} are not listed`,
        },
      }),
    );
    return [...this.#found.values(), ...cut];
  }

  #keep(key: string, found: ReconcileFinding & { readonly code: ReconcileCode }): void {
    const kept = this.#kept.get(found.code) ?? 0;
    if (kept >= keptOfOneCode) this.#cut.set(found.code, (this.#cut.get(found.code) ?? 0) + found.count);
    else {
      this.#kept.set(found.code, kept + 1);
      this.#found.set(key, found);
    }
  }
}

/** What reading the logs found, in the same form. */
export function ofReading({ trail, ...found }: UseFinding): ReconcileFinding {
  return { ...found, log: trail, at: null, last: null, jti: null, incident: null, count: 1 };
}

/** The time of a use, whatever a log says it was. */
export function timeOfMs(ms: number): string {
  return formatTime(Math.min(Math.floor(ms / 1000), 253_402_300_799));
}
