import { writeSync } from 'node:fs';
import { BreakglassError, systemErrorCode } from '../base/errors.ts';

/** Writes all bytes to an open descriptor. `closed`: the reader has gone away, which is its right. Throws `IO`. */
export function writeOut(descriptor: number, bytes: Uint8Array): 'written' | 'closed' {
  try {
    writeAll(descriptor, bytes);
    return 'written';
  } catch (cause) {
    if (systemErrorCode(cause) === 'EPIPE') return 'closed';
    throw ioError(`descriptor ${descriptor}`, 'was not written', cause);
  }
}

/** Writes all of `bytes`. Throws the system's error. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) {
    written += patiently(() => writeSync(descriptor, bytes, written, bytes.length - written));
  }
}

/** Does `transfer` until it is not put off: a descriptor that we inherited may be non-blocking, because another process made it so. */
export function patiently(transfer: () => number): number {
  for (;;) {
    try {
      return transfer();
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') throw error;
      pause(5);
    }
  }
}

/** Sleeps without giving other work a turn. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** `IO` with the system's word for it; `what` is the path or thing and `failed` says what did not happen. */
export function ioError(what: string, failed: string, cause: unknown): BreakglassError {
  return new BreakglassError('IO', `${what} ${failed} (${systemErrorCode(cause) ?? 'unknown error'})`, {
    hint: 'look at free space, at read-only mounts and at the rights of the folder. What was there before is unchanged.',
    cause,
  });
}
