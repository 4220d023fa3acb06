import { BreakglassError } from '../base/errors.ts';
import {
  type JwsSigner,
  jwsPayload,
  openJws,
  sealJws,
  type UnverifiedJws,
  verifyJws,
  verifyJwsInBackground,
} from '../base/jws.ts';
import {
  arrayBetween,
  freeText,
  identifier,
  integer,
  literal,
  numericDate,
  object,
  oneOf,
  type Shape,
  sha256Digest,
} from '../base/schema.ts';
import { stringThat } from '../base/shape.ts';
import type { LabelledKey } from '../trust/trust-file.ts';

const findingCode = stringThat((text) => /^[A-Z][A-Z0-9_]{0,63}$/.test(text), 'a code');
const lastLine = object({ trail: sha256Digest, seq: integer, sha256: sha256Digest });

export const reviewSchema = object({
  v: literal(1),
  trust: sha256Digest,
  incident: identifier,
  auditor: identifier,
  at: numericDate,
  through: object({ seq: integer, sha256: sha256Digest }),
  uses: arrayBetween(lastLine, 0, 256),
  findings: arrayBetween(findingCode, 0, 128),
  conclusion: oneOf(['in-order', 'misuse']),
  remarks: freeText,
});

/** What an auditor says of an incident (docs/format.md §14). */
export type Review = Shape<typeof reviewSchema>;

const typ = 'breakglass-review+jws';
const what = 'the review';
/** The longest compact form that a reader looks at. */
const reviewMaxLength = 256 * 1024;

/** Signs a review; the result is the compact form, without LF. Throws `REVIEW_INVALID`. */
export async function sealReview(review: Review, auditor: JwsSigner): Promise<string> {
  const compact = await sealJws(review, typ, auditor);
  checkLaws(readReview(compact).review);
  return compact;
}

/**
 * Opens a review: its form, a signer among `auditors` whose label it bears, the signature, this trust. Throws `REVIEW_INVALID`, or
 * `AUDITOR_UNKNOWN` when none of them signed it.
 */
export function openReview(compact: string, trustId: string, auditors: readonly LabelledKey[]): Review {
  const shown = readSigned(compact, auditors);
  return checkSigned(shown, verifyJws(shown.jws, shown.signer.public.key), trustId);
}

/** The same on the thread pool: the caller goes on while another core verifies. */
export async function openReviewInBackground(
  compact: string,
  trustId: string,
  auditors: readonly LabelledKey[],
): Promise<Review> {
  const shown = readSigned(compact, auditors);
  return checkSigned(shown, await verifyJwsInBackground(shown.jws, shown.signer.public.key), trustId);
}

interface SignedReview {
  readonly jws: UnverifiedJws;
  readonly review: Review;
  readonly signer: LabelledKey;
}

function readSigned(compact: string, auditors: readonly LabelledKey[]): SignedReview {
  const { jws, review } = readReview(compact);
  const signer = auditors.find((auditor) => auditor.public.kid === jws.header.kid);
  if (signer) return { jws, review, signer };
  throw new BreakglassError('AUDITOR_UNKNOWN', `${what} of ${review.incident} is signed by no auditor of this trust`, {
    hint: 'a quorum makes somebody an auditor: breakglass policy apply --add-auditor LABEL=FILE. It closes nothing.',
  });
}

function checkSigned({ review, signer }: SignedReview, right: boolean, trustId: string): Review {
  if (!right) throw invalid(`the signature of ${signer.label} is wrong`);
  if (review.auditor !== signer.label)
    throw invalid(`it bears the name of ${review.auditor}, and ${signer.label} signed it`);
  if (review.trust !== trustId) throw invalid('it is of another trust');
  checkLaws(review);
  return review;
}

function readReview(compact: string) {
  if (compact.length > reviewMaxLength) throw invalid('it is longer than 256 KiB');
  try {
    const jws = openJws(compact, typ, what);
    if (jws.header.alg !== 'EdDSA') throw invalid('its alg is not EdDSA');
    return { jws, review: jwsPayload(jws, reviewSchema, what) };
  } catch (cause) {
    if (!(cause instanceof BreakglassError) || cause.code === 'REVIEW_INVALID') throw cause;
    throw invalid(cause.message, cause);
  }
}

function checkLaws({ findings }: Review): void {
  const sorted = findings.every((code, position) => position === 0 || (findings[position - 1] ?? '') < code);
  if (!sorted) throw invalid('its findings are not sorted, each once');
}

function invalid(why: string, cause?: unknown): BreakglassError {
  return new BreakglassError('REVIEW_INVALID', `${what} is refused: ${why}`, {
    hint: 'get it again from the auditor who made it. It closes nothing.',
    cause,
  });
}
