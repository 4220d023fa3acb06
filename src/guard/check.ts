import { BreakglassError, type ErrorCode } from '../base/errors.ts';
import type { Clock, Seconds } from '../base/time.ts';
import type { Claims } from '../token/claims.ts';
import { verifyProof } from '../token/proof.ts';
import type { ShownToken } from './credentials.ts';
import type { Access } from './decision.ts';
import type { Judge, KnownToken } from './judge.ts';
import type { Nonces } from './nonces.ts';
import type { ReplayMemory } from './replays.ts';
import type { GuardRequest, Requirement } from './request.ts';
import type { UseFacts } from './use-log/use-of.ts';

export interface CheckOptions {
  readonly judge: Judge;
  readonly replays: ReplayMemory;
  readonly nonces: Nonces | undefined;
  /** `https://db.example.com`; null when nobody said how clients address this service. */
  readonly origin: string | null;
}

/** What is known of a request while it is judged: a denial tells the use log as much as was proved before. */
export type Evidence = { -readonly [K in keyof UseFacts]: UseFacts[K] };

/** Judges a token that a request shows, in the order of docs/guard.md. Throws the code of the first step that fails; fills `evidence` on its way. */
export function checkToken(
  token: KnownToken,
  shown: ShownToken,
  request: GuardRequest,
  {
    options,
    requirement,
    clock,
    evidence,
  }: {
    readonly options: CheckOptions;
    readonly requirement: Requirement | undefined;
    readonly clock: Clock;
    readonly evidence: Evidence;
  },
): Access {
  evidence.proved = token;
  evidence.tokenSha256 = () => token.sha256;
  // From here on nothing waits: what is found holds at one moment.
  const now = clock.now();
  // A stolen token is judged no further: neither what it opens nor whether it was revoked is the thief's to learn.
  const proof = checkProof(token, shown, request, now, options);
  evidence.holder = proof?.jkt ?? null;
  options.judge.judge(token, now);
  const access = new TokenAccess(token, proof?.jkt ?? null);
  checkRequirement(access, requirement);
  if (proof) remember(proof, now, options);
  return access;
}

/** A session in place of a token: everything but the signature and the proof is judged again. Throws as `checkToken` does. */
export function checkSession(
  access: Access,
  {
    options,
    requirement,
    clock,
  }: {
    readonly options: CheckOptions;
    readonly requirement: Requirement | undefined;
    readonly clock: Clock;
  },
): Access {
  const error = options.judge.judgeAgain(access, clock.now());
  if (error) throw error;
  checkRequirement(access, requirement);
  return access;
}

interface Possession {
  readonly jti: string;
  readonly iat: Seconds;
  readonly jkt: string;
}

function checkProof(
  token: KnownToken,
  { scheme, proofs }: ShownToken,
  request: GuardRequest,
  now: Seconds,
  { origin, nonces }: CheckOptions,
): Possession | undefined {
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
  return verifyProof(proof, {
    method: request.method,
    url: `${origin}${request.target}`,
    ath: Buffer.from(token.sha256, 'hex').toString('base64url'),
    jkt: claims.cnf.jkt,
    now,
    nonce: nonces ? (nonce) => nonces.accepts(nonce) : null,
  });
}

function remember({ jkt, jti, iat }: Possession, now: Seconds, { replays }: CheckOptions): void {
  const seen = replays.add(jkt, jti, iat, now);
  if (seen === 'replayed')
    throw refuse(
      'PROOF_REPLAYED',
      'its proof was shown before',
      'make a proof for each request. If the responder did, somebody listens: revoke the token.',
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

/** What a token opens, as the service sees it. */
class TokenAccess implements Access {
  readonly subject: string;
  readonly incident: string;
  readonly role: string;
  readonly scopes: readonly string[];
  readonly actions: readonly string[];
  readonly drill: boolean;
  readonly family: string;
  readonly jti: string;
  readonly kid: string;
  readonly sequence: number;
  readonly expiresAt: Seconds;
  readonly holder: string | null;
  readonly session = null;
  readonly claims: Claims;
  readonly #token: KnownToken;

  constructor(token: KnownToken, holder: string | null) {
    const { claims, kid } = token;
    const { family, sequence, incident, drill } = claims.breakglass;
    this.subject = claims.sub;
    this.incident = incident;
    this.role = claims.roles[0];
    this.scopes = claims.scope.split(' ');
    this.actions = claims.authorization_details[0].actions;
    this.drill = drill;
    this.family = family;
    this.jti = claims.jti;
    this.kid = kid;
    this.sequence = sequence;
    this.expiresAt = claims.exp;
    this.holder = holder;
    this.claims = claims;
    this.#token = token;
  }

  /** Computed when somebody asks: most services do not. */
  get tokenSha256(): string {
    return this.#token.sha256;
  }
}

function refuse(code: ErrorCode, why: string, hint: string): BreakglassError {
  return new BreakglassError(code, `the token is refused: ${why}`, { hint });
}
