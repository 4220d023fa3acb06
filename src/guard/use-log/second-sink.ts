import { BreakglassError, isBreakglassError } from '../../base/errors.ts';
import { ioError } from '../../machine/descriptor.ts';
import type { SealedLine } from './line-file.ts';

/** Where copies of the lines go. `deliver` resolves once they are there; it is called for lines in order, one call at a time. */
export interface SinkTarget {
  /** The place of the next line that it lacks. */
  readonly next: number;
  deliver(lines: readonly SealedLine[]): Promise<void>;
  close(): Promise<void>;
}

export interface SecondSinkState {
  /** Lines of the log that it has not got yet. */
  readonly behind: number;
  readonly error: BreakglassError | null;
}

export interface SecondSinkOptions {
  /** Asked until it succeeds: a path may not be there yet. */
  readonly target: () => Promise<SinkTarget>;
  /** Lines that were written before, from a place on; not more than a few at a time. */
  readonly linesFrom: (seq: number) => AsyncIterable<readonly SealedLine[]>;
  readonly onChange: (error: BreakglassError | null) => void;
}

/** Bytes of lines that are kept for a sink that is behind; older ones are read from the files again. */
const keptMaxBytes = 8 * 1024 * 1024;
const retryFirstMilliseconds = 500;
const retryMostMilliseconds = 30_000;

/** Brings the lines of a log to a second place. It never holds up the first one, and goes on trying for ever. */
export class SecondSink {
  readonly #options: SecondSinkOptions;
  #target: SinkTarget | undefined;
  #kept: SealedLine[] = [];
  #keptBytes = 0;
  #end: number;
  #error: BreakglassError | null = null;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMilliseconds = retryFirstMilliseconds;
  #closed = false;

  /** `end`: the place behind the last line that is written already. */
  constructor(end: number, options: SecondSinkOptions) {
    this.#end = end;
    this.#options = options;
  }

  get state(): SecondSinkState {
    return { behind: Math.max(0, this.#end - (this.#target?.next ?? 0)), error: this.#error };
  }

  /** Lines that were written to the first place just now. */
  add(lines: readonly SealedLine[]): void {
    for (const line of lines) {
      this.#kept.push(line);
      this.#keptBytes += line.bytes.length;
      this.#end = line.seq + 1;
    }
    while (this.#keptBytes > keptMaxBytes) this.#keptBytes -= this.#kept.shift()?.bytes.length ?? 0;
    this.run();
  }

  /** Delivers what is missing, unless that is under way or waits for its next try. */
  run(): void {
    if (this.#running || this.#timer || this.#closed) return;
    this.#running = this.#deliverAll().finally(() => {
      this.#running = undefined;
      // A line may have come as the last look was taken.
      if (this.#target && this.#target.next < this.#end) this.run();
    });
  }

  /** One last try that takes no longer than this. */
  async close(waitMilliseconds: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.run();
    this.#closed = true;
    const patience = new Promise<void>((resolve) => setTimeout(resolve, waitMilliseconds).unref());
    await Promise.race([this.#running, patience]);
    clearTimeout(this.#timer);
    await this.#target?.close().catch(() => {});
  }

  async #deliverAll(): Promise<void> {
    try {
      this.#target ??= await this.#options.target();
      while (this.#target.next < this.#end) await this.#deliverSome(this.#target);
      this.#retryMilliseconds = retryFirstMilliseconds;
      if (this.#error) this.#tell(null);
    } catch (cause) {
      this.#tryLater();
      if (!this.#error)
        this.#tell(isBreakglassError(cause) ? cause : ioError('the second use log', 'was not written', cause));
    }
  }

  async #deliverSome(target: SinkTarget): Promise<void> {
    const from = this.#kept.findIndex(({ seq }) => seq === target.next);
    if (from >= 0) {
      const lines = this.#kept.splice(0);
      this.#keptBytes = 0;
      try {
        await target.deliver(lines.slice(from));
      } catch (error) {
        this.#kept.unshift(...lines);
        this.#keptBytes = this.#kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
        throw error;
      }
      return;
    }
    const before = target.next;
    for await (const lines of this.#options.linesFrom(before)) await target.deliver(lines);
    if (target.next === before) throw notAtHand(before);
  }

  #tryLater(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.run();
    }, this.#retryMilliseconds).unref();
    this.#retryMilliseconds = Math.min(retryMostMilliseconds, this.#retryMilliseconds * 2);
  }

  #tell(error: BreakglassError | null): void {
    this.#error = error;
    this.#options.onChange(error);
  }
}

function notAtHand(seq: number): BreakglassError {
  return new BreakglassError('USE_LOG_FAILED', `record ${seq} of the use log is not at hand for its second place`, {
    hint: 'the file that holds it was taken away: put it back beside the log. The first place goes on.',
  });
}
