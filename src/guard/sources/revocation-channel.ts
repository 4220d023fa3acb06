import { access, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isBreakglassError } from '../../base/errors.ts';
import type { Seconds } from '../../base/time.ts';
import type { RevocationMemory } from '../../revocation/memory.ts';
import type { DenyEntry } from '../../revocation/statement.ts';
import type { GuardEvent } from '../events.ts';
import type { GuardState } from '../guard-state.ts';
import { inSlices } from './slices.ts';
import { openSource, type Source, type SourceKind, type UrlOptions } from './source.ts';
import { SourceHealth } from './source-health.ts';

export interface RevocationChannelOptions {
  readonly sources: readonly Source[];
  readonly url: UrlOptions;
  readonly state: GuardState;
  readonly steadyMs: () => number;
  readonly maxStaleSeconds: Seconds;
  readonly onEvent: (event: GuardEvent) => void;
  /** Something may be denied that was not before. */
  readonly onDenials: () => void;
}

/** What one source of revocations is like. `readAgoMs`: since it was last read whole; null: never. */
export interface SourceState {
  readonly source: string;
  readonly readAgoMs: number | null;
  readonly failure: string | null;
}

/** The file that denies everything by being there, unsigned: for whoever can write to the folder and has nothing else at hand. */
const killSwitchName = 'KILL';

/**
 * Revocations from where they are watched: lists, kill files beside them, and the file KILL. A denial counts from the moment its line
 * was judged. Any source that is fresh is enough: of two, one may be down in the very emergency.
 */
export class RevocationChannel {
  readonly #options: RevocationChannelOptions;
  readonly #health: SourceHealth;
  readonly #readWholeAt = new Map<string, number>();
  /** The greatest of those; null when there is none. */
  #newestWhole: number | null = null;
  readonly #killFiles = new Map<string, Source>();
  readonly #switches = new Set<string>();
  /** Sources whose last bytes were whole: while they do not change they stay fresh. */
  readonly #whole = new Set<string>();
  readonly #placesOf = new Map<string, { readonly places: ReadonlySet<number>; readonly memory: RevocationMemory }>();

  constructor(options: RevocationChannelOptions) {
    this.#options = options;
    this.#health = new SourceHealth(options.onEvent);
  }

  /** The path of a file KILL that is there. */
  get killSwitch(): string | undefined {
    const [path] = this.#switches;
    return path;
  }

  /** `missing`: never read whole since this process began. */
  freshness(): 'fresh' | 'stale' | 'missing' {
    if (this.#newestWhole === null) return 'missing';
    return this.#options.steadyMs() - this.#newestWhole <= this.#options.maxStaleSeconds * 1000 ? 'fresh' : 'stale';
  }

  states(): SourceState[] {
    return this.#options.sources.map(({ name }) => {
      const at = this.#readWholeAt.get(name);
      return {
        source: name,
        readAgoMs: at === undefined ? null : Math.round(this.#options.steadyMs() - at),
        failure: this.#health.failure(name),
      };
    });
  }

  /** Reads what has changed, or everything. `memory` is that of the trust in force. */
  async look(memory: RevocationMemory, kind: SourceKind, how: 'if-changed' | 'always'): Promise<void> {
    for (const source of this.#options.sources) {
      if (source.kind !== kind) continue;
      if (kind === 'path') await this.#lookForSwitch(dirname(source.name));
      await this.#read(source, memory, how);
      if (kind === 'path') await this.#readKillFiles(dirname(source.name), memory, how);
    }
  }

  async #lookForSwitch(folder: string): Promise<void> {
    const path = join(folder, killSwitchName);
    const on = await isThere(path);
    if (on === this.#switches.has(path)) return;
    if (on) this.#switches.add(path);
    else this.#switches.delete(path);
    this.#options.onEvent({ type: 'kill-switch', on, source: path });
    if (on) this.#options.onDenials();
  }

  async #read(source: Source, memory: RevocationMemory, how: 'if-changed' | 'always'): Promise<void> {
    const { name } = source;
    try {
      const at = this.#options.steadyMs();
      const read = await source.read(how);
      if (read !== 'unchanged') {
        const places = await this.#takeIn(read.bytes, name, memory, 'all');
        // Nothing, a cut file or the page of a proxy is no list, and says nothing of what is denied.
        const whole = read.bytes.at(-1) === 0x0a && places.size > 0;
        if (whole) this.#whole.add(name);
        else this.#whole.delete(name);
        if (whole) this.#compare(name, memory, places);
        read.keep();
      }
      if (!this.#whole.has(name)) return this.#health.failed(name, 'it holds no whole list of this trust');
      this.#readWholeAt.set(name, at);
      this.#newestWhole = Math.max(at, this.#newestWhole ?? at);
      this.#health.worked(name);
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      this.#health.failed(name, error.message);
    }
  }

  async #readKillFiles(folder: string, memory: RevocationMemory, how: 'if-changed' | 'always'): Promise<void> {
    for (const name of await namesIn(folder)) {
      if (!name.endsWith('.kill.jws')) continue;
      const path = join(folder, name);
      const source = this.#killFiles.get(path) ?? openSource(path, 'the kill file', this.#options.url);
      this.#killFiles.set(path, source);
      try {
        const read = await source.read(how);
        if (read === 'unchanged') continue;
        await this.#takeIn(read.bytes, path, memory, 'denying');
        read.keep();
        this.#health.worked(path);
      } catch (error) {
        if (!isBreakglassError(error)) throw error;
        if (error.code !== 'NOT_FOUND') this.#health.failed(path, error.message);
      }
    }
  }

  /** Judges lines, a slice of time after the other, and returns the places of those that count. */
  async #takeIn(
    bytes: Uint8Array,
    source: string,
    memory: RevocationMemory,
    which: 'all' | 'denying',
  ): Promise<ReadonlySet<number>> {
    const { onEvent, onDenials, state, steadyMs } = this.#options;
    const places = new Set<number>();
    const lines: string[] = [];
    const denied: DenyEntry[] = [];
    let alarms = 0;
    for await (const judgement of inSlices(memory.read(bytes, which), steadyMs)) {
      if (judgement && 'place' in judgement) {
        places.add(judgement.place);
        if (judgement.news) {
          lines.push(judgement.news.line);
          for (const entry of judgement.news.deny) denied.push(entry);
        }
      } else if (judgement && alarms++ < alarmsMax)
        onEvent({ type: 'alarm', source, message: `line ${judgement.number}: ${judgement.alarm}` });
    }
    if (lines.length > 0) onDenials();
    if (denied.length > 0) onEvent({ type: 'denied', source, entries: denied });
    if (lines.length > 0) this.#keep(state, lines);
    return places;
  }

  /** A line that a source had and has no more: its denial stays, and somebody should know. */
  #compare(source: string, memory: RevocationMemory, places: ReadonlySet<number>): void {
    const before = this.#placesOf.get(source);
    this.#placesOf.set(source, { places, memory });
    // Another trust version may believe fewer lines.
    if (before?.memory !== memory) return;
    let lost = 0;
    for (const place of before.places) if (!places.has(place)) lost++;
    if (lost === 0) return;
    const message = `it has lost ${lost} lines that were accepted before; their denials stay`;
    this.#options.onEvent({ type: 'alarm', source, message });
  }

  #keep(state: GuardState, lines: readonly string[]): void {
    // The denial is in force already; what cannot be written is an alarm, and this process remembers it all the same.
    state.keepLines(lines).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : 'unknown error';
      this.#options.onEvent({ type: 'alarm', source: 'the state of the guard', message: why });
    });
  }
}

const alarmsMax = 20;

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
