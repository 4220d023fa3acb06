import { BreakglassError, type ErrorCode, type ErrorDetail } from '../base/errors.ts';
import { type SignedBytes, verifyJws } from '../base/jws.ts';
import { describeDuration, formatTime, type Seconds } from '../base/time.ts';
import { describeDenial } from '../revocation/denial.ts';
import type { RevocationList } from '../revocation/list.ts';
import type { Trust, TrustKey } from '../trust/trust-file.ts';
import type { Claims } from './claims.ts';
import { checkClaimsAgainstPolicy } from './over-policy.ts';
import { readToken, type UnverifiedToken } from './read.ts';

export { readToken, type UnverifiedToken } from './read.ts';

/** `missing`: they should be there and are not, which refuses. `not-checked`: the caller chose to go without. */
export type Revocations =
  | { readonly state: 'checked'; readonly list: Pick<RevocationList, 'hasLine' | 'denials'> }
  | { readonly state: 'missing' }
  | { readonly state: 'not-checked' };

export interface VerifyOptions {
  readonly trust: Trust;
  readonly now: Seconds;
  /** Who is asked to accept the token; null: not judged. */
  readonly audience: string | null;
  readonly mode: 'production' | 'drill' | 'any';
  readonly revocations: Revocations;
}

/** A token that holds: every step that the options ask for was passed. */
export interface VerifiedToken extends ProvedToken {
  readonly drill: boolean;
  /** Until `exp`. At least 1. */
  readonly remainingSeconds: Seconds;
  /** What the options left out: whoever acts on the token knows that nobody looked at these. */
  readonly unjudged: readonly ('audience' | 'revocations')[];
}

/** Seconds by which the clocks of the mint and of a verifier may differ at `nbf` and `iat`. At `exp` it is none. */
export const skewSeconds = 5;

/** A token whose form and signature are right, under a key of this trust that is active: steps 1 to 4 of strict verification. */
export interface ProvedToken {
  readonly claims: Claims;
  readonly kid: string;
  readonly key: TrustKey;
}

/**
 * Strict verification, in the order and with the codes of docs/format.md §8: form, key and signature, time, place, policy,
 * mode, revocations. Throws the code of the first that fails; `readToken` still shows the claims of a token of good form.
 */
export function verifyToken(token: string | Uint8Array, options: VerifyOptions): VerifiedToken {
  return judgeToken(proveToken(token, options.trust), options);
}

/** Steps 1 to 4: what stays true of a token as long as the trust file does not change. */
export function proveToken(token: string | Uint8Array, trust: Trust): ProvedToken {
  const unproved = examineToken(token, trust);
  return concludeToken(unproved, verifyJws(unproved.signed, unproved.key.public.key) ? 'right' : 'wrong');
}

/** A token of the right form and an active key. Nothing in it is proved until its signature is. */
export interface UnprovedToken {
  readonly key: TrustKey;
  readonly signed: SignedBytes;
  readonly unproved: Claims;
}

/** Steps 1 to 3: for a caller who has the signature verified elsewhere. */
export function examineToken(token: string | Uint8Array, trust: Trust): UnprovedToken {
  const { claims, jws, header } = readToken(token);
  const key = activeKeyOf({ claims, jws, header }, trust);
  return { key, signed: jws, unproved: claims };
}

/** Step 4, by what came of the signature under the token's key. Throws `TOKEN_SIGNATURE`. */
export function concludeToken({ key, unproved }: UnprovedToken, signature: 'right' | 'wrong'): ProvedToken {
  if (signature === 'wrong') throw wrongSignature();
  return { claims: unproved, kid: key.public.kid, key };
}

