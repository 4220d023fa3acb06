import { BreakglassError } from '../base/errors.ts';
import { formatTime, parseTime, type Seconds } from '../base/time.ts';
import { headPromptWordCount } from '../key/fingerprint.ts';
import type { PreflightEntry } from '../trail/record.ts';
import type { Violation } from '../trust/policy.ts';
import { asTokenRequest, checkRequestAge, type Request, type TokenRequest } from '../trust/request.ts';
import { custodianLabels, type Trust } from '../trust/trust-file.ts';
import type { OpenTrail } from './open-trail.ts';
import type { FoundAnomaly, QuorumPeople } from './people.ts';

/** The request as one for a token of this trust, of this kind, and of today. Throws `REQUEST_INVALID` or `REQUEST_EXPIRED`. */
export function checkTokenRequest(asked: Request, wanted: 'mint' | 'drill', trust: Trust, now: Seconds): TokenRequest {
  const request = asTokenRequest(asked);
  if (request.kind !== wanted) {
    throw new BreakglassError(
      'REQUEST_INVALID',
      `the request is a ${request.kind} request, and this is a ${wanted} ceremony`,
      {
        hint: `${request.kind === 'drill' ? 'add --drill' : 'leave out --drill'}, or write the right request. No token was issued.`,
      },
    );
  }
  if (request.trust !== trust.id) {
    throw new BreakglassError(
      'REQUEST_INVALID',
      `the request is for another trust: ${request.trust.slice(0, 8)}, not ${trust.id.slice(0, 8)}`,
      {
        hint: 'have the responder write it with this trust file. No token was issued.',
      },
    );
  }
  checkRequestAge(request, now);
  return request;
}

export function quorumOf(trust: Trust) {
  return { threshold: trust.set.threshold, custodians: custodianLabels(trust.set) };
}

/** Throws `POLICY_REFUSED` with every broken rule. */
export function refuseViolations(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  throw new BreakglassError(
    'POLICY_REFUSED',
    violations.length === 1
      ? (violations[0]?.message ?? '')
      : `the request breaks ${violations.length} rules of the policy`,
    {
      hint: 'have the responder write another request; the policy itself changes only by a quorum. No token was issued.',
      details: violations.map(({ rule, message }) => ({ name: rule, message })),
    },
  );
}

/** Throws `REQUEST_REUSED` for a request that a ceremony was held for. */
export function refuseReused(request: Request, trail: OpenTrail): void {
  if (!trail.facts.issuedRequests.has(request.id)) return;
  throw new BreakglassError('REQUEST_REUSED', 'a ceremony was held for this request before', {
    hint: 'write a new request, even if a token of that one was never released. Nothing was signed.',
  });
}

/** Asks one custodian for a head code; one that the trail does not know is an anomaly. */
export async function checkHeadCode(trail: OpenTrail, people: QuorumPeople): Promise<FoundAnomaly[]> {
  const typed = await people.headCode();
  if (typed === null) return [];
  if (trail.facts.findHead(typed)) return [];
  const words = typed.trim().split(/\s+/).length;
  return [
    {
      code: 'HEAD_CODE_UNKNOWN',
      detail: `the first ${Math.min(words, headPromptWordCount)} words of the head code name no ceremony record of the trail`,
    },
  ];
}

/** A clock before the last ceremony is an anomaly. */
export function checkClock(trail: OpenTrail, now: Seconds): FoundAnomaly[] {
  const last = trail.headCeremonyTime;
  if (last === null || now >= (parseTime(last) ?? 0)) return [];
  return [
    {
      code: 'CLOCK_BEFORE_TRAIL',
      detail: `the clock says ${formatTime(now)}, before the last ceremony record of ${last}`,
    },
  ];
}

/** Throws `PREFLIGHT_FAILED` where the policy requires every check. */
export function refuseFailedPreflight(preflight: PreflightEntry): void {
  const failed = preflight.checks.filter((check) => !check.ok).map((check) => check.name);
  if (preflight.mode !== 'require' || failed.length === 0) return;
  throw new BreakglassError(
    'PREFLIGHT_FAILED',
    `the policy requires every preflight check and these failed: ${failed.join(', ')}`,
    {
      hint: 'breakglass preflight says for each what to do. Nobody was asked for a share and nothing was signed.',
    },
  );
}

/** Throws unless the trust file is the version that the trail names: a ceremony under another one would not be believed. */
export function refuseOtherTrustVersion(trail: OpenTrail, trust: Trust): void {
  const named = trail.facts.trust;
  if (named === null || named.sha256 === trust.sha256) return;
  throw new BreakglassError(
    'TRUST_OLDER',
    `the trail names trust version ${named.version}, and this machine is at version ${trust.payload.version}`,
    {
      hint: 'plug in the medium that holds that version (T….TXT), or copy it to the trust folder of the state directory. Nothing was signed.',
    },
  );
}
