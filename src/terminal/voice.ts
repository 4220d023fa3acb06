import { writeSync } from 'node:fs';
import type { BreakglassError } from '../base/errors.ts';
import { type Colour, plainColour } from './colour.ts';

/** An error as people read it: `breakglass: <what>`, then `hint: <what to do, and what did not happen>`. No final LF. */
export function formatError(error: BreakglassError, colour: Colour = plainColour): string {
  return `${colour.bad('breakglass:')} ${visible(error.message)}\n${colour.strong('hint:')} ${visible(error.hint)}`;
}

/** Says `breakglass: <text>` on standard error. */
export function note(text: string): void {
  say(`breakglass: ${visible(text)}`);
}

/** Writes `text` and a line feed to standard error: everything that is not the product. */
export function say(text: string): void {
  writeAll(2, Buffer.from(`${text}\n`));
}

/** Text from outside without control characters, which could move the cursor or hide what stands before. */
export function visible(text: string): string {
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?');
}

/** Writes all of `bytes` to a descriptor that may be slow, full or gone; a reader that has left is not an error. */
export function writeAll(descriptor: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(descriptor, bytes, written, bytes.length - written);
    } catch (error) {
      if (!isFull(error)) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR');
}
