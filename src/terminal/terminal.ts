import { fstatSync } from 'node:fs';
import type { Colour } from './colour.ts';
import { holdSignals } from './signals.ts';

/** The screen and the keyboard in front of a person. Prompts go here, never to standard output. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly colour: Colour;
  write(text: string | Uint8Array): void;
  /** Empties the screen and, where the terminal can, what was scrolled off it. */
  clear(): void;
  /** One byte that was typed, `none` while nothing waits, `end` when the terminal is gone. Never blocks. */
  readByte(): number | 'none' | 'end';
  /** From here on keys arrive byte by byte, nothing is echoed, and Ctrl-C is a byte. Calls nest. */
  enterRaw(): void;
  /** Ends one `enterRaw`; the last one gives the terminal its mode back. */
  leaveRaw(): void;
  /** Restores the mode and closes the descriptors. */
  close(): void;
}

/** The controlling terminal by descriptors of its own, or undefined when standard input is not a terminal. */
export async function openTerminal(): Promise<Terminal | undefined> {
  if (!mayBeTerminal()) return undefined;
  // Only now: Node's terminal module brings sockets and streams along, which commands that ask nothing need not read.
  const { openControllingTerminal } = await import('./controlling-terminal.ts');
  return openControllingTerminal();
}

/**
 * Runs `work` with the echo off throughout, so that what is typed ahead between two prompts does not show, and with signals
 * held, so that only a prompt ends it.
 */
export async function holdingTerminal<T>(terminal: Terminal, work: () => Promise<T>): Promise<T> {
  const signals = holdSignals();
  terminal.enterRaw();
  try {
    return await work();
  } finally {
    terminal.leaveRaw();
    signals.release();
  }
}

/** Device 1:… is memory: /dev/null, /dev/zero. */
const memoryMajor = 1;

function mayBeTerminal(): boolean {
  try {
    const facts = fstatSync(0);
    return facts.isCharacterDevice() && facts.rdev >> 8 !== memoryMajor;
  } catch {
    return false;
  }
}
