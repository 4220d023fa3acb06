import { type ProvedToken, proveToken, proveTokenInBackground } from '../token/verify.ts';
import type { Trust } from '../trust/trust-file.ts';

/** Signatures that are in the thread pool at once: enough to keep it busy, few enough for a write of the use log to wait ten milliseconds. */
const inPoolMax = 256;

/**
 * Verifies signatures: one alone where it is, which is soonest; several on the thread pool, first come first served, so that a flood of
 * made-up tokens holds up normal traffic and the use log as little as may be.
 */
export class VerifyPool {
  readonly #waiting: (() => void)[] = [];
  /** Verified in this turn of the event loop without the pool. */
  #alone = false;
  #inPool = 0;

  /** As `proveToken` does, with its codes. */
  prove(token: string, trust: Trust): ProvedToken | Promise<ProvedToken> {
    if (this.#inPool === 0 && !this.#alone) return this.#proveAlone(token, trust);
    if (this.#inPool < inPoolMax) {
      this.#inPool += 1;
      return this.#proveInPool(token, trust);
    }
    return new Promise<void>((go) => this.#waiting.push(go)).then(() => this.#proveInPool(token, trust));
  }

  #proveInPool(token: string, trust: Trust): Promise<ProvedToken> {
    const proved = proveTokenInBackground(token, trust);
    proved.then(this.#leave, this.#leave);
    return proved;
  }

  // The place is handed on to who has waited longest.
  readonly #leave = () => {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#inPool -= 1;
  };

  #proveAlone(token: string, trust: Trust): ProvedToken {
    this.#alone = true;
    setImmediate(() => {
      this.#alone = false;
    });
    return proveToken(token, trust);
  }
}
