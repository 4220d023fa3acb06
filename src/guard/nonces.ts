import { createHmac } from 'node:crypto';
import { formatBase64url } from '../base/bytes.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Clock } from '../base/time.ts';

/** A nonce is given out for this long, and accepted for as long again. */
export const nonceStepSeconds = 60;

/**
 * Nonces that a guard gives out (RFC 9449 §8, docs/format.md §15): nothing is kept but a random key, so another process, a replica or the
 * same service after a restart, does not know them and asks once more. Off unless the guard is told to.
 */
export class Nonces {
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  #step = Number.NaN;
  #current = '';
  #previous = '';

  constructor({ random, clock }: { readonly random: RandomBytes; readonly clock: Clock }) {
    this.#key = random(32);
    this.#clock = clock;
  }

  /** For the field `DPoP-Nonce` of an answer. 22 characters. */
  current(): string {
    this.#advance();
    return this.#current;
  }

  /** True for the nonce of this step and of the one before. */
  accepts(nonce: string | undefined): boolean {
    this.#advance();
    return nonce !== undefined && (nonce === this.#current || nonce === this.#previous);
  }

  #advance(): void {
    const step = Math.floor(this.#clock.now() / nonceStepSeconds);
    if (step === this.#step) return;
    this.#step = step;
    this.#current = this.#nonceOf(step);
    this.#previous = this.#nonceOf(step - 1);
  }

  #nonceOf(step: number): string {
    return formatBase64url(createHmac('sha256', this.#key).update(String(step)).digest().subarray(0, 16));
  }
}
