import { close, closeSync, constants, fstatSync, open, openSync, readSync, type Stats, statSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.ts';
import { endIfAsked, type HeldSignals, holdSignals, stoppedBy, withoutHeldSignals } from '../terminal/signals.ts';
import { readDescriptor, readInput } from './files.ts';
import { asBadInput, InputBytes, type InputOptions } from './input-bytes.ts';

const pauseMilliseconds = 12;

/**
 * As `readInput`, for what may be a pipe whose other end takes its time: SIGINT, SIGTERM and SIGHUP end the waiting. Throws
 * `ABORTED` then.
 */
export async function awaitInput(path: string, options: InputOptions): Promise<Uint8Array> {
  if (path === '-') return awaitDescriptor(0, { ...options, what: `${options.what} on standard input` });
  if (!isSlow(() => statSync(path))) return readInput(path, options);
  const signals = holdSignals();
  try {
    const named = { ...options, what: `${options.what} ${path}` };
    const descriptor = await openWaiting(path, named, signals);
    try {
      return await readWaiting(descriptor, named, signals);
    } finally {
      closeSync(descriptor);
    }
  } finally {
    signals.release();
  }
}

/** As `readDescriptor`; signals end the waiting as they end `awaitInput`. */
export async function awaitDescriptor(descriptor: number, options: InputOptions): Promise<Uint8Array> {
  const signals = holdSignals();
  try {
    await endIfAsked(signals);
    return await readWaiting(descriptor, options, signals);
  } finally {
    signals.release();
  }
}

// What the system says against it is said again, in better words, by whoever opens or reads it.
function isSlow(look: () => Stats): boolean {
  try {
    const facts = look();
    return !facts.isFile() && !facts.isDirectory();
  } catch {
    return false;
  }
}

async function openWaiting(path: string, { what }: InputOptions, signals: HeldSignals): Promise<number> {
  try {
    if (statSync(path).isFIFO()) return await openPipe(path, signals);
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (cause) {
    throw asBadInput(what, cause);
  }
}

/** Opening a named pipe lasts until somebody writes to it: a thread waits, so that this one hears signals. */
function openPipe(path: string, signals: HeldSignals): Promise<number> {
  return new Promise((resolve, reject) => {
    let stopped = false;
    const timer = setInterval(() => {
      if (!signals.received) return;
      stopped = true;
      clearInterval(timer);
      reject(stoppedBy(signals.received));
      freeReader(path);
    }, pauseMilliseconds);
    open(path, constants.O_RDONLY, (error, descriptor) => {
      clearInterval(timer);
      if (error) reject(error);
      else if (stopped) close(descriptor);
      else resolve(descriptor);
    });
  });
}

// The end of the process waits for its threads: a moment as a writer lets the one go that waits for a writer.
function freeReader(path: string): void {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

async function readWaiting(descriptor: number, options: InputOptions, signals: HeldSignals): Promise<Uint8Array> {
  if (!isSlow(() => fstatSync(descriptor))) return readDescriptor(descriptor, options);
  const own = reopenNonBlocking(descriptor);
  if (own === undefined) return withoutHeldSignals(() => readDescriptor(descriptor, options));
  const input = new InputBytes(options);
  try {
    for (;;) {
      if (signals.received) throw stoppedBy(signals.received);
      const count = readNow(own, input.room);
      if (count === undefined) await pause();
      else if (input.take(count) === 'end') return input.whole();
    }
  } catch (cause) {
    throw asBadInput(options.what, cause);
  } finally {
    input.wipe();
    closeSync(own);
  }
}

/**
 * The same pipe, opened for this process alone: not to block is a property of the open file, and others may share the one that was
 * inherited. Undefined for a socket, which cannot be opened again, and for the pipe of another user.
 */
function reopenNonBlocking(descriptor: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}

function readNow(descriptor: number, into: Uint8Array): number | undefined {
  try {
    return readSync(descriptor, into, 0, into.length, null);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EAGAIN') return undefined;
    if (code === 'EOF') return 0;
    throw error;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, pauseMilliseconds);
  });
}
