import { describeDuration } from '../base/time.ts';
import type { OpenReview } from '../trail/due.ts';
import { type Request, requestFingerprint, type TokenRequest } from '../trust/request.ts';
import { type Trust, trustFingerprint } from '../trust/trust-file.ts';
import { reviewRows } from './overdue-reviews.ts';
import type { FoundAnomaly, Panel } from './people.ts';
import type { FamilyPlace } from './renewal.ts';

/** What a panel says of one kind of ceremony. */
export type PanelText = Pick<Panel, 'title' | 'rows' | 'question'>;

/** The panel of a ceremony under `trust`. */
export function panelOf(text: PanelText, trust: Trust, request: Request, anomalies: readonly FoundAnomaly[]): Panel {
  return {
    ...text,
    request,
    fingerprint: requestFingerprint(request),
    trustName: trust.payload.name,
    trustFingerprint: trustFingerprint(trust),
    anomalies,
  };
}

export function tokenPanelText(
  request: TokenRequest,
  { family, firstSequence }: FamilyPlace,
  left: { readonly reviews: readonly OpenReview[]; readonly extraShare: string | null },
): PanelText {
  const { holder } = request;
  return {
    title: request.kind === 'drill' ? 'DRILL' : 'PRODUCTION',
    rows: [
      ['incident', request.incident],
      ['for', `${request.subject} as ${request.role}`],
      ['because', `${request.circumstance}: ${request.reason}`],
      ['lifetime', describeLifetime(request)],
      ...(firstSequence === 1 ? [] : [['renews', `family ${family}, from its token ${firstSequence} on`] as const]),
      ['holder key', holder ? 'yes: the token works only with it' : 'none: anyone who holds the token can use it'],
      ...reviewRows(left.reviews, left.extraShare),
    ],
    question: 'Does the responder read out these words, and is this what is needed?',
  };
}

function describeLifetime({ lifetimeSeconds, durationSeconds }: TokenRequest): string {
  const one = describeDuration(lifetimeSeconds);
  return durationSeconds === null ? one : `${one} each, a strip of ${describeDuration(durationSeconds)}`;
}
