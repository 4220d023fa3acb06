import { formatCanonicalFile, parseCanonicalFile } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import {
  ageRecipient,
  freeText,
  identifier,
  integer,
  integerBetween,
  literal,
  nullable,
  object,
  oneOf,
  publicJwk,
  randomId,
  type Shape,
  sha256Digest,
  time,
} from '../base/schema.ts';
import { parseTime, type Seconds } from '../base/time.ts';
import { type Fingerprint, fingerprintOf, requestWordCount } from '../key/fingerprint.ts';
import { hasPart, type Policy, policyRole, policySeconds, sharesNeeded, type Violation, violation } from './policy.ts';

export const requestKinds = [
  'mint',
  'drill',
  'rotate.keys',
  'rotate.shares',
  'rotate.seed',
  'policy',
  'revocations.reset',
  'restart',
] as const;
export type RequestKind = (typeof requestKinds)[number];

export const requestSchema = object({
  v: literal(1),
  trust: sha256Digest,
  kind: oneOf(requestKinds),
  id: randomId,
  incident: nullable(identifier),
  subject: nullable(identifier),
  role: nullable(identifier),
  circumstance: nullable(identifier),
  reason: freeText,
  lifetimeSeconds: nullable(integerBetween(1, 3600)),
  durationSeconds: nullable(integer),
  holder: nullable(publicJwk),
  recipient: nullable(ageRecipient),
  createdAt: time,
  parameters: nullable(sha256Digest),
});

/** What is asked of the quorum (docs/format.md §7). All members in all kinds, null where they mean nothing. */
export type Request = Shape<typeof requestSchema>;

/** A request that asks for a token: the members that mint needs are there. */
export type TokenRequest = Request & {
  readonly kind: 'mint' | 'drill';
  readonly incident: string;
  readonly subject: string;
  readonly role: string;
  readonly circumstance: string;
  readonly lifetimeSeconds: number;
};

/** A request is refused when it is older than this, or further ahead of the clock than `requestAheadSeconds`. */
export const requestAgeSeconds = 24 * 3600;
export const requestAheadSeconds = 600;

/** Opens a request file: canonical JSON and one LF. Throws `FORMAT`. */
export function openRequest(bytes: Uint8Array): Request {
  return parseCanonicalFile(requestSchema, bytes, 'the request');
}

export function formatRequest(request: Request): Uint8Array {
  return formatCanonicalFile(request);
}

/** SHA-256 of the canonical bytes without the LF, and the 12 words that are read aloud. */
export function requestFingerprint(request: Request): Fingerprint {
  return fingerprintOf(formatRequest(request).subarray(0, -1), requestWordCount);
}

/** Throws `REQUEST_INVALID` unless the request is for a token and complete. */
export function asTokenRequest(request: Request): TokenRequest {
  const { kind, incident, subject, role, circumstance, lifetimeSeconds, parameters } = request;
  if ((kind !== 'mint' && kind !== 'drill') || parameters !== null)
    throw invalid(`it asks for ${kind}, not for a token`);
  if (incident === null || subject === null || role === null || circumstance === null || lifetimeSeconds === null) {
    throw invalid('incident, subject, role, circumstance and lifetime must all be there');
  }
  return { ...request, kind, incident, subject, role, circumstance, lifetimeSeconds };
}

/** Throws `REQUEST_EXPIRED` for a request from more than 24 hours ago or more than 10 minutes ahead. */
export function checkRequestAge(request: Request, now: Seconds): void {
  const age = now - (parseTime(request.createdAt) ?? 0);
  if (age > requestAgeSeconds) throw expired(`the request is of ${request.createdAt}, more than 24 hours ago`);
  if (age < -requestAheadSeconds) throw expired(`the request is of ${request.createdAt}, which is in the future`);
}

/** What a request is judged against besides the policy. */
export interface RequestContext {
  readonly threshold: number;
  readonly custodians: readonly string[];
  /** When tokens were issued in production, drills excluded. */
  readonly issuedAt: readonly Seconds[];
  readonly now: Seconds;
}

/** Every rule of the policy that the request breaks. */
export function checkRequest(request: TokenRequest, policy: Policy, context: RequestContext): Violation[] {
  return [
    ...checkSubject(request, policy),
    ...checkRole(request, policy),
    ...(request.reason.length < policy.reason.minLength
      ? [
          violation(
            'reason-min-length',
            'reason',
            `the reason has ${request.reason.length} characters; the policy wants ${policy.reason.minLength}`,
          ),
        ]
      : []),
    ...checkQuorum(request, policy, context),
    ...(request.kind === 'mint' ? checkLimits(policy, context) : []),
  ];
}

