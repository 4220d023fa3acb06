import { secretBytes, wipe } from '../base/bytes.ts';
import { BreakglassError, systemErrorCode } from '../base/errors.ts';

export interface InputOptions {
  /** How errors name the input: `the request`. */
  readonly what: string;
  readonly maxBytes: number;
}

/** What an input has given so far. It may be a secret: no copy of it is left but the whole. */
export class InputBytes {
  readonly #options: InputOptions;
  #held = secretBytes(16 * 1024);
  #used = 0;

  constructor(options: InputOptions) {
    this.#options = options;
  }

  /** Where the next bytes go. */
  get room(): Uint8Array {
    return this.#held.subarray(this.#used);
  }

  /** `count` bytes came into `room`; none is the end. Throws `BAD_INPUT` when there are too many. */
  take(count: number): 'more' | 'end' {
    const { what, maxBytes } = this.#options;
    this.#used += count;
    if (this.#used > maxBytes) throw badInput(what, `is longer than ${maxBytes.toLocaleString('en')} bytes`);
    if (this.#used === this.#held.length) this.#grow();
    return count === 0 ? 'end' : 'more';
  }

  /** All that was taken; the caller wipes it. */
  whole(): Uint8Array {
    const bytes = secretBytes(this.#used);
    bytes.set(this.#held.subarray(0, this.#used));
    return bytes;
  }

  wipe(): void {
    wipe(this.#held);
  }

  #grow(): void {
    const larger = secretBytes(this.#held.length * 2);
    larger.set(this.#held);
    wipe(this.#held);
    this.#held = larger;
  }
}

export function badInput(what: string, why: string, cause?: unknown): BreakglassError {
  const reason = cause === undefined ? '' : ` (${systemErrorCode(cause)})`;
  return new BreakglassError('BAD_INPUT', `${what} ${why}${reason}`, {
    hint: 'give another file. Nothing was done.',
    cause,
  });
}

/** What the system said about an input, as `BAD_INPUT`; anything else as it is. */
export function asBadInput(what: string, cause: unknown): unknown {
  if (cause instanceof BreakglassError || systemErrorCode(cause) === undefined) return cause;
  return badInput(what, 'cannot be read', cause);
}
