import { secretBytes, wipe } from '../base/bytes.ts';
import { Block, type Frame } from './block.ts';
import { type Deadline, secondsLeft } from './deadline.ts';
import { readKeys } from './key-reader.ts';
import type { Key } from './keys.ts';
import type { Terminal } from './terminal.ts';

/** How a secret line is read: `render` gets a view of what was typed so far and gives what to show. */
export interface SecretLineOptions {
  readonly render: (typed: Uint8Array) => Frame;
  readonly maxBytes: number;
  readonly deadline?: Deadline | null;
}

const longestPassphrase = 1024;

/**
 * Reads one line of bytes up to Enter, in raw mode and without a copy that is not wiped. What is typed beyond `maxBytes` is
 * not taken. The caller wipes the result. Throws `ABORTED` or `TIMEOUT`.
 */
export async function readSecretLine(terminal: Terminal, options: SecretLineOptions): Promise<Uint8Array> {
  const line = new SecretLine(options.maxBytes);
  const block = new Block(terminal);
  const redraw = redrawer(block, () => options.render(line.typed), options.deadline ?? null);
  try {
    return await readKeys(terminal, {
      press: (key) => {
        redraw.soon();
        return key === 'enter' ? line.copy() : line.edit(key);
      },
      idle: redraw.now,
    });
  } finally {
    line.wipe();
    block.erase();
  }
}

/** Asks for a passphrase; a `•` shows for every character. An empty line is an answer: no bytes. */
export async function readPassphrase(
  terminal: Terminal,
  prompt: string,
  deadline: Deadline | null = null,
): Promise<Uint8Array> {
  return readSecretLine(terminal, {
    maxBytes: longestPassphrase,
    deadline,
    render: (typed) => ({
      lines: [[{ text: `${prompt.trimEnd()} ` }, { text: '•'.repeat(characterCount(typed)) }]],
      cursor: { line: 0, part: 1 },
    }),
  });
}

/**
 * Draws when something changed, when the window did, and as the last 60 seconds of a deadline pass. `now` throws `TIMEOUT`
 * when none are left.
 */
export function redrawer(block: Block, frame: () => Frame, deadline: Deadline | null) {
  let stale = true;
  let shownSeconds: number | undefined;
  return {
    soon: () => {
      stale = true;
    },
    now: () => {
      const seconds = secondsLeft(deadline);
      const counting = seconds !== undefined && seconds <= 60 ? seconds : undefined;
      if (!stale && counting === shownSeconds && !block.resized) return;
      stale = false;
      shownSeconds = counting;
      block.draw(counting === undefined ? frame() : withCountdown(frame(), counting));
    },
  };
}

function withCountdown(frame: Frame, seconds: number): Frame {
  const style = seconds <= 10 ? 'bad' : 'warn';
  const text = `${seconds} s left. Without an entry all shares given so far are forgotten.`;
  return { ...frame, lines: [...frame.lines, [{ text, style }]] };
}

/** The bytes of a line being typed, in memory that can be wiped. */
class SecretLine {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(maxBytes: number) {
    this.#bytes = secretBytes(maxBytes);
  }

  get typed(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  edit(key: Key): undefined {
    if (typeof key === 'number') this.#append(key);
    if (key === 'backspace') this.#cut(lastCharacter(this.typed));
    if (key === 'clear-word') this.#cut(lastWord(this.typed));
    if (key === 'clear-line') this.#cut(0);
  }

  copy(): Uint8Array {
    const copy = secretBytes(this.#length);
    copy.set(this.typed);
    return copy;
  }

  wipe(): void {
    wipe(this.#bytes);
  }

  #append(byte: number): void {
    if (this.#length < this.#bytes.length) this.#bytes[this.#length++] = byte;
  }

  #cut(length: number): void {
    this.#bytes.fill(0, length, this.#length);
    this.#length = length;
  }
}

function lastCharacter(typed: Uint8Array): number {
  let start = typed.length - 1;
  while (start > 0 && isContinuation(typed[start])) start -= 1;
  return Math.max(0, start);
}

function lastWord(typed: Uint8Array): number {
  let start = typed.length;
  while (start > 0 && typed[start - 1] === 0x20) start -= 1;
  while (start > 0 && typed[start - 1] !== 0x20) start -= 1;
  return start;
}

function characterCount(typed: Uint8Array): number {
  return typed.reduce((count, byte) => count + (isContinuation(byte) ? 0 : 1), 0);
}

// 10xxxxxx: a later byte of a UTF-8 character (RFC 3629 §3).
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
