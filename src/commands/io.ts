import type { ExitName } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Clock } from '../base/time.ts';

/** What a command may use of the outside world besides files: the product goes to stdout, all else to stderr. */
export interface CommandIo {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes the product; `closed` when nobody reads it any more. */
  product(text: string): 'written' | 'closed';
  /** Writes a line for people. */
  note(text: string): void;
  /** Sets the exit status of a command that ends without an error. */
  exit(status: ExitName): void;
}

/** Writes `value` as the product in JSON, `"v":1` first. */
export function productJson(io: CommandIo, value: object): void {
  io.product(formatJson(value));
}

export function formatJson(value: object): string {
  return `${JSON.stringify({ v: 1, ...value })}\n`;
}
