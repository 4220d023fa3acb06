import { BreakglassError, type ErrorCode, isBreakglassError } from '../../base/errors.ts';
import { conformOrUndefined, type Ed25519Jwk } from '../../base/schema.ts';
import { type Use, useSchema } from '../../use/use-record.ts';
import type { UseRecordMembers } from './use-chain-writer.ts';
import type { UseLog, UseLogEvent, UseLogState } from './use-log.ts';
import { failed, type TakenLog } from './use-log-opening.ts';
import { type UseBatch, type WaitingUse, WaitingUses } from './waiting-uses.ts';

/** How long a denial that nobody waits for may wait for others, and how long after a failure it is tried again. */
const noteMilliseconds = 250;
const afterFailureMilliseconds = 1000;
const lastTryMilliseconds = 2000;
/** A disk that takes longer is one that fails: requests are not kept hanging on it. */
const stallMilliseconds = 3000;

/**
 * Group commit: what comes while a record is signed, written and flushed goes into the next one. So one use alone is written at
 * once, and under load one signature and one flush serve as many uses as came in their time.
 */
export class QueuedUseLog implements UseLog {
  readonly publicJwk: Ed25519Jwk;
  readonly #taken: TakenLog;
  readonly #onEvent: (event: UseLogEvent) => void;
  readonly #waiting = new WaitingUses();
  #error: BreakglassError | null = null;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #inFlight: readonly WaitingUse[] = [];
  #stalled = false;
  #onStall: () => void = () => {};

  constructor(publicJwk: Ed25519Jwk, taken: TakenLog, onEvent: (event: UseLogEvent) => void) {
    this.publicJwk = publicJwk;
    this.#taken = taken;
    this.#onEvent = onEvent;
  }

  /** Writes what stands before the first uses; a failure shows in the state and is tried again. */
  async begin(): Promise<void> {
    await this.#commit([]).catch(() => this.#runSoon());
    this.#taken.sink?.run();
  }

  record(use: Use): Promise<void> {
    if (this.#closing) return Promise.reject(closed());
    if (this.#stalled) return Promise.reject(this.#error);
    if (conformOrUndefined(useSchema, use) === undefined) return Promise.reject(misshapen());
    return new Promise((resolve, reject) => {
      if (!this.#waiting.addRecord({ use, resolve, reject })) return reject(overfull());
      this.#run();
    });
  }

  note(use: Use): void {
    if (this.#closing) return;
    if (conformOrUndefined(useSchema, use) === undefined) throw misshapen();
    this.#waiting.addNote(use);
    this.#runSoon();
  }

  state(): UseLogState {
    const { writer, sink } = this.#taken;
    return {
      writable: this.#error === null && !this.#closing,
      head: writer.head,
      waiting: this.#waiting.count,
      secondSink: sink?.state ?? null,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    const { file, lock, sink, instance } = this.#taken;
    try {
      while (this.#running && !this.#stalled) await Promise.race([this.#running, this.#stall()]);
      while (!this.#waiting.isEmpty && !this.#error) await this.#writeBatch();
      if (!this.#stalled) await this.#commit([{ type: 'closed', instance }]).catch(() => {});
      await sink?.close(lastTryMilliseconds);
      const closing = file.close().catch(() => {});
      // The handle of a disk that hangs closes when the disk answers, and nobody waits for that.
      if (!this.#stalled) await closing;
    } finally {
      lock.release();
    }
  }

  #run(): void {
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
      if (this.#waiting.hasRecords) this.#run();
      else if (!this.#waiting.isEmpty || this.#error) this.#runSoon();
    });
  }

  #runSoon(): void {
    if (this.#running || this.#closing) return;
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#run();
      },
      this.#error ? afterFailureMilliseconds : noteMilliseconds,
    ).unref();
  }

  // The first batch waits for the end of this turn: requests that come in it go together.
  async #drain(): Promise<void> {
    await Promise.resolve();
    do await this.#writeBatch();
    while (this.#waiting.hasRecords);
  }

  async #writeBatch(): Promise<void> {
    // After a failure something is written even if nothing happened: whoever waits for a log that is writable sends nothing to it.
    if (this.#waiting.isEmpty && !this.#error) return;
    const batch = this.#waiting.take();
    this.#inFlight = batch.records;
    try {
      await this.#commit([usesRecord(batch)]);
      for (const { resolve } of batch.records) resolve();
    } catch (error) {
      this.#waiting.giveBack(batch);
      for (const { reject } of batch.records) reject(error);
    }
  }

  async #commit(members: readonly UseRecordMembers[]): Promise<void> {
    const { writer, sink, file } = this.#taken;
    const patience = setTimeout(() => this.#giveUpWaiting(), stallMilliseconds).unref();
    try {
      const lines = await writer.commit(members);
      sink?.add(lines);
      if (this.#error) this.#onEvent({ type: 'use-log.writable' });
      this.#error = null;
    } catch (cause) {
      const error = isBreakglassError(cause) ? cause : failed(file.path, 'was not written', cause);
      this.#fail(error);
      throw error;
    } finally {
      clearTimeout(patience);
      this.#stalled = false;
    }
  }

  /** The write goes on, and may still come to a good end; whoever waits for it, or for those after it, is refused now. */
  #giveUpWaiting(): void {
    const error = stalled(this.#taken.file.path);
    this.#stalled = true;
    this.#fail(error);
    for (const { reject } of [...this.#inFlight, ...this.#waiting.takeRecords()]) reject(error);
    this.#onStall();
  }

  #fail(error: BreakglassError): void {
    if (!this.#error) this.#onEvent({ type: 'use-log.failed', error });
    this.#error = error;
  }

  #stall(): Promise<void> {
    return new Promise((resolve) => {
      this.#onStall = resolve;
    });
  }
}

function usesRecord({ records, notes, omitted }: UseBatch): UseRecordMembers {
  const counts = [...omitted].map(([code, count]) => ({ code, count }) satisfies { code: ErrorCode; count: number });
  return { type: 'uses', uses: [...records.map(({ use }) => use), ...notes], omitted: counts };
}

function closed(): BreakglassError {
  return new BreakglassError('USE_LOG_FAILED', 'the use log is closed', {
    hint: 'the service is ending. The use was not recorded, so it is refused.',
  });
}

function overfull(): BreakglassError {
  return new BreakglassError('USE_LOG_FAILED', 'too many uses wait for the use log', {
    hint: 'look at the speed of its disk. The use was not recorded, so it is refused.',
  });
}

function stalled(path: string): BreakglassError {
  return new BreakglassError('USE_LOG_FAILED', `the disk of the use log ${path} does not answer`, {
    hint: 'look at the disk or the network that it is reached by. The use is refused; it may be recorded all the same, once the disk answers.',
  });
}

function misshapen(): TypeError {
  return new TypeError('this use does not fit the use log: see useSchema');
}
