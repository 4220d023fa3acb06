import type { Seconds } from '../base/time.ts';
import { thumbprint } from '../key/public.ts';
import { type Claims, startsInMaxSeconds } from '../token/claims.ts';
import { checkClaimsAgainstPolicy } from '../token/over-policy.ts';
import { type PolicyRole, policyRole } from '../trust/policy.ts';
import { asTokenRequest, checkRequest, type TokenRequest } from '../trust/request.ts';
import type { Trust } from '../trust/trust-file.ts';
import { policySha256 } from './policy-digest.ts';
import { type Breach, recordSeconds } from './quorum-check.ts';
import type { Issuance } from './record.ts';

const daySeconds = 86_400;
/** How far `iat` may be from the time of the record: a ceremony is bounded by an hour. */
const iatSlackSeconds = 3600;
/** Consecutive tokens of a strip overlap by this (docs/format.md §8). */
const stripOverlapSeconds = 60;

/** What an issuance breaks: the policy in force when it was made, and the tokens that its request leads to. */
export function checkIssuance(
  record: Issuance,
  trust: Trust,
  context: { readonly issuedAt: readonly Seconds[] },
): Breach[] {
  const request = completeRequest(record);
  if (!request) return [{ code: 'REQUEST_KIND', message: 'the request is not a complete request for a token' }];
  return [
    ...(record.policySha256 === policySha256(trust)
      ? []
      : [{ code: 'POLICY_DIFFERS' as const, message: 'it was judged by another policy than the one in force' }]),
    ...checkAgainstPolicy(record, request, trust, context.issuedAt),
    ...checkTokens(record, request, trust),
  ];
}

function completeRequest(record: Issuance): TokenRequest | undefined {
  try {
    return asTokenRequest(record.request);
  } catch {
    return undefined;
  }
}

// Issuances that claim to be later are not counted: one ceremony with a wrong clock must not make the next ones look wrong.
function checkAgainstPolicy(
  record: Issuance,
  request: TokenRequest,
  trust: Trust,
  issuedAt: readonly Seconds[],
): Breach[] {
  const now = recordSeconds(record);
  const { policy } = trust.payload;
  const violations = checkRequest(request, policy, {
    threshold: trust.set.threshold,
    custodians: record.custodians.map(({ label }) => label),
    issuedAt: issuedAt.filter((at) => at <= now && at > now - daySeconds),
    now,
  });
  return violations.map(({ rule, message }) => ({ code: 'POLICY_BROKEN', message: `${rule}: ${message}` }));
}

function checkTokens(record: Issuance, request: TokenRequest, trust: Trust): Breach[] {
  const { policy } = trust.payload;
  const role = policyRole(policy, request.role);
  if (record.tokens.length === 0 || !role)
    return [{ code: 'TOKEN_DIFFERS', message: 'it issues no token that the policy knows' }];
  const found: Breach[] = [];
  record.tokens.forEach(({ claims }, position) => {
    const token = `token ${position + 1}`;
    for (const { rule, message } of checkClaimsAgainstPolicy(claims, policy))
      found.push({ code: 'TOKEN_OVER_POLICY', message: `${token}: ${rule}: ${message}` });
    for (const member of differingMembers(claims, record, request, { trust, role, position }))
      found.push({ code: 'TOKEN_DIFFERS', message: `${token}: ${member} is not what the request and the record say` });
  });
  return [...found, ...checkStrip(record, request)];
}

/** The claims that are not what the request, the record and the role lead to. */
function differingMembers(
  claims: Claims,
  record: Issuance,
  request: TokenRequest,
  plan: { readonly trust: Trust; readonly role: PolicyRole; readonly position: number },
): string[] {
  const { trust, role, position } = plan;
  const own = claims.breakglass;
  const first = record.tokens[0]?.claims.breakglass;
  const [detail] = claims.authorization_details;
  const jkt = request.holder ? thumbprint(request.holder) : undefined;
  const laws: readonly (readonly [string, boolean])[] = [
    ['iss', claims.iss === trust.payload.issuer],
    ['sub', claims.sub === request.subject],
    ['aud', claims.aud === role.audience && detail.locations[0] === role.audience],
    ['roles', claims.roles[0] === request.role && detail.privileges[0] === request.role],
    ['scope', claims.scope === role.scopes.join(' ')],
    ['actions', detail.actions.join(' ') === role.actions.join(' ')],
    ['cnf', claims.cnf?.jkt === jkt],
    ['incident', own.incident === request.incident],
    ['epoch', own.epoch === trust.payload.epoch],
    ['drill', own.drill === (record.type === 'drill')],
    ['family', own.family === first?.family],
    ['sequence', own.sequence === (first?.sequence ?? 0) + position],
    ['revocations', own.revocations === first?.revocations],
    ['trail', own.trail.id === record.trail && own.trail.seq === record.seq && own.trail.prev === record.prev],
  ];
  return laws.filter(([, holds]) => !holds).map(([member]) => member);
}

function checkStrip(record: Issuance, request: TokenRequest): Breach[] {
  const found: Breach[] = [];
  const differs = (message: string) => found.push({ code: 'TOKEN_DIFFERS', message });
  const [first] = record.tokens;
  if (!first) return found;
  const { iat, nbf } = first.claims;
  if (Math.abs(iat - recordSeconds(record)) > iatSlackSeconds) differs('iat is more than an hour off the record');
  if (nbf < iat || nbf - iat > startsInMaxSeconds) differs('the first token begins before iat or too long after it');
  const times = stripTimes(nbf, request, record.tokens.length);
  if (times.length !== record.tokens.length) differs(`${record.tokens.length} tokens are not the strip of the request`);
  record.tokens.forEach(({ claims }, position) => {
    const planned = times[position];
    if (planned && (claims.iat !== iat || claims.nbf !== planned.nbf || claims.exp !== planned.exp))
      differs(`token ${position + 1}: its times are not those of the strip`);
  });
  for (const distinct of [record.tokens.map(({ claims }) => claims.jti), record.tokens.map(({ sha256 }) => sha256)])
    if (new Set(distinct).size < record.tokens.length) differs('two tokens have the same jti or bytes');
  return found;
}

/** The times of a strip from its first `nbf` on (docs/format.md §8), at most one more than `count` of them. */
function stripTimes(firstNbf: Seconds, request: TokenRequest, count: number): { nbf: Seconds; exp: Seconds }[] {
  const { lifetimeSeconds } = request;
  const end = firstNbf + (request.durationSeconds ?? lifetimeSeconds);
  const times = [{ nbf: firstNbf, exp: Math.min(firstNbf + lifetimeSeconds, end) }];
  // A lifetime that the overlap eats up takes no strip; the policy check has said so.
  if (lifetimeSeconds <= stripOverlapSeconds) return times;
  for (let last = times[0]; last && last.exp < end && times.length <= count; last = times.at(-1)) {
    const nbf = last.exp - stripOverlapSeconds;
    times.push({ nbf, exp: Math.min(nbf + lifetimeSeconds, end) });
  }
  return times;
}
