import { Readable, Writable } from 'node:stream';
import { endOfInput, interrupted, readBytes } from './key-reader.ts';
import type { Terminal } from './terminal.ts';

const ctrlC = 0x03;
const ctrlD = 0x04;

type Prompts = typeof import('@inquirer/prompts');
type PromptContext = NonNullable<Parameters<Prompts['input']>[1]>;

/**
 * Asks one question of @inquirer/prompts at the terminal. We read the keys and hand them over one by one: its promise would not
 * settle at the end of input, and it would take keys that belong to the next prompt. Throws `ABORTED`.
 */
export async function ask<T>(
  terminal: Terminal,
  prompt: (prompts: Prompts, context: PromptContext) => Promise<T>,
): Promise<T> {
  // Only now: it would double the start-up time of commands that ask nothing.
  const prompts = await import('@inquirer/prompts');
  const keyboard = new Keyboard();
  const abort = new AbortController();
  try {
    return await feed(terminal, keyboard, () =>
      prompt(prompts, { input: keyboard, output: new Screen(terminal), signal: abort.signal }),
    );
  } catch (error) {
    abort.abort();
    terminal.write('\n');
    throw error instanceof Error && error.name === 'ExitPromptError' ? interrupted(error) : error;
  }
}

async function feed<T>(terminal: Terminal, keyboard: Keyboard, begin: () => Promise<T>): Promise<T> {
  let settled: { readonly answer: Promise<T> } | undefined;
  const { answer } = await readBytes(terminal, {
    begin: () => {
      const answer = begin();
      const settle = () => {
        settled = { answer };
      };
      answer.then(settle, settle);
    },
    take: async (byte) => {
      if (byte === ctrlC) throw interrupted();
      if (byte === ctrlD) throw endOfInput();
      keyboard.push(Buffer.of(byte));
      await turnOfLoop();
      return settled;
    },
    idle: () => settled,
  });
  return answer;
}

/** A key is worked off, its answer checked and the prompt settled before the next turn of the event loop. */
function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

class Keyboard extends Readable {
  override _read(): void {}
}

class Screen extends Writable {
  readonly isTTY = true;
  readonly #terminal: Terminal;
  readonly #plain: boolean;

  constructor(terminal: Terminal) {
    super({ decodeStrings: false });
    this.#terminal = terminal;
    this.#plain = terminal.colour.strong('x') === 'x';
  }

  get columns(): number {
    return this.#terminal.columns;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    this.#terminal.write(this.#plain ? text.replace(/\x1b\[[\d;]*m/g, '') : text);
    done();
  }
}
