import { RevocationMemory } from '../../revocation/memory.ts';
import type { Trust } from '../../trust/trust-file.ts';
import type { GuardState } from '../guard-state.ts';
import type { Judge } from '../judge.ts';
import type { GuardSettings } from '../options.ts';
import { RevocationChannel } from './revocation-channel.ts';
import { inSlices } from './slices.ts';
import { openSource, type SourceKind, sourceKind } from './source.ts';
import { TrustChannel } from './trust-channel.ts';
import { type Watch, watchSources } from './watch.ts';

const urlTimeoutMs = 5000;
const jitter = 0.2;

/** Both channels of a guard, trust and revocations, watched: what comes in by them is in force at the judge at once. */
export class Channels {
  readonly revocations: RevocationChannel;
  readonly #trust: TrustChannel;
  readonly #settings: GuardSettings;
  readonly #judge: Judge;
  readonly #state: GuardState;
  readonly #onDenials: () => void;
  readonly #watches: Watch[] = [];
  /** Kinds of sources that are to be read whole, because another trust version may believe other lines. */
  readonly #stale = new Set<SourceKind>();
  #memory: RevocationMemory | undefined;
  #inForce: Trust | undefined;
  #entering: Promise<void> = Promise.resolve();

  constructor(
    settings: GuardSettings,
    parts: {
      readonly state: GuardState;
      readonly judge: Judge;
      /** Something may be denied that was not before. */
      readonly onDenials: () => void;
      /** After every look. */
      readonly onLook: () => Promise<void>;
    },
  ) {
    const url = { timeoutMs: urlTimeoutMs };
    this.#settings = settings;
    this.#judge = parts.judge;
    this.#state = parts.state;
    this.#onDenials = parts.onDenials;
    this.revocations = new RevocationChannel({
      sources: settings.revocations.map((place) => openSource(place, 'the revocation list', url)),
      url,
      state: parts.state,
      steadyMs: settings.clocks.steadyMs,
      maxStaleSeconds: settings.maxStaleSeconds,
      onEvent: settings.onEvent,
      onDenials: parts.onDenials,
    });
    this.#trust = new TrustChannel({
      sources: settings.trust.map((place) => openSource(place, 'the trust file', url)),
      state: parts.state,
      trustId: settings.trustId,
      onEvent: settings.onEvent,
      onTrust: (trust) => {
        this.#entering = this.#entering.then(() => this.#enter(trust)).catch((error) => this.#alarm(error));
      },
    });
    for (const kind of ['path', 'address'] as const) this.#watches.push(...this.#watch(kind, parts.onLook));
  }

  /** The version in force: accepted, and everything that was denied judged under it. */
  get trust(): Trust | undefined {
    return this.#inForce;
  }

  /** How many statement lines count. */
  get lines(): number {
    return this.#memory?.size ?? 0;
  }

  /** Looks at every source now. */
  async look(): Promise<void> {
    const before = this.trust;
    await Promise.all(this.#watches.map((watch) => watch.look()));
    // A trust file that one kind of source has brought lets the other kind be read.
    if (this.trust !== before) await Promise.all(this.#watches.map((watch) => watch.look()));
  }

  close(): void {
    for (const watch of this.#watches) watch.close();
  }

  #watch(kind: SourceKind, onLook: () => Promise<void>): Watch[] {
    const { trust, revocations, intervalMs, pollMs, random } = this.#settings;
    const places = [...trust, ...revocations].filter((place) => sourceKind(place) === kind);
    if (places.length === 0) return [];
    const timing =
      kind === 'path'
        ? { paths: places, everyMs: pollMs, jitter: 0, random }
        : { paths: [], everyMs: intervalMs, jitter, random };
    return [
      watchSources(timing, async () => {
        try {
          await this.#look(kind);
          await onLook();
        } catch (error) {
          this.#alarm(error);
        }
      }),
    ];
  }

  // A trust file that is long in coming does not hold up a denial, unless there is no trust yet.
  async #look(kind: SourceKind): Promise<void> {
    const looking = this.#trust.look(kind, 'if-changed').then(() => this.#entering);
    if (!this.#memory) await looking;
    await this.#readRevocations(kind);
    await looking;
    if (this.#stale.has(kind)) await this.#readRevocations(kind);
  }

  async #readRevocations(kind: SourceKind): Promise<void> {
    if (!this.#memory) return;
    await this.revocations.look(this.#memory, kind, this.#stale.delete(kind) ? 'always' : 'if-changed');
  }

  /** The version before, with all that it denies, stays in force until everything accepted was judged under the new one. */
  async #enter(trust: Trust): Promise<void> {
    const { steadyMs } = this.#settings.clocks;
    const next = new RevocationMemory(trust);
    const before = this.#memory;
    if (before) {
      for (let followed = -1; followed !== before.size; ) {
        followed = before.size;
        for await (const _ of inSlices(next.follow(before), steadyMs)) void _;
      }
    } else for await (const _ of inSlices(next.read(await this.#state.lines()), steadyMs)) void _;
    this.#memory = next;
    this.#inForce = trust;
    this.#stale.add('path').add('address');
    this.#judge.enter(trust, next);
    this.#onDenials();
    for (const watch of this.#watches) void watch.look();
  }

  // A mistake of ours must not end the process of a service.
  #alarm(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : 'unknown error';
    this.#settings.onEvent({ type: 'alarm', source: 'the guard', message });
  }
}
