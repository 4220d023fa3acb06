import { BreakglassError } from '../base/errors.ts';
import { type Key, KeyDecoder } from './keys.ts';
import { holdSignals, stoppedBy } from './signals.ts';
import type { Terminal } from './terminal.ts';

/** What happens with the bytes of a terminal. A result that is not undefined ends the reading. */
export interface ByteHandlers<T> {
  /** Called once, when keys are read and signals are heard: the time to ask. */
  readonly begin?: () => void;
  readonly take: (byte: number) => T | undefined | Promise<T | undefined>;
  /** Called when all that was typed so far was taken, and then about 80 times a second: the time to draw. */
  readonly idle?: () => T | undefined;
}

/** The same for keys. */
export interface KeyHandlers<T> {
  readonly press: (key: Key) => T | undefined;
  readonly idle?: () => void;
  /** Called after `idle`: ends the reading by itself. */
  readonly until?: () => T | undefined;
}

const pauseMilliseconds = 12;
// More than the 4,096 bytes that a Linux terminal holds: what was typed ahead is taken in one go.
const bytesBetweenPauses = 8192;
const beginPasteMarkers = '\x1b[?2004h';
const endPasteMarkers = '\x1b[?2004l';

/**
 * Reads bytes in raw mode until a handler gives a result; what was typed beyond it stays in the terminal. Throws `ABORTED` at
 * hang-up, SIGINT, SIGTERM and SIGHUP. The mode is restored in every case.
 */
export async function readBytes<T>(terminal: Terminal, handlers: ByteHandlers<T>): Promise<T> {
  const signals = holdSignals();
  terminal.enterRaw();
  try {
    handlers.begin?.();
    for (let count = 1; ; count++) {
      const byte = terminal.readByte();
      if (signals.received) throw stoppedBy(signals.received);
      if (byte === 'end') throw endOfInput();
      const result = byte === 'none' ? undefined : await handlers.take(byte);
      if (result !== undefined) return result;
      // A flood of input must starve neither signals nor deadlines.
      if (byte !== 'none' && count % bytesBetweenPauses !== 0) continue;
      const late = handlers.idle?.();
      if (late !== undefined) return late;
      await pause();
    }
  } finally {
    terminal.leaveRaw();
    signals.release();
  }
}

/** Reads keys as `readBytes` reads bytes. Throws `ABORTED` at Ctrl-C and Ctrl-D too. */
export async function readKeys<T>(terminal: Terminal, handlers: KeyHandlers<T>): Promise<T> {
  const decoder = new KeyDecoder();
  const press = (key: Key | undefined) => {
    if (key === 'interrupt') throw interrupted();
    if (key === 'end-of-input') throw endOfInput();
    return key === undefined ? undefined : handlers.press(key);
  };
  terminal.write(beginPasteMarkers);
  try {
    return await readBytes(terminal, {
      take: (byte) => press(decoder.take(byte)),
      idle: () => {
        const result = press(decoder.idle());
        if (result !== undefined) return result;
        handlers.idle?.();
        return handlers.until?.();
      },
    });
  } finally {
    terminal.write(endPasteMarkers);
  }
}

export function interrupted(cause?: unknown): BreakglassError {
  return aborted('stopped by Ctrl-C', cause);
}

export function endOfInput(): BreakglassError {
  return aborted('end of input: the terminal gave no more keys');
}

function aborted(message: string, cause?: unknown): BreakglassError {
  return new BreakglassError('ABORTED', message, {
    hint: 'nothing more was done after this question. Run the same command again to start over.',
    cause,
  });
}

// While a prompt waits, a signal ends it like Ctrl-C: secrets are wiped and the mode is restored on the way out.
function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, pauseMilliseconds);
  });
}
