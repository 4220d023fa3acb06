import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError, type ErrorCode, isBreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import { describeDenial } from '../revocation/denial.ts';
import { DenialIndex } from '../revocation/denials.ts';
import type { RevocationMemory } from '../revocation/memory.ts';
import type { Claims } from '../token/claims.ts';
import { concludeToken, examineToken, judgeToken, type ProvedToken, type UnprovedToken } from '../token/verify.ts';
import type { Trust, TrustKey } from '../trust/trust-file.ts';
import type { Signature, SignaturePool } from './signature-pool.ts';
import type { RevocationChannel } from './sources/revocation-channel.ts';

export interface JudgeOptions {
  readonly audience: string;
  readonly mode: 'production' | 'drill';
  /** How many tokens are remembered; 0 for none. */
  readonly rememberTokens: number;
  readonly signatures: SignaturePool;
  readonly channel: () => Pick<RevocationChannel, 'freshness' | 'killSwitch'>;
}

/** A token proved under one trust version, and its SHA-256 in lower-case hex, which is wanted only where uses are recorded. */
export class KnownToken implements ProvedToken {
  readonly claims: Claims;
  readonly kid: string;
  readonly key: TrustKey;
  readonly trust: Trust;
  readonly #text: string;
  #sha256: string | undefined;

  constructor(text: string, trust: Trust, { claims, kid, key }: ProvedToken) {
    this.claims = claims;
    this.kid = kid;
    this.key = key;
    this.trust = trust;
    this.#text = text;
  }

  get sha256(): string {
    this.#sha256 ??= sha256Hex(this.#text);
    return this.#sha256;
  }
}

/**
 * Judges tokens for one service. What does not change while a trust version is in force, form and signature, is remembered of tokens
 * that were right; time, place, policy and revocations are judged on every request all the same.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #known = new Map<string, KnownToken>();
  /** What was denied here alone. */
  readonly local = new DenialIndex();
  #trust: Trust | undefined;
  #memory: RevocationMemory | undefined;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** From here on this version and these revocations are in force. */
  enter(trust: Trust, memory: RevocationMemory): void {
    this.#trust = trust;
    this.#memory = memory;
    this.#known.clear();
  }

  /** Why nothing is accepted at all just now; undefined when tokens are judged one by one. */
  closed(): BreakglassError | undefined {
    if (!this.#trust)
      return closed('TRUST_MISSING', 'there is no trust file yet', 'put trust.jws where this service looks for it.');
    const channel = this.#options.channel();
    if (channel.killSwitch !== undefined)
      return closed(
        'KILLED',
        `${channel.killSwitch} is there, which denies everything`,
        'remove it when all is clear.',
      );
    const freshness = channel.freshness();
    if (freshness === 'missing') return closed('REVOCATIONS_MISSING', 'the revocations were not read yet', sourceHint);
    if (freshness === 'stale')
      return closed('REVOCATIONS_STALE', 'the revocations could not be read whole for too long', sourceHint);
    return undefined;
  }

  /**
   * Form and signature. What is remembered, or verified alone, is there at once. Throws, or rejects with, the codes of steps 1 to 4
   * (docs/format.md §8), or `TRUST_MISSING`.
   */
  prove(token: string): KnownToken | Promise<KnownToken> {
    const known = this.#options.rememberTokens > 0 ? this.#known.get(token) : undefined;
    return known ?? this.#prove(token);
  }

  #prove(token: string): KnownToken | Promise<KnownToken> {
    const trust = this.#trust;
    if (!trust) throw this.closed() ?? new TypeError('a trust is in force');
    const unproved = examineToken(token, trust);
    const signature = this.#options.signatures.verify(unproved.signed, unproved.key.public);
    return signature instanceof Promise
      ? signature.then((signature) => this.#accept(token, trust, unproved, signature))
      : this.#accept(token, trust, unproved, signature);
  }

  #accept(
    token: string,
    trust: Trust,
    unproved: UnprovedToken,
    signature: Signature,
  ): KnownToken | Promise<KnownToken> {
    // Proved under a trust version that is not in force any more: that says nothing.
    if (trust !== this.#trust) return this.#prove(token);
    const known = new KnownToken(token, trust, concludeToken(unproved, signature));
    this.#remember(token, known);
    return known;
  }

  #remember(token: string, proved: KnownToken): void {
    const { rememberTokens } = this.#options;
    if (rememberTokens === 0) return;
    if (this.#known.size >= rememberTokens) this.#known.clear();
    this.#known.set(token, proved);
  }

  /** All that may change from one moment to the next. Throws the codes of steps 5 to 9, `KILLED` or `REVOCATIONS_STALE`. */
  judge(token: KnownToken, now: Seconds): void {
    if (token.trust === this.#trust) {
      this.#judge(token, now);
      return;
    }
    // Another version came between the proof and this moment.
    const refusal = this.judgeAgain(token, now);
    if (refusal) throw refusal;
  }

  #judge(proved: ProvedToken, now: Seconds): void {
    const [trust, memory] = [this.#trust, this.#memory];
    const why = this.closed();
    if (why || !trust || !memory) throw why;
    const { audience, mode } = this.#options;
    judgeToken(proved, { trust, now, audience, mode, revocations: { state: 'checked', list: memory } });
    const entry = this.local.find(proved);
    if (entry)
      throw refuse(
        'TOKEN_REVOKED',
        `it was ${describeDenial(entry)}, at this service alone`,
        'have it revoked for all services.',
      );
  }

  /** The same for a token that was proved before, perhaps under an earlier trust version; undefined when it holds. */
  judgeAgain(
    { claims, kid }: { readonly claims: Claims; readonly kid: string },
    now: Seconds,
  ): BreakglassError | undefined {
    const key = this.#trust?.keys.find(
      ({ use, public: known }) => (use === 'token' || use === 'drill') && known.kid === kid,
    );
    if (!key) return this.closed() ?? refuse('TOKEN_UNKNOWN_KEY', 'its key is no longer known', rotatedHint);
    if (key.status !== 'active')
      return refuse('TOKEN_KEY_RETIRED', `its key, of epoch ${key.epoch}, was retired`, rotatedHint);
    try {
      this.#judge({ claims, kid, key }, now);
      return undefined;
    } catch (error) {
      if (isBreakglassError(error)) return error;
      throw error;
    }
  }
}

const sourceHint =
  'look at where this service reads them: guard.health() names each source. Normal traffic is not touched.';
const rotatedHint = 'a rotation ended all tokens of that epoch. Have the custodians mint a new one.';

/** Why nothing is accepted, whatever token it is. */
function closed(code: ErrorCode, why: string, hint: string): BreakglassError {
  return new BreakglassError(code, why, { hint });
}

function refuse(code: ErrorCode, why: string, hint: string): BreakglassError {
  return new BreakglassError(code, `the token is refused: ${why}`, { hint });
}
