import type { Seconds } from '../base/time.ts';

/** The two clocks of a process: one that people set, and one that only ever goes on. In milliseconds. */
export interface Clocks {
  readonly wallMs: () => number;
  readonly steadyMs: () => number;
}

export const processClocks: Clocks = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

/** What network time services correct at once: less than that is no jump. */
const jumpMs = 2000;

/**
 * The time by which a guard judges. It never goes back: what has expired once stays expired, whatever somebody does to the clock of
 * the machine. A wall clock that was set back by more than two seconds is not followed until it has caught up.
 */
export class GuardClock {
  readonly #clocks: Clocks;
  readonly #onJump: (backMs: number) => void;
  #ms: number;
  #steadyMs: number;
  #behind = false;

  constructor(clocks: Clocks, onJump: (backMs: number) => void) {
    this.#clocks = clocks;
    this.#onJump = onJump;
    this.#ms = clocks.wallMs();
    this.#steadyMs = clocks.steadyMs();
  }

  nowMs(): number {
    const [wall, steady] = [this.#clocks.wallMs(), this.#clocks.steadyMs()];
    const expected = this.#ms + (steady - this.#steadyMs);
    const behind = wall < expected - jumpMs;
    if (behind && !this.#behind) this.#onJump(Math.round(expected - wall));
    this.#behind = behind;
    this.#ms = behind ? expected : Math.max(wall, this.#ms);
    this.#steadyMs = steady;
    return this.#ms;
  }

  now(): Seconds {
    return Math.floor(this.nowMs() / 1000);
  }

  /** True while the wall clock is not followed, because it was set back. */
  get ahead(): boolean {
    return this.#behind;
  }
}
