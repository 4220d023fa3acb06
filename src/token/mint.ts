import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import { sealJws, verifyJws } from '../base/jws.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { Seconds } from '../base/time.ts';
import type { SigningKey } from '../key/derive.ts';
import { thumbprint } from '../key/public.ts';
import { type PolicyRole, policySeconds, type Violation, violation } from '../trust/policy.ts';
import type { TokenRequest } from '../trust/request.ts';
import { type Claims, overrideType, startsInMaxSeconds } from './claims.ts';
import { checkClaimsAgainstRole } from './over-policy.ts';
import { readToken } from './read.ts';

export interface TokenPlan {
  readonly request: TokenRequest;
  /** The role of the policy that the request names. */
  readonly role: PolicyRole;
  readonly issuer: string;
  readonly epoch: number;
  readonly iat: Seconds;
  /** From `iat` to the first `nbf`: 0 to 1,800. */
  readonly startsIn: Seconds;
  readonly family: string;
  /** 1, or the next one of the family that is renewed. */
  readonly firstSequence: number;
  /** SHA-256 of the newest statement line known. */
  readonly revocations: string;
  /** The record that will issue the tokens. */
  readonly trail: { readonly id: string; readonly seq: number; readonly prev: string };
  readonly random: RandomBytes;
}

/** From one token of a strip to the next: the responder has this long to change over. */
export const stripOverlapSeconds = 60;

/** What the claims and hashes of one strip may take of its record, which is at most 1 MiB long once encoded. */
const stripMaxBytes = 640 * 1024;

/**
 * The claims of the token, or of the strip, that a request asks for (docs/format.md §8). Nothing depends on a key: plan once
 * before the shares are asked for, to refuse early. Throws `POLICY_REFUSED` or, for `startsIn`, `BAD_INPUT`.
 */
export function planTokens(options: TokenPlan): Claims[] {
  checkPlan(options);
  const { iat, startsIn } = options;
  const claims: Claims[] = [];
  let bytes = 0;
  for (const { nbf, exp } of stripTimes(options.request, iat + startsIn)) {
    const next = claimsOf(options, { nbf, exp }, options.firstSequence + claims.length);
    bytes += recordBytes(next);
    if (bytes > stripMaxBytes) throw tooManyTokens();
    claims.push(next);
  }
  const [violations] = claims
    .map((each) => checkClaimsAgainstRole(each, options.role))
    .filter(({ length }) => length > 0);
  if (violations) throw refused(violations);
  return claims;
}

/** Signs the claims, and opens the result as a verifier would: a token that no service would take is not made. */
export async function sealToken(claims: Claims, key: SigningKey): Promise<string> {
  const token = await sealJws(claims, 'breakglass+jwt', key);
  const { jws } = readToken(token);
  if (key.alg !== key.public.alg || !verifyJws(jws, key.public.key)) throw new TypeError('not a key for tokens');
  return token;
}

/** SHA-256 of the compact form without LF: how a record names a token. */
export function tokenSha256(token: string): string {
  return sha256Hex(token);
}

function checkPlan({ request, role, startsIn }: TokenPlan): void {
  if (!Number.isSafeInteger(startsIn) || startsIn < 0 || startsIn > startsInMaxSeconds) {
    throw new BreakglassError('BAD_INPUT', 'a token starts 0 to 30 minutes after it is issued', {
      hint: 'give --starts-in from 0s to 30m. No token was issued.',
    });
  }
  const { lifetimeSeconds, durationSeconds } = request;
  if (durationSeconds === null) return;
  const found: Violation[] = [];
  if (lifetimeSeconds <= stripOverlapSeconds)
    found.push(violation('role-max-duration', 'durationSeconds', 'a lifetime of 60 s or less takes no strip'));
  if (durationSeconds < lifetimeSeconds || durationSeconds > policySeconds(role.maxDuration)) {
    const message = `a duration of ${durationSeconds} s is not between the lifetime and the ${role.maxDuration} of the role`;
    found.push(violation('role-max-duration', 'durationSeconds', message));
  }
  if (found.length > 0) throw refused(found);
}

function* stripTimes(
  { lifetimeSeconds, durationSeconds }: TokenRequest,
  start: Seconds,
): Generator<{ readonly nbf: Seconds; readonly exp: Seconds }> {
  const end = start + (durationSeconds ?? lifetimeSeconds);
  for (let nbf = start, exp = nbf; exp < end; nbf = exp - stripOverlapSeconds) {
    exp = Math.min(nbf + lifetimeSeconds, end);
    yield { nbf, exp };
  }
}

function claimsOf(
  options: TokenPlan,
  { nbf, exp }: { readonly nbf: Seconds; readonly exp: Seconds },
  sequence: number,
): Claims {
  const { request, role, epoch, family, revocations, trail } = options;
  return {
    iss: options.issuer,
    sub: request.subject,
    aud: role.audience,
    client_id: 'breakglass',
    iat: options.iat,
    nbf,
    exp,
    jti: randomId(options.random),
    scope: role.scopes.join(' '),
    roles: [request.role],
    authorization_details: [
      { type: overrideType, actions: role.actions, locations: [role.audience], privileges: [request.role] },
    ],
    ...(request.holder ? { cnf: { jkt: thumbprint(request.holder) } } : {}),
    breakglass: {
      incident: request.incident,
      epoch,
      family,
      sequence,
      drill: request.kind === 'drill',
      revocations,
      trail,
    },
  };
}

/** What a token takes in its record, in bytes: the claims, which are ASCII, its hash, and the names around them. */
function recordBytes(claims: Claims): number {
  return canonicalJson(claims).length + 96;
}

function tooManyTokens(): BreakglassError {
  return refused([
    violation(
      'role-max-duration',
      'durationSeconds',
      'the strip has more tokens than a record can hold: ask for a longer lifetime of each, or a shorter duration',
    ),
  ]);
}

function refused(violations: readonly Violation[]): BreakglassError {
  return new BreakglassError('POLICY_REFUSED', violations.map(({ message }) => message).join('; '), {
    hint: 'have the responder write a new request that the policy allows. No token was issued.',
    details: violations.map(({ rule, message }) => ({ name: rule, message })),
  });
}