/** Steps 5 to 9: what may change from one moment to the next, so that every use is judged anew. `trust` is that of the proof. */
export function judgeToken(proved: ProvedToken, options: VerifyOptions): VerifiedToken {
  const { claims, key, kid } = proved;
  checkTime(claims, options.now);
  checkPlace(claims, key, options);
  checkPolicy(claims, options.trust);
  checkMode(claims, key, options.mode);
  checkRevocations(proved, options.revocations);
  return {
    claims,
    kid,
    key,
    drill: claims.breakglass.drill,
    remainingSeconds: claims.exp - options.now,
    unjudged: unjudged(options),
  };
}

/**
 * Whose token it is, valid or not: of strict form and signed by a token or drill key of this trust, retired ones included.
 * Throws `TOKEN_OTHER_TRUST` and the codes of steps 1 to 4, but for `TOKEN_KEY_RETIRED`.
 */
export function identifyToken(
  token: string | Uint8Array,
  trust: Trust,
): { readonly claims: Claims; readonly kid: string } {
  const unverified = readToken(token);
  const key = findKey(unverified, trust);
  checkAlgorithm(unverified, key);
  if (!verifyJws(unverified.jws, key.public.key)) throw wrongSignature();
  checkTrail(unverified.claims, trust);
  return { claims: unverified.claims, kid: key.public.kid };
}

/** The active key that must have signed it. The key decides the algorithm, never the token: RFC 8725 §3.1. */
function activeKeyOf(token: UnverifiedToken, trust: Trust): TrustKey {
  const key = findKey(token, trust);
  if (key.status !== 'active')
    throw refuse('TOKEN_KEY_RETIRED', `its key, of epoch ${key.epoch}, was retired`, {
      hint: 'a rotation ended all tokens of that epoch. Have the custodians mint a new one.',
    });
  checkAlgorithm(token, key);
  return key;
}

function findKey({ header }: UnverifiedToken, trust: Trust): TrustKey {
  const key = trust.keys.find(({ use, public: { kid } }) => (use === 'token' || use === 'drill') && kid === header.kid);
  if (key) return key;
  throw refuse('TOKEN_UNKNOWN_KEY', 'no token or drill key of the trust file signed it', {
    hint: 'it is of another trust, or newer than this trust file: compare `breakglass trust show`, or fetch the newer file.',
  });
}

function checkAlgorithm({ header }: UnverifiedToken, key: TrustKey): void {
  if (header.alg === key.public.alg) return;
  throw refuse('TOKEN_ALGORITHM', `it says ${header.alg}, and its key is for ${key.public.alg}`, { hint: forgedHint });
}

function wrongSignature(): BreakglassError {
  return refuse('TOKEN_SIGNATURE', 'its signature is wrong', { hint: forgedHint });
}

// A token from the future has an `nbf` there too: the clock is named first, for that is what to look at.
function checkTime({ iat, nbf, exp }: Claims, now: Seconds): void {
  if (iat > now + skewSeconds)
    throw refuse('TOKEN_ISSUED_IN_FUTURE', `it was issued at ${formatTime(iat)}, ${ahead(iat, now)} from now`, {
      hint: `the clock here says ${formatTime(now)}: set it right, or the clock of the ceremony was wrong and the token must be minted again.`,
    });
  if (nbf > now + skewSeconds)
    throw refuse('TOKEN_NOT_YET_VALID', `it is valid from ${formatTime(nbf)}, ${ahead(nbf, now)} from now`, {
      hint: `the clock here says ${formatTime(now)}. Wait, or use the earlier token of the strip.`,
    });
  if (exp <= now)
    throw refuse('TOKEN_EXPIRED', `it ended at ${formatTime(exp)}, ${ahead(now, exp)} ago`, {
      hint: `the clock here says ${formatTime(now)}. Use the next token of the strip, or have the custodians mint a new one.`,
    });
}

function ahead(later: Seconds, earlier: Seconds): string {
  return describeDuration(later - earlier);
}

