import { secretBytes, wipe } from '../base/bytes.ts';
import type { Style } from './colour.ts';
import { textWidth, unitPattern } from './layout.ts';
import type { Terminal } from './terminal.ts';

/** A piece of a line. Typed text comes as bytes, so that no copy of it is ever a string, which cannot be wiped. */
export interface Part {
  readonly text: string | Uint8Array;
  readonly style?: Style;
}
export type Line = readonly Part[];

/** Lines to show, and where the cursor stands: behind the part `part` of the line `line`. */
export interface Frame {
  readonly lines: readonly Line[];
  readonly cursor: { readonly line: number; readonly part: number };
}

/** A block of lines that is drawn again and again in the same place of the screen. */
export class Block {
  readonly #terminal: Terminal;
  #cursorLine = 0;
  #columns: number;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#columns = terminal.columns;
  }

  /** True when the window got another width since the last drawing. */
  get resized(): boolean {
    return this.#terminal.columns !== this.#columns;
  }

  /** Draws the frame over the one before; lines are cut at the right edge, and at the top if they are too many. */
  draw(frame: Frame): void {
    const { columns, rows } = this.#terminal;
    const ink = new Ink(frameBytes(frame, columns));
    try {
      // Lines of another width have wrapped somewhere: only an empty screen is known ground.
      if (this.resized) ink.write('\x1b[H\x1b[2J');
      else this.#toTop(ink);
      this.#columns = columns;
      this.#drawLines(frame, Math.max(0, frame.lines.length - rows), ink);
      this.#terminal.write(ink.bytes);
    } finally {
      ink.wipe();
    }
  }

  /** Takes the block off the screen; the cursor stands where it began. */
  erase(): void {
    const ink = new Ink(64);
    this.#toTop(ink);
    ink.write('\x1b[J');
    this.#terminal.write(ink.bytes);
    this.#cursorLine = 0;
  }

  #toTop(ink: Ink): void {
    ink.write('\r');
    if (this.#cursorLine > 0) ink.write(`\x1b[${this.#cursorLine}A`);
  }

  #drawLines(frame: Frame, hidden: number, ink: Ink): void {
    const width = this.#columns - 1;
    const shown = frame.lines.slice(hidden);
    ink.write('\x1b[?25l');
    shown.forEach((line, number) => {
      if (number > 0) ink.write('\r\n');
      this.#drawLine(line, width, ink);
      ink.write('\x1b[K');
    });
    ink.write('\x1b[J');
    this.#cursorLine = Math.max(0, frame.cursor.line - hidden);
    const below = shown.length - 1 - this.#cursorLine;
    const column = Math.min(width, lineWidth((frame.lines[frame.cursor.line] ?? []).slice(0, frame.cursor.part + 1)));
    ink.write(`${below > 0 ? `\x1b[${below}A` : ''}\r${column > 0 ? `\x1b[${column}C` : ''}\x1b[?25h`);
  }

  #drawLine(line: Line, width: number, ink: Ink): void {
    let left = width;
    for (const part of line) {
      const [before, after] = part.style ? dress(this.#terminal.colour[part.style]) : ['', ''];
      ink.write(before);
      left -= typeof part.text === 'string' ? ink.writeClipped(part.text, left) : ink.writeTyped(part.text, left);
      ink.write(after);
    }
  }
}

// Bytes on their way to the terminal, in a buffer that can be wiped.
class Ink {
  readonly #buffer: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#buffer = secretBytes(capacity);
  }

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  write(text: string): void {
    this.#length += new TextEncoder().encodeInto(text, this.#buffer.subarray(this.#length)).written;
  }

  /** Writes up to `width` characters and every colour code; returns how many characters. */
  writeClipped(text: string, width: number): number {
    let used = 0;
    for (const [unit] of text.matchAll(unitPattern)) {
      if (!unit.startsWith('\x1b') && used++ >= width) continue;
      this.write(unit);
    }
    return Math.min(used, width);
  }

  /** Writes typed bytes, one character each; what is not ASCII shows as `?`. */
  writeTyped(typed: Uint8Array, width: number): number {
    const count = Math.max(0, Math.min(typed.length, width));
    for (let position = 0; position < count; position++) {
      const byte = typed[position] ?? 0;
      this.#buffer[this.#length++] = byte >= 0x20 && byte < 0x7f ? byte : 0x3f;
    }
    return count;
  }

  wipe(): void {
    wipe(this.#buffer);
  }
}

function frameBytes(frame: Frame, columns: number): number {
  const texts = frame.lines.flatMap((line) => line.map((part) => part.text.length * 3 + 32));
  return texts.reduce((sum, bytes) => sum + bytes, 256 + frame.lines.length * 16 + columns);
}

function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + (typeof text === 'string' ? textWidth(text) : text.length), 0);
}

// What a colour puts before and after a text, without giving it the text.
function dress(style: (text: string) => string): readonly [string, string] {
  const [before = '', after = ''] = style('\u0000').split('\u0000');
  return [before, after];
}
