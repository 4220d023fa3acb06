interface Level {
  left: number;
  atMs: number;
}

/** Keys that are told apart at once; tokens are few, for a quorum mints each. Beyond them all begin anew. */
const keysMax = 4096;

/** How many entries of each key are listed one by one: `burst` at first, and `perSecond` more as time passes. */
export class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #levels = new Map<string, Level>();

  constructor({ burst, perSecond }: { readonly burst: number; readonly perSecond: number }) {
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** True if one more is listed. `atMs` never goes back by much: a clock that does gives nothing for it. */
  take(key: string, atMs: number): boolean {
    const level = this.#levelOf(key, atMs);
    const passedMs = Math.max(0, atMs - level.atMs);
    level.left = Math.min(this.#burst, level.left + (passedMs / 1000) * this.#perSecond);
    level.atMs = Math.max(level.atMs, atMs);
    if (level.left < 1) return false;
    level.left -= 1;
    return true;
  }

  #levelOf(key: string, atMs: number): Level {
    const known = this.#levels.get(key);
    if (known) return known;
    if (this.#levels.size >= keysMax) this.#levels.clear();
    const level = { left: this.#burst, atMs };
    this.#levels.set(key, level);
    return level;
  }
}
