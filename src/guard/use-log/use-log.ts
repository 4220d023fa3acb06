import type { BreakglassError } from '../../base/errors.ts';
import type { Ed25519Jwk } from '../../base/schema.ts';
import type { Clock } from '../../base/time.ts';
import { ed25519JwkOf } from '../../key/derive.ts';
import type { Use } from '../../use/use-record.ts';
import type { SecondSinkState } from './second-sink.ts';
import type { UseLogHead } from './use-chain-writer.ts';
import type { LogDisk } from './use-log-disk.ts';
import { takeUpLog } from './use-log-opening.ts';
import { QueuedUseLog } from './use-log-queue.ts';

export type { SecondSinkState, UseLogHead };

/** What happens to a use log that its service may want to tell somebody. */
export type UseLogEvent =
  /** Once for all failures in a row; until `use-log.writable` no use is recorded. */
  | { readonly type: 'use-log.failed'; readonly error: BreakglassError }
  | { readonly type: 'use-log.writable' }
  /** A line that was not written whole was found and put on the record. */
  | { readonly type: 'use-log.recovered'; readonly file: string; readonly bytes: number }
  | { readonly type: 'use-log.second-sink-failed'; readonly error: BreakglassError }
  | { readonly type: 'use-log.second-sink-caught-up' };

export interface UseLogState {
  /** False from a failure to the next record that was written. */
  readonly writable: boolean;
  /** Null while nothing was written. */
  readonly head: UseLogHead | null;
  /** Uses that are not written yet. */
  readonly waiting: number;
  /** Null without a second sink. */
  readonly secondSink: SecondSinkState | null;
}

/** Where a guard records every use of a break-glass token (docs/format.md §13). */
export interface UseLog {
  /** The public half of the guard's own key, for the auditors. */
  readonly publicJwk: Ed25519Jwk;
  /**
   * Resolves once the record of this use is written and flushed. Rejects with `USE_LOG_FAILED`: then the use must be refused. It
   * may stand in the log all the same, where the write was done and its flush failed.
   */
  record(use: Use): Promise<void>;
  /**
   * A denial: nobody waits for it. What cannot be written stays in memory, up to a bound. Many are counted rather than listed: behind
   * that bound, over 20 a second of what anybody can send, and over 1,000 and two a second of one token.
   */
  note(use: Use): void;
  state(): UseLogState;
  /** Writes what waits and `closed`, gives the second sink a last try of two seconds, and lets go of the log. */
  close(): Promise<void>;
}

export interface UseLogOptions {
  /** The file in use. Each process has one of its own. */
  readonly path: string;
  /** An identifier for people: which service or replica this is. */
  readonly name: string;
  readonly trustId: string;
  readonly audience: string | null;
  /** Where the key is, or is made on first use; `PATH.key` by default. */
  readonly keyFile?: string;
  /** Another place for the same lines, outside the service: a path, or a function that gets each line. */
  readonly secondSink?: string | ((line: Uint8Array) => void | Promise<void>);
  /** Of one file, before it is rotated: 64 MiB by default. */
  readonly maxBytes?: number;
  readonly clock: Clock;
  readonly onEvent?: (event: UseLogEvent) => void;
  /** The file system; tests hand in one that fails. */
  readonly disk?: LogDisk;
}

/**
 * Opens a use log, or begins it, and goes on with its chain. A disk that is full is no error here: the log opens, is not writable,
 * and becomes so when there is room. Throws `USE_LOG_INVALID` for a file that is not this key's and trust's log, `STATE_BUSY`
 * while another process has it, `STATE_EXPOSED` or `STATE_DAMAGED` for its key file, `USE_LOG_FAILED` when it cannot be read or
 * its key cannot be made.
 */
export async function openUseLog(options: UseLogOptions): Promise<UseLog> {
  const onEvent = quietly(options.onEvent ?? (() => {}));
  const taken = await takeUpLog({ ...options, onEvent });
  const log = new QueuedUseLog(ed25519JwkOf(taken.key), taken, onEvent);
  await log.begin();
  return log;
}

// What a listener throws must not look like a failure of the log.
function quietly(listener: (event: UseLogEvent) => void): (event: UseLogEvent) => void {
  return (event) => {
    try {
      listener(event);
    } catch {
      // The listener's own affair.
    }
  };
}
