export const severities = ['tampered', 'unreadable', 'not-provable', 'warning', 'note'] as const;
export type Severity = (typeof severities)[number];

/** Everything that a check of a trail can find, and how grave it is. A code is stable; a message may change. */
export const findingSeverities = {
  /** The bytes are not one record in strict form. */
  RECORD_FORM: 'tampered',
  /** The file name is not the record's `seq`. */
  RECORD_NAME: 'tampered',
  RECORD_MISSING: 'tampered',
  /** A place of the trail comes a second time, or after a later one. */
  RECORD_REPEATED: 'tampered',
  /** `prev` is not the SHA-256 of the file before. */
  CHAIN_BROKEN: 'tampered',
  TRAIL_OTHER: 'tampered',
  SIGNER_WRONG: 'tampered',
  SIGNATURE_WRONG: 'tampered',
  GENESIS_MISSING: 'tampered',
  GENESIS_REPEATED: 'tampered',
  /** Genesis does not say what the trust file of version 1 says. */
  GENESIS_DIFFERS: 'tampered',
  TRUST_SUCCESSION: 'tampered',
  /** `requestSha256` is not the fingerprint of the request in the record. */
  REQUEST_DIFFERS: 'tampered',
  /** The request is not of this trust, or asks for something else than the record did. */
  REQUEST_KIND: 'tampered',
  REQUEST_REUSED: 'tampered',
  REQUEST_AGE: 'tampered',
  /** The custodians are not a quorum of the active set. */
  QUORUM: 'tampered',
  /** `policySha256` is not that of the policy in force. */
  POLICY_DIFFERS: 'tampered',
  POLICY_BROKEN: 'tampered',
  TOKEN_OVER_POLICY: 'tampered',
  /** A token is not what the request and the record make of it. */
  TOKEN_DIFFERS: 'tampered',
  FAMILY_SEQUENCE: 'tampered',
  /** A family goes on for another incident, subject or role, or as a drill or not. */
  FAMILY_DIFFERS: 'tampered',
  ANCHOR_BEYOND_END: 'tampered',
  ANCHOR_DIFFERS: 'tampered',
  CHECKPOINT_DIFFERS: 'tampered',
  COPY_DIFFERS: 'tampered',
  COPIES_FORKED: 'tampered',
  /** A file under a trust version's name is none, or does not follow from version 1. */
  TRUST_FILE_REFUSED: 'tampered',
  /** Two trust files of one version are both signed. */
  TRUST_FORKED: 'tampered',

  RECORD_UNREADABLE: 'unreadable',
  /** The newest file is cut off: what a power cut leaves, and what a hand can make. */
  RECORD_TORN: 'unreadable',
  TRAIL_EMPTY: 'unreadable',

  RECORDER_UNKNOWN: 'not-provable',
  TRUST_FILE_MISSING: 'not-provable',
  FORMAT_NEWER: 'not-provable',
  END_NOT_PROVED: 'not-provable',
  TRUST_NOT_ANCHORED: 'not-provable',

  RESTARTED: 'warning',
  /** The recorder, who has no authority, says that it released what no record issued. */
  RELEASE_UNKNOWN: 'warning',
  ANOMALY: 'warning',
  PREFLIGHT_FAILED: 'warning',
  MEDIUM_FIXED: 'warning',
  SANDBOX: 'warning',
  COPY_BEHIND: 'warning',
  COPIES_DIVERGE: 'warning',
  /** A record that another copy holds readable. */
  COPY_UNREADABLE: 'warning',
  FILE_UNKNOWN: 'warning',
  /** A file beside the records that could not be read. */
  FILE_UNREADABLE: 'warning',
  TRUST_FILE_TORN: 'warning',
  TRUST_NOT_IN_FORCE: 'warning',
  CHECKPOINT_UNUSED: 'warning',
  SEEN_TOKEN_UNUSED: 'warning',
  DRILL_OVERDUE: 'warning',
  /** A review record whose statement does not hold. */
  REVIEW_REFUSED: 'warning',
  REVIEW_WITHOUT_USES: 'warning',
  REVIEW_MISUSE: 'warning',
  REVIEW_OVERDUE: 'warning',
  /** A review was overdue, the policy asked for one more share, and nobody gave it or confirmed that nobody could. */
  REVIEW_SHARE_MISSING: 'warning',

  REVIEW_OPEN: 'note',
  FILE_SET_ASIDE: 'note',
  PROVISIONAL: 'note',
  FINDINGS_CUT: 'note',
} as const satisfies Readonly<Record<string, Severity>>;

export type FindingCode = keyof typeof findingSeverities;
export const findingCodes = Object.keys(findingSeverities) as readonly FindingCode[];

/** One thing found. `seq` is the record's place, `medium` the label of the copy; null when it is of no one in particular. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly seq: number | null;
  readonly medium: string | null;
  readonly message: string;
}

/** Where a file was found. */
export interface RecordPlace {
  /** From the file name; null in a concatenated file. */
  readonly seq: number | null;
  /** For people: "record 12 on AUDIT-B". */
  readonly what: string;
  /** The label of the copy, or null when all copies hold the same. */
  readonly medium: string | null;
}

export function finding(
  code: FindingCode,
  message: string,
  where: { readonly seq?: number | null; readonly medium?: string | null } = {},
): Finding {
  return { code, severity: findingSeverities[code], seq: where.seq ?? null, medium: where.medium ?? null, message };
}

/** Whether it touches the verdict. */
export function isGrave({ severity }: Finding): boolean {
  return severity !== 'warning' && severity !== 'note';
}

const keptOfOneCode = 100;

/** Collects findings. Of one code the first hundred are kept, so that a hostile trail cannot fill the memory. */
export class FindingList {
  readonly #findings: Finding[] = [];
  readonly #counts = new Map<FindingCode, number>();

  add(found: Finding): void {
    const count = (this.#counts.get(found.code) ?? 0) + 1;
    this.#counts.set(found.code, count);
    if (count <= keptOfOneCode) this.#findings.push(found);
  }

  /** A finding about one record; `seq` is its place when the file name does not say it. */
  report(code: FindingCode, where: RecordPlace, why: string, seq: number | null = where.seq): void {
    this.add(finding(code, `${where.what}: ${why}`, { seq: where.seq ?? seq, medium: where.medium }));
  }

  list(): Finding[] {
    const cut = [...this.#counts].filter(([, count]) => count > keptOfOneCode);
    return [
      ...this.#findings,
      ...cut.map(([code, count]) =>
        finding('FINDINGS_CUT', `${count - keptOfOneCode} more findings ${code} are not listed`),
      ),
    ];
  }
}
