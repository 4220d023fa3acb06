import { BreakglassError, isBreakglassError } from '../../base/errors.ts';
import type { Ed25519Jwk } from '../../base/schema.ts';
import type { Use } from '../../use/use-record.ts';
import type { GuardClock } from '../clock.ts';
import type { GuardEvent } from '../events.ts';
import type { GuardSettings } from '../options.ts';
import { openUseLog, type UseLog, type UseLogEvent, type UseLogState } from './use-log.ts';

/** `key`: the public half of the guard's own, for the auditors. */
export interface UseLogHealth extends UseLogState {
  readonly key: Ed25519Jwk;
}

/** The use log of a guard, or the lack of one: opened when the trust is known, and tried again for as long as it cannot be. */
export class UseLogKeeper {
  readonly #settings: GuardSettings;
  readonly #clock: GuardClock;
  #log: UseLog | undefined;
  #opening: Promise<void> | undefined;
  #failure: string | undefined;

  constructor(settings: GuardSettings, clock: GuardClock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  open(trustId: string): Promise<void> {
    if (this.#log || !this.#settings.useLog) return Promise.resolve();
    this.#opening ??= this.#open(trustId).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Why uses cannot be recorded, so that there must be none; undefined when they can be, or are not to be. */
  closed(): BreakglassError | undefined {
    if (!this.#settings.useLog || this.#log?.state().writable) return undefined;
    return new BreakglassError('USE_LOG_FAILED', this.#failure ?? 'uses cannot be recorded', {
      hint: 'look at guard.health().useLog: free space, rights, another process on the same file. Normal traffic is not touched.',
    });
  }

  /** Resolves when the use is on the disk. Throws `USE_LOG_FAILED`. */
  async record(use: Use): Promise<void> {
    if (!this.#settings.useLog) return;
    if (!this.#log) throw this.closed();
    await this.#log.record(use);
  }

  /** A denial, for which nobody waits. */
  note(use: Use): void {
    this.#log?.note(use);
  }

  state(): UseLogHealth | null {
    return this.#log ? { ...this.#log.state(), key: this.#log.publicJwk } : null;
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#log?.close();
  }

  async #open(trustId: string): Promise<void> {
    const { useLog, audience, onEvent } = this.#settings;
    if (!useLog) return;
    try {
      this.#log = await openUseLog({
        ...useLog,
        trustId,
        audience,
        clock: this.#clock,
        onEvent: (event) => onEvent(asGuardEvent(event)),
      });
      if (this.#failure !== undefined) onEvent({ type: 'use-log.recovered', sink: 'first' });
      this.#failure = undefined;
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      if (this.#failure !== error.message) onEvent({ type: 'use-log.failed', sink: 'first', message: error.message });
      this.#failure = error.message;
    }
  }
}

function asGuardEvent(event: UseLogEvent): GuardEvent {
  switch (event.type) {
    case 'use-log.failed':
      return { type: 'use-log.failed', sink: 'first', message: event.error.message };
    case 'use-log.writable':
      return { type: 'use-log.recovered', sink: 'first' };
    case 'use-log.recovered':
      return { type: 'alarm', source: event.file, message: `its last line, of ${event.bytes} bytes, was torn` };
    case 'use-log.second-sink-failed':
      return { type: 'use-log.failed', sink: 'second', message: event.error.message };
    case 'use-log.second-sink-caught-up':
      return { type: 'use-log.recovered', sink: 'second' };
  }
}
