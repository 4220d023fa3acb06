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
  readonly #since: Seconds;
  readonly #seen = new Set<string>();
  /** The same by `iat`, for forgetting: at most about 65 at a time. */
  readonly #byIat = new Map<Seconds, string[]>();
  #forgottenThrough = Number.NEGATIVE_INFINITY;

  /** `since`: when this process began. What was shown to the one before it, nobody remembers. */
  constructor({ since, max = replayMemoryMax }: { readonly since: Seconds; readonly max?: number }) {
    this.#since = since;
    this.#max = max;
  }

  get size(): number {
    return this.#seen.size;
  }

  /**
   * Remembers a proof whose signature and `iat` were found right at `now`. `replayed`: it was shown before, or it may have been, because
   * the clock went back to a time whose proofs are forgotten. `earlier`: it was made before this process began, and may have been shown
   * to another. `full`: it is not remembered. Only one that is `new` may be accepted.
   */
  add(jkt: string, jti: string, iat: Seconds, now: Seconds): 'new' | 'replayed' | 'earlier' | 'full' {
    if (iat < this.#since) return 'earlier';
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
