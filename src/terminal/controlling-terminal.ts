import { closeSync, constants, openSync, readSync } from 'node:fs';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { secretBytes, wipe } from '../base/bytes.ts';
import { openColour } from './chalk-colour.ts';
import type { Colour } from './colour.ts';
import type { Terminal } from './terminal.ts';
import { writeAll } from './voice.ts';

const terminalPath = '/dev/tty';
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const showCursorAndEndPaste = '\x1b[?25h\x1b[?2004l';

/** Opens /dev/tty; undefined when standard input is no terminal or there is none that controls this process. */
export function openControllingTerminal(): Terminal | undefined {
  if (!isatty(0)) return undefined;
  try {
    return new ControllingTerminal();
  } catch {
    return undefined;
  }
}

// A class, because it guards an invariant: whoever leaves, the terminal gets its mode back.
class ControllingTerminal implements Terminal {
  readonly colour: Colour = openColour({ terminal: true, env: process.env });
  readonly #input = openSync(terminalPath, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  readonly #output = openSync(terminalPath, constants.O_WRONLY | constants.O_NOCTTY);
  // Nothing is ever read from this stream: it is Node's only way to set the mode without a child process.
  readonly #mode = new ReadStream(
    openSync(terminalPath, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY),
  ).unref();
  readonly #byte = secretBytes(1);
  #size = measure();
  #rawDepth = 0;
  #previous = 0;
  #gone = false;

  constructor() {
    this.#mode.on('error', this.#hangUp);
    process.on('SIGWINCH', this.#resize);
    process.once('exit', this.#restore);
  }

  get columns(): number {
    return this.#size.columns;
  }

  get rows(): number {
    return this.#size.rows;
  }

  write(text: string | Uint8Array): void {
    if (!this.#gone) writeAll(this.#output, typeof text === 'string' ? Buffer.from(text) : text);
  }

  clear(): void {
    this.write('\x1b[H\x1b[2J\x1b[3J');
  }

  readByte(): number | 'none' | 'end' {
    const byte = this.#nextByte();
    // A scanner may end its line with CR LF: the LF must not answer the next prompt.
    const secondHalf = byte === lineFeed && this.#previous === carriageReturn;
    if (typeof byte === 'number') this.#previous = byte;
    return secondHalf ? this.#nextByte() : byte;
  }

  enterRaw(): void {
    this.#rawDepth += 1;
    if (this.#rawDepth === 1 && !this.#gone) this.#mode.setRawMode(true);
  }

  leaveRaw(): void {
    this.#rawDepth -= 1;
    if (this.#rawDepth === 0 && !this.#gone) this.#mode.setRawMode(false);
  }

  close(): void {
    process.off('SIGWINCH', this.#resize);
    process.off('exit', this.#restore);
    this.#restore();
    this.#gone = true;
    this.#mode.destroy();
    closeSync(this.#input);
    closeSync(this.#output);
  }

  #nextByte(): number | 'none' | 'end' {
    if (this.#gone) return 'end';
    try {
      const count = readSync(this.#input, this.#byte, 0, 1, null);
      if (count === 1) return this.#byte[0] ?? 'end';
    } catch (error) {
      if (isNothingYet(error)) return 'none';
    } finally {
      wipe(this.#byte);
    }
    // Zero bytes or EIO: the other side of the terminal has hung up.
    this.#gone = true;
    return 'end';
  }

  readonly #restore = (): void => {
    if (this.#rawDepth === 0 || this.#gone) return;
    this.#rawDepth = 0;
    this.write(showCursorAndEndPaste);
    this.#mode.setRawMode(false);
  };

  readonly #resize = (): void => {
    if (!this.#gone) this.#size = measure();
  };

  readonly #hangUp = (): void => {
    this.#gone = true;
  };
}

function measure(): { readonly columns: number; readonly rows: number } {
  const stream = new WriteStream(openSync(terminalPath, constants.O_RDWR | constants.O_NOCTTY));
  const { columns, rows } = stream;
  stream.destroy();
  // A serial console knows no size and says 0.
  return { columns: columns || 80, rows: rows || 24 };
}

function isNothingYet(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EINTR');
}
