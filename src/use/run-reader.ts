import { type FileLine, linesOf } from './use-lines.ts';
import type { Run } from './use-runs.ts';

/** How many files are held open at a time: copies of a log are few. Of a file made to have more, each line is found anew. */
export const keptOpen = 16;

/** Reads a run line by line. */
export class RunReader {
  readonly run: Run;
  readonly #kept: boolean;
  #lines: Generator<FileLine> | undefined;
  #position: number;

  constructor(run: Run, kept: boolean) {
    this.run = run;
    this.#kept = kept;
    this.#position = run.position;
  }

  /** Undefined when the file has become shorter meanwhile. */
  next(): Uint8Array | undefined {
    this.#lines ??= linesOf(this.run.file, this.#position);
    const { value, done } = this.#lines.next();
    if (!done) this.#position += value.bytes.length;
    if (!this.#kept) this.close();
    return done ? undefined : value.bytes;
  }

  /** Lets go of the file. */
  close(): void {
    this.#lines?.return(undefined);
    this.#lines = undefined;
  }
}
