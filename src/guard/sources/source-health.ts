import type { GuardEvent } from '../events.ts';

/** Tells once that a source fails, and once that it works again. */
export class SourceHealth {
  readonly #onEvent: (event: GuardEvent) => void;
  readonly #failing = new Map<string, string>();

  constructor(onEvent: (event: GuardEvent) => void) {
    this.#onEvent = onEvent;
  }

  failed(source: string, message: string): void {
    if (this.#failing.get(source) === message) return;
    this.#failing.set(source, message);
    this.#onEvent({ type: 'source.failed', source, message });
  }

  worked(source: string): void {
    if (this.#failing.delete(source)) this.#onEvent({ type: 'source.recovered', source });
  }

  /** Why it fails; null while it works. */
  failure(source: string): string | null {
    return this.#failing.get(source) ?? null;
  }
}
