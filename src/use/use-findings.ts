/** How grave it is what reading use logs, and comparing them with issuances, can find; the gravest first. */
export const useSeverities = ['misuse', 'tampered', 'incomplete', 'warning', 'note'] as const;
export type UseSeverity = (typeof useSeverities)[number];

/** Everything that reading a use log can find, and how grave it is. A code is stable; a message may change. */
export const useFindingSeverities = {
  /** A line is not one record in strict form. */
  USE_LINE_FORM: 'tampered',
  /** Two different lines at one place, both of the guard's key: two processes wrote, or somebody went back to a backup. */
  USE_LOG_FORKED: 'tampered',
  /** `prev` is not the SHA-256 of the line before. */
  USE_CHAIN_BROKEN: 'tampered',
  USE_SIGNATURE_WRONG: 'tampered',
  /** Another key than the log's own signed a line. */
  USE_OTHER_KEY: 'tampered',
  /** Genesis stands at another place than the first, or something else stands there. */
  USE_GENESIS_WRONG: 'tampered',

  /** Records between two that are there are on no copy: taken out, or in a file that was not handed over. */
  USE_LINE_MISSING: 'incomplete',
  /** The log at hand begins later than with its genesis. */
  USE_GENESIS_MISSING: 'incomplete',
  /** The caller does not know the key of this log: whoever wrote it may have made it. */
  USE_KEY_UNKNOWN: 'incomplete',

  /** A last line is cut, and neither a record names it nor a copy has it whole. */
  USE_LINE_TORN: 'warning',
  /** The log does not end with `closed`: it was cut off, the process was killed, or it is still written. */
  USE_END_OPEN: 'warning',
  /** A file with nothing in it: begun when there was no room, or emptied. */
  USE_LOG_EMPTY: 'warning',
  /** Denials that the log counts and does not list. */
  USE_OMITTED: 'note',
  /** A cut line that a `recovered` record names, or that another copy has whole. */
  USE_LINE_MENDED: 'note',
  USE_FINDINGS_CUT: 'note',
} as const satisfies Readonly<Record<string, UseSeverity>>;

export type UseFindingCode = keyof typeof useFindingSeverities;

/** One thing found. `trail` and `seq` say where in which log, `file` in which copy; null when it is of no one in particular. */
export interface UseFinding {
  readonly code: UseFindingCode;
  readonly severity: UseSeverity;
  readonly trail: string | null;
  readonly seq: number | null;
  readonly file: string | null;
  readonly message: string;
}

export type UsePlace = Partial<Pick<UseFinding, 'trail' | 'seq' | 'file'>>;

const keptOfOneCode = 100;

/** Collects findings. Of one code the first hundred are kept, so that a hostile log cannot fill the memory. */
export class UseFindingList {
  readonly #findings: UseFinding[] = [];
  readonly #counts = new Map<UseFindingCode, number>();

  add(code: UseFindingCode, message: string, place: UsePlace = {}): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count <= keptOfOneCode) this.#findings.push(useFinding(code, message, place));
  }

  list(): UseFinding[] {
    const cut = [...this.#counts].filter(([, count]) => count > keptOfOneCode);
    return [
      ...this.#findings,
      ...cut.map(([code, count]) =>
        useFinding('USE_FINDINGS_CUT', `${count - keptOfOneCode} more findings ${code} are not listed`, {}),
      ),
    ];
  }
}

function useFinding(code: UseFindingCode, message: string, place: UsePlace): UseFinding {
  const { trail = null, seq = null, file = null } = place;
  return { code, severity: useFindingSeverities[code], trail, seq, file, message };
}
