import type { BreakglassError, ErrorCode } from '../base/errors.ts';
import type { Answer, Decision } from './decision.ts';
import type { Requirement } from './request.ts';

/** What may be added to an answer: a nonce for the next proof, a cookie that is to go away. */
export interface AnswerFields {
  readonly requirement?: Requirement | undefined;
  readonly nonce?: string | undefined;
  readonly clearCookie?: string | undefined;
}

const algs = 'algs="ES256 Ed25519 EdDSA"';
const malformed: ReadonlySet<ErrorCode> = new Set([
  'CREDENTIALS_TWICE',
  'CREDENTIALS_IN_QUERY',
  'CREDENTIALS_SCHEME',
  'PROOF_TWICE',
]);

/**
 * What a client hears (RFC 6750 §3, RFC 9449 §7.1 and §8): which step it may mend, and the same words for every cause. Whether a
 * token was revoked, is of another epoch or was never issued is not for whoever holds it to learn.
 */
export function answerTo(error: BreakglassError, fields: AnswerFields = {}): Answer {
  const { code } = error;
  if (code === 'SCOPE_MISSING') return answer(403, 'insufficient_scope', fields, scopeOf(fields.requirement));
  if (malformed.has(code)) return answer(400, 'invalid_request', fields);
  if (code === 'PROOF_NONCE') return answer(401, 'use_dpop_nonce', fields);
  if (code.startsWith('PROOF_')) return answer(401, 'invalid_dpop_proof', fields);
  return answer(401, 'invalid_token', fields);
}

/** What an adapter answers when the guard itself has failed: never open. */
export const failedAnswer: Answer = {
  status: 503,
  headers: { 'cache-control': 'no-store', 'content-type': 'application/json' },
  body: '{"error":"temporarily_unavailable"}',
};

export function denied(error: BreakglassError, fields?: AnswerFields): Decision & { readonly outcome: 'denied' } {
  return { outcome: 'denied', error, answer: answerTo(error, fields) };
}

function scopeOf(requirement: Requirement | undefined): string {
  return requirement?.scope === undefined ? '' : `, scope="${requirement.scope}"`;
}

function answer(status: Answer['status'], error: string, { nonce, clearCookie }: AnswerFields, more = ''): Answer {
  const text = `error="${error}", error_description="the break-glass credentials were not accepted"${more}`;
  return {
    status,
    headers: {
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'www-authenticate': `DPoP ${text}, ${algs}, Bearer ${text}`,
      ...(nonce === undefined ? {} : { 'dpop-nonce': nonce }),
      ...(clearCookie === undefined ? {} : { 'set-cookie': clearCookie }),
    },
    body: `${JSON.stringify({ error })}`,
  };
}
