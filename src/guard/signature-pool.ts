import { type SignedBytes, verifyJws, verifyJwsThen } from '../base/jws.ts';
import type { PublicKey } from '../key/public.ts';

export type Signature = 'right' | 'wrong';

/** Signatures that are in the thread pool at once: enough to keep it busy, few enough for a write of the use log to wait ten milliseconds. */
const inPoolMax = 256;

/**
 * Verifies signatures, of tokens and of proofs: one alone where it is, which is soonest; several on the thread pool, first come first
 * served, so that a flood of made-up ones holds up normal traffic and the use log as little as may be.
 */
export class SignaturePool {
  readonly #waiting: (() => void)[] = [];
  /** Verified in this turn of the event loop without the pool. */
  #alone = false;
  #inPool = 0;

  verify(signed: SignedBytes, key: PublicKey): Signature | Promise<Signature> {
    if (this.#inPool === 0 && !this.#alone) return this.#verifyAlone(signed, key);
    return new Promise((resolve, reject) => {
      const begin = () => {
        verifyJwsThen(signed, key.key, (error, right) => {
          this.#leave();
          if (error) reject(error);
          else resolve(right ? 'right' : 'wrong');
        });
      };
      if (this.#inPool < inPoolMax) {
        this.#inPool += 1;
        begin();
      } else this.#waiting.push(begin);
    });
  }

  // The place is handed on to who has waited longest.
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#inPool -= 1;
  }

  #verifyAlone(signed: SignedBytes, key: PublicKey): Signature {
    this.#alone = true;
    setImmediate(() => {
      this.#alone = false;
    });
    return verifyJws(signed, key.key) ? 'right' : 'wrong';
  }
}
