import type { Seconds } from '../base/time.ts';
import { proofMaxAgeSeconds } from '../token/proof.ts';

/** How many accepted proofs are remembered at once, unless a guard is told otherwise: some 20 MB. */
export const replayMemoryMax = 100_000;

/**
 * The proofs that were accepted, by key and `jti`, each for as long as its `iat` can still be accepted (RFC 9449 §11.1). A live one is
 * never forgotten: when there is no room, nothing more is accepted.
 */
export class ReplayMemory {
  readonly #max: number;
  readonly #seen = new Set<string>();
  /** The same by `iat`, for forgetting: at most about 65 at a time. */
  readonly #byIat = new Map<Seconds, string[]>();
  #forgottenThrough = Number.NEGATIVE_INFINITY;

  constructor(options: { readonly max?: number } = {}) {
    this.#max = options.max ?? replayMemoryMax;
  }

  get size(): number {
    return this.#seen.size;
  }

  /**
   * Remembers a proof whose signature and `iat` were found right at `now`. `replayed`: it was shown before, or it may have been, because
   * the clock went back to a time whose proofs are forgotten. `full`: it is not remembered, and must not be accepted.
   */
  add(jkt: string, jti: string, iat: Seconds, now: Seconds): 'new' | 'replayed' | 'full' {
    this.#forget(now - proofMaxAgeSeconds);
    const key = `${jkt} ${jti}`;
    if (iat <= this.#forgottenThrough || this.#seen.has(key)) return 'replayed';
    if (this.#seen.size >= this.#max) return 'full';
    this.#seen.add(key);
    const sameTime = this.#byIat.get(iat);
    if (sameTime) sameTime.push(key);
    else this.#byIat.set(iat, [key]);
    return 'new';
  }

  #forget(before: Seconds): void {
    for (const [iat, keys] of this.#byIat) {
      if (iat >= before) continue;
      for (const key of keys) this.#seen.delete(key);
      this.#byIat.delete(iat);
      this.#forgottenThrough = Math.max(this.#forgottenThrough, iat);
    }
  }
}
