import { BreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import type { SigningKey } from '../key/derive.ts';
import { type Review, sealReview } from '../trail/review.ts';
import type { Reconciliation } from '../use/reconcile.ts';
import type { AuditReport } from './audit-check.ts';

/** What the auditor says besides what was found. */
export interface ReviewWords {
  readonly incident: string;
  /** `misuse`: whatever the reconciliation says. */
  readonly conclusion: 'found' | 'misuse';
  readonly remarks: string;
  readonly at: Seconds;
}

/** A review that says everything but who signs it. */
export type ReviewDraft = Omit<Review, 'auditor'>;

/**
 * Steps 2 and 3 of a review (docs/ceremony.md): what the report says of one incident. Throws `NOT_FOUND` when no issuance of it waits
 * for a review, `NOT_JUDGED` when the trail has no ceremony record.
 */
export function draftReview(report: AuditReport, { incident, conclusion, remarks, at }: ReviewWords): ReviewDraft {
  const { headCeremony, reviews, uses, trustId } = report;
  if (!headCeremony)
    throw new BreakglassError('NOT_JUDGED', 'the trail has no ceremony record', {
      hint: 'give the media with --trail. Nothing was signed.',
    });
  if (!reviews.some((open) => open.incident === incident)) throw nothingOpen(incident, report);
  const found = uses ? findingsOf(uses, incident) : [];
  const trail = report.findings.filter(({ severity }) => severity === 'tampered' || severity === 'unreadable');
  const grave =
    report.verdict === 'tampered' || found.some(({ severity }) => severity === 'misuse' || severity === 'tampered');
  return {
    v: 1,
    trust: trustId,
    incident,
    at,
    through: { seq: headCeremony.seq, sha256: headCeremony.sha256 },
    uses: uses ? reconciledLogs(uses, trustId) : [],
    findings: [...new Set<string>([...found, ...trail].map(({ code }) => code))].sort(),
    conclusion: grave || conclusion === 'misuse' ? 'misuse' : 'in-order',
    remarks,
  };
}

/** Signs it with the key of an auditor of a trust version at hand. Throws `AUDITOR_UNKNOWN`. */
export async function signReview(
  draft: ReviewDraft,
  key: SigningKey,
  { auditors, what }: { readonly auditors: AuditReport['auditors']; readonly what: string },
): Promise<{ readonly review: Review; readonly statement: string }> {
  const signer = auditors.find((auditor) => auditor.public.kid === key.kid);
  if (!signer) {
    const labels = [...new Set(auditors.map(({ label }) => label))].join(', ');
    throw new BreakglassError('AUDITOR_UNKNOWN', `${what} is no auditor's key of this trust`, {
      hint: `${labels === '' ? 'it has none yet' : `its auditors are ${labels}`}; a quorum adds one: breakglass policy apply --add-auditor LABEL=FILE. Nothing was signed.`,
    });
  }
  const review = { ...draft, auditor: signer.label };
  return { review, statement: await sealReview(review, key) };
}

/** What concerns this incident or every one; notes are no findings. */
function findingsOf({ findings }: Reconciliation, incident: string): Reconciliation['findings'] {
  return findings.filter(
    (found) => found.severity !== 'note' && (found.incident === null || found.incident === incident),
  );
}

function reconciledLogs({ logs }: Reconciliation, trustId: string): Review['uses'] {
  return logs.flatMap(({ trail, genesis, head }) =>
    head && genesis?.trust === trustId ? [{ trail, seq: head.seq, sha256: head.sha256 }] : [],
  );
}

function nothingOpen(incident: string, { reviews }: AuditReport): BreakglassError {
  const open = reviews.slice(0, 10).map((review) => review.incident);
  return new BreakglassError('NOT_FOUND', `no issuance of incident ${incident} waits for a review`, {
    hint: `${open.length === 0 ? 'none does' : `these do: ${open.join(', ')}`}. Nothing was signed.`,
  });
}