function checkSubject(request: TokenRequest, policy: Policy): Violation[] {
  if (hasPart(policy, request.subject, 'responder')) return [];
  const people = Object.keys(policy.people).filter((label) => hasPart(policy, label, 'responder'));
  return [
    violation('request-subject', 'subject', `${request.subject} is not a responder of the policy (${list(people)})`),
  ];
}

function checkRole(request: TokenRequest, policy: Policy): Violation[] {
  const role = policyRole(policy, request.role);
  if (!role)
    return [
      violation('request-role', 'role', `the policy has no role ${request.role} (${list(Object.keys(policy.roles))})`),
    ];
  const found: Violation[] = [];
  if (!role.circumstances.includes(request.circumstance)) {
    found.push(
      violation(
        'request-circumstance',
        'circumstance',
        `role ${request.role} is not for ${request.circumstance} (${list(role.circumstances)})`,
      ),
    );
  }
  if (request.lifetimeSeconds > policySeconds(role.maxLifetime)) {
    found.push(
      violation(
        'role-max-lifetime',
        'lifetimeSeconds',
        `a lifetime of ${request.lifetimeSeconds} s is over the ${role.maxLifetime} of role ${request.role}`,
      ),
    );
  }
  found.push(...checkDuration(request, role.maxDuration));
  if (role.holder === 'required' && request.holder === null) {
    found.push(
      violation(
        'role-holder',
        'holder',
        `role ${request.role} needs a holder key: the token must be bound to the responder's key`,
      ),
    );
  }
  return found;
}

function checkDuration(request: TokenRequest, maxDuration: string): Violation[] {
  const { durationSeconds, lifetimeSeconds } = request;
  if (durationSeconds === null) return [];
  if (durationSeconds > policySeconds(maxDuration)) {
    return [
      violation(
        'role-max-duration',
        'durationSeconds',
        `a duration of ${durationSeconds} s is over the ${maxDuration} of role ${request.role}`,
      ),
    ];
  }
  if (lifetimeSeconds <= 60)
    return [violation('role-max-duration', 'durationSeconds', 'a lifetime of 60 s or less takes no strip')];
  if (durationSeconds < lifetimeSeconds) {
    return [
      violation(
        'role-max-duration',
        'durationSeconds',
        'the duration of a strip is at least the lifetime of one token',
      ),
    ];
  }
  return [];
}

function checkQuorum(request: TokenRequest, policy: Policy, context: RequestContext): Violation[] {
  const needed = sharesNeeded(policy, request.role, context.threshold);
  const counted = context.custodians.filter((label) => !(policy.separation && label === request.subject)).length;
  if (counted >= needed) return [];
  if (counted < context.custodians.length) {
    return [
      violation(
        'separation',
        'subject',
        `without the share of ${request.subject}, who gets the token, ${counted} custodians are left and ${needed} are needed`,
      ),
    ];
  }
  return [
    violation(
      'role-min-shares',
      'role',
      `role ${request.role} needs ${needed} shares and there are ${counted} custodians`,
    ),
  ];
}

function checkLimits(policy: Policy, context: RequestContext): Violation[] {
  // An issuance that is dated after now tells of a clock that was set back; it never refuses (P10).
  const recent = context.issuedAt.filter((at) => at <= context.now && at > context.now - 86_400);
  const found: Violation[] = [];
  if (recent.length >= policy.limits.maxPerDay) {
    found.push(
      violation(
        'limits-max-per-day',
        'limits.maxPerDay',
        `${recent.length} issuances in the last 24 hours; the policy allows ${policy.limits.maxPerDay}`,
      ),
    );
  }
  const since = context.now - Math.max(...recent, Number.NEGATIVE_INFINITY);
  if (since < policySeconds(policy.limits.cooldown)) {
    found.push(
      violation(
        'limits-cooldown',
        'limits.cooldown',
        `the last issuance was ${since} s ago; the policy wants ${policy.limits.cooldown} between two`,
      ),
    );
  }
  return found;
}

function list(names: readonly string[]): string {
  return names.length > 0 ? `it has: ${names.join(', ')}` : 'it has none';
}

function invalid(why: string): BreakglassError {
  return new BreakglassError('REQUEST_INVALID', `the request is refused: ${why}`, {
    hint: 'write a new one with: breakglass request. No token was issued.',
  });
}

function expired(message: string): BreakglassError {
  return new BreakglassError('REQUEST_EXPIRED', message, {
    hint: 'have the responder write a new request, and compare the clocks. No token was issued.',
  });
}