function checkPlace(claims: Claims, key: TrustKey, { trust, audience }: VerifyOptions): void {
  const { epoch } = claims.breakglass;
  if (claims.iss !== trust.payload.issuer)
    throw refuse('TOKEN_ISSUER', `its issuer is ${claims.iss}, not ${trust.payload.issuer}`, { hint: mintedWrongHint });
  checkTrail(claims, trust);
  if (epoch !== key.epoch)
    throw refuse('TOKEN_OTHER_TRUST', `it says epoch ${epoch}, and its key is of epoch ${key.epoch}`, {
      hint: mintedWrongHint,
    });
  if (audience !== null && claims.aud !== audience)
    throw refuse('TOKEN_AUDIENCE', `it is for ${claims.aud}, not for ${audience}`, {
      hint: `present it to ${claims.aud}, or have a token minted for a role of ${audience}.`,
    });
}

function checkTrail({ breakglass: { trail } }: Claims, trust: Trust): void {
  if (trail.id === trust.id) return;
  throw refuse('TOKEN_OTHER_TRUST', `it is of the trust ${trail.id.slice(0, 8)}, not ${trust.id.slice(0, 8)}`, {
    hint: mintedWrongHint,
  });
}

function checkPolicy(claims: Claims, trust: Trust): void {
  const violations = checkClaimsAgainstPolicy(claims, trust.payload.policy);
  if (violations.length === 0) return;
  throw refuse('TOKEN_OVER_POLICY', violations.map(({ message }) => message).join('; '), {
    hint: 'the policy of the trust file here allows less than the token says. Have a token minted under this policy, or fetch the newer trust file.',
    details: violations.map(({ rule, message }) => ({ name: rule, message })),
  });
}

// The key and the claim must say the same: neither alone makes a drill token a real one, or the other way round.
function checkMode(claims: Claims, key: TrustKey, mode: VerifyOptions['mode']): void {
  const drill = mode === 'any' ? claims.breakglass.drill : mode === 'drill';
  if (claims.breakglass.drill === drill && key.use === (drill ? 'drill' : 'token')) return;
  throw drill
    ? refuse('TOKEN_PRODUCTION', 'it is a production token, and only drill tokens are taken here', {
        hint: 'verify it without --drill. If nobody meant to mint it, revoke it now.',
      })
    : refuse('TOKEN_DRILL', 'it is a drill token and opens nothing in production', {
        hint: 'verify it with --drill; for real access mint without --drill.',
      });
}

function checkRevocations(token: ProvedToken, revocations: Revocations): void {
  if (revocations.state === 'not-checked') return;
  if (revocations.state === 'missing')
    throw refuse('REVOCATIONS_MISSING', 'the revocations are not at hand, so it may have been revoked', {
      hint: 'give the newest file with --revocations FILE. Nothing was decided.',
    });
  // Before the denials: the line that is missing here may be the one that allows again.
  if (!revocations.list.hasLine(token.claims.breakglass.revocations))
    throw refuse(
      'REVOCATIONS_BEHIND',
      'the revocations at hand are older than the token: the line that it names is missing',
      {
        hint: 'fetch the newest revocations and try again. Nothing was decided.',
      },
    );
  const entry = revocations.list.denials.find(token);
  if (entry)
    throw refuse('TOKEN_REVOKED', `it was ${describeDenial(entry)}`, {
      hint: 'revoked access does not come back. Have the custodians mint a new token if it is still needed.',
    });
}

function unjudged(options: VerifyOptions): VerifiedToken['unjudged'] {
  return [
    ...(options.audience === null ? (['audience'] as const) : []),
    ...(options.revocations.state === 'not-checked' ? (['revocations'] as const) : []),
  ];
}

const forgedHint =
  'it was changed on its way, or somebody made it up: keep it for the auditors. Nothing in it was believed.';
const mintedWrongHint =
  'its signature is right, so it was minted wrongly or for another installation: keep it for the auditors.';

function refuse(
  code: ErrorCode,
  why: string,
  options: { readonly hint: string; readonly details?: readonly ErrorDetail[] },
): BreakglassError {
  return new BreakglassError(code, `the token is refused: ${why}`, options);
}
