import { BreakglassError, isBreakglassError } from '../../base/errors.ts';
import { acceptTrust, openTrust, type Trust } from '../../trust/trust-file.ts';
import type { GuardEvent } from '../events.ts';
import type { GuardState } from '../guard-state.ts';
import type { Source, SourceKind } from './source.ts';
import { SourceHealth } from './source-health.ts';

export interface TrustChannelOptions {
  readonly sources: readonly Source[];
  readonly state: GuardState;
  /** The trust id that the service was told to believe; null: whatever it sees first. */
  readonly trustId: string | null;
  readonly onEvent: (event: GuardEvent) => void;
  readonly onTrust: (trust: Trust) => void;
}

/** The trust file in force, from where it is watched: a newer version is taken over when the one before vouches for it. */
export class TrustChannel {
  readonly #options: TrustChannelOptions;
  readonly #health: SourceHealth;
  /** The file of each source that was judged last: a refusal is told once. */
  readonly #judged = new Map<string, string>();
  #trust: Trust | undefined;

  constructor(options: TrustChannelOptions) {
    this.#options = options;
    this.#health = new SourceHealth(options.onEvent);
    const kept = options.state.trust();
    if (kept && (options.trustId === null || kept.id === options.trustId)) this.#enter(kept);
  }

  get trust(): Trust | undefined {
    return this.#trust;
  }

  async look(kind: SourceKind, how: 'if-changed' | 'always'): Promise<void> {
    for (const source of this.#options.sources) {
      if (source.kind !== kind) continue;
      try {
        const read = await source.read(how);
        this.#health.worked(source.name);
        if (read === 'unchanged') continue;
        this.#judge(read.bytes, source);
        read.keep();
      } catch (error) {
        if (!isBreakglassError(error)) throw error;
        this.#health.failed(source.name, error.message);
      }
    }
  }

  #judge(bytes: Uint8Array, source: Source): void {
    const { state, onEvent } = this.#options;
    const text = Buffer.from(bytes).toString('latin1');
    if (this.#judged.get(source.name) === text) return;
    this.#judged.set(source.name, text);
    try {
      const candidate = this.#accept(openTrust(bytes));
      if (candidate.sha256 === this.#trust?.sha256) return;
      state.keepTrust(candidate);
      this.#enter(candidate);
      onEvent({ type: 'trust.accepted', version: candidate.payload.version, source: source.name });
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      // What could not be kept is tried again.
      if (error.code === 'IO') this.#judged.delete(source.name);
      onEvent({ type: 'trust.refused', code: error.code, message: error.message, source: source.name });
    }
  }

  #accept(candidate: Trust): Trust {
    const { trustId } = this.#options;
    if (this.#trust) return acceptTrust(this.#trust, candidate);
    if (trustId === null || candidate.id === trustId) return candidate;
    throw otherTrust(candidate.id, trustId);
  }

  #enter(trust: Trust): void {
    this.#trust = trust;
    this.#options.onTrust(trust);
  }
}

function otherTrust(found: string, wanted: string): BreakglassError {
  return new BreakglassError('TRUST_OTHER', `it is of the trust ${found.slice(0, 8)}, not ${wanted.slice(0, 8)}`, {
    hint: 'compare `breakglass trust show` with the trustId of this guard. Break-glass stays closed.',
  });
}
