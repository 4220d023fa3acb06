import { BreakglassError, type ErrorCode } from '../base/errors.ts';
import type { Clock, Seconds } from '../base/time.ts';
import { concludeProof, examineProof, type UnprovedProof, type VerifiedProof } from '../token/proof.ts';
import type { ShownToken } from './credentials.ts';
import type { Access } from './decision.ts';
import type { Judge, KnownToken } from './judge.ts';
import type { Nonces } from './nonces.ts';
import type { ReplayMemory } from './replays.ts';
import type { GuardRequest, Requirement } from './request.ts';
import type { Signature, SignaturePool } from './signature-pool.ts';
import { TokenAccess } from './token-access.ts';
import type { UseFacts } from './use-log/use-of.ts';

export interface CheckOptions {
  readonly judge: Judge;
  readonly signatures: SignaturePool;
  readonly replays: ReplayMemory;
  readonly nonces: Nonces | undefined;
  /** `https://db.example.com`; null when nobody said how clients address this service. */
  readonly origin: string | null;
}

/** What is known of a request while it is judged: a denial tells the use log as much as was proved before. */
export type Evidence = { -readonly [K in keyof UseFacts]: UseFacts[K] };

/** What a check goes by, besides the token and the request. */
export interface Checking {
  readonly options: CheckOptions;
  readonly requirement: Requirement | undefined;
  readonly clock: Clock;
  readonly evidence: Evidence;
}

/**
 * Judges a proved token that a request shows, in the order of docs/guard.md. Throws, or rejects with, the code of the first step that
 * fails; fills `evidence` on its way.
 */
export function checkToken(
  token: KnownToken,
  shown: ShownToken,
  request: GuardRequest,
  checking: Checking,
): Access | Promise<Access> {
  const { evidence, options, clock } = checking;
  evidence.proved = token;
  evidence.tokenSha256 = () => token.sha256;
  // A stolen token is judged no further: neither what it opens nor whether it was revoked is the thief's to learn.
  const unproved = checkPossession(token, shown, request, clock.now(), options);
  if (!unproved) return checkRights(token, null, checking);
  const signature = options.signatures.verify(unproved.signed, unproved.key);
  return signature instanceof Promise
    ? signature.then((signature) => checkHolder(token, unproved, signature, checking))
    : checkHolder(token, unproved, signature, checking);
}

function checkHolder(token: KnownToken, unproved: UnprovedProof, signature: Signature, checking: Checking): Access {
  const proof = concludeProof(unproved, signature);
  checking.evidence.holder = proof.jkt;
  return checkRights(token, proof, checking);
}

// From here on nothing waits: what is found holds at one moment.
function checkRights(
  token: KnownToken,
  proof: VerifiedProof | null,
  { options, requirement, clock }: Checking,
): Access {
  const now = clock.now();
  options.judge.judge(token, now);
  const access = new TokenAccess(token, proof?.jkt ?? null);
  checkRequirement(access, requirement);
  if (proof) remember(proof, now, options);
  return access;
}

/** A session in place of a token: everything but the signature and the proof is judged again. Throws as `checkToken` does. */
export function checkSession(access: Access, { options, requirement, clock }: Omit<Checking, 'evidence'>): Access {
  const error = options.judge.judgeAgain(access, clock.now());
  if (error) throw error;
  checkRequirement(access, requirement);
  return access;
}

/** The proof that the token needs, right in all but its signature; undefined for a token that is bound to no key. */
function checkPossession(
  token: KnownToken,
  { scheme, proofs }: ShownToken,
  request: GuardRequest,
  now: Seconds,
  { origin, nonces }: CheckOptions,
): UnprovedProof | undefined {
  const { claims } = token;
  const [proof] = proofs;
  if (!claims.cnf) {
    if (scheme === 'bearer') return undefined;
    throw refuse(
      'CREDENTIALS_SCHEME',
      'it is bound to no key, and was sent under the scheme DPoP',
      'send it as `Authorization: Bearer TOKEN`.',
    );
  }
  if (scheme === 'bearer' || proof === undefined)
    throw refuse(
      'PROOF_MISSING',
      'it is bound to a key, and came without proof that the sender has it',
      'send what `breakglass proof METHOD URL` prints.',
    );
  if (proofs.length > 1) throw refuse('PROOF_TWICE', 'it came with more than one proof', 'send one DPoP field.');
  if (origin === null)
    throw refuse(
      'PROOF_URL',
      'this service does not know its own address',
      'give createGuard the option origin: clients name it in their proofs.',
    );
  return examineProof(proof, {
    method: request.method,
    url: `${origin}${request.target}`,
    ath: Buffer.from(token.sha256, 'hex').toString('base64url'),
    jkt: claims.cnf.jkt,
    now,
    nonce: nonces ? (nonce) => nonces.accepts(nonce) : null,
  });
}

function remember({ jkt, jti, iat }: VerifiedProof, now: Seconds, { replays }: CheckOptions): void {
  const seen = replays.add(jkt, jti, iat, now);
  if (seen === 'replayed')
    throw refuse(
      'PROOF_REPLAYED',
      'its proof was shown before',
      'make a proof for each request. If the responder did, somebody listens: revoke the token.',
    );
  if (seen === 'earlier')
    throw refuse(
      'PROOF_TIME',
      'its proof was made before this service started, and may have been shown before',
      'make a proof for each request. If its clock is behind, that ends by itself within a minute.',
    );
  if (seen === 'full')
    throw refuse(
      'PROOF_MEMORY_FULL',
      'too many proofs are remembered',
      'somebody sends very many requests with this key: slow down, or revoke the token.',
    );
}

function checkRequirement({ scopes, actions }: Access, requirement: Requirement | undefined): void {
  const scope = requirement?.scope;
  const action = requirement?.action;
  if (scope !== undefined && !scopes.includes(scope))
    throw refuse('SCOPE_MISSING', `it does not open ${scope}`, 'have a token minted for a role that does.');
  if (action !== undefined && !actions.includes(action))
    throw refuse(
      'SCOPE_MISSING',
      `it does not permit the action ${action}`,
      'have a token minted for a role that does.',
    );
}

function refuse(code: ErrorCode, why: string, hint: string): BreakglassError {
  return new BreakglassError(code, `the token is refused: ${why}`, { hint });
}
