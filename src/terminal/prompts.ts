import { type Deadline, secondsLeft } from './deadline.ts';
import { ask } from './inquirer.ts';
import { readKeys } from './key-reader.ts';
import type { Terminal } from './terminal.ts';

/** `validate` says what is wrong with an answer, or nothing when it is right; `initial` is the answer of a bare Enter. */
export interface TextOptions {
  readonly validate?: (answer: string) => string | undefined;
  readonly initial?: string;
}

export interface NumberOptions {
  readonly least: number;
  readonly most: number;
  readonly initial?: number;
}

/** At about 80 rounds a second. */
const roundsBetweenLooks = 20;

/** One line of text, trimmed. A wrong answer stays to be corrected, with the reason below it. */
export async function askText(terminal: Terminal, question: string, options: TextOptions = {}): Promise<string> {
  const { validate = () => undefined, initial } = options;
  const answer = await ask(terminal, ({ input }, context) =>
    input(
      {
        message: question,
        ...(initial === undefined ? {} : { default: initial }),
        validate: (typed) => validate(typed.trim()) ?? true,
      },
      context,
    ),
  );
  return answer.trim();
}

/** A whole number from `least` to `most`. */
export async function askNumber(terminal: Terminal, question: string, options: NumberOptions): Promise<number> {
  const { least, most, initial } = options;
  const inRange = (typed: string) => /^[0-9]{1,15}$/.test(typed) && Number(typed) >= least && Number(typed) <= most;
  const answer = await askText(terminal, question, {
    ...(initial === undefined ? {} : { initial: String(initial) }),
    validate: (typed) => (inRange(typed) ? undefined : `a whole number from ${least} to ${most}`),
  });
  return Number(answer);
}

/** One of several, by arrow keys and Enter. */
export async function askChoice<T extends string>(
  terminal: Terminal,
  question: string,
  choices: readonly T[],
): Promise<T> {
  return ask(terminal, ({ select }, context) => select<T>({ message: question, choices, loop: false }, context));
}

/**
 * One key, y or n, without Enter; Enter and Escape mean no. What was typed before the question showed does not count. Throws
 * `TIMEOUT` when the deadline passes.
 */
export async function confirmKey(
  terminal: Terminal,
  question: string,
  deadline: Deadline | null = null,
): Promise<boolean> {
  const keys = (key: string) => {
    if (key === 'y') return 'yes';
    return key === 'n' || key === 'enter' || key === 'escape' ? 'no' : undefined;
  };
  const answer = await askKey(terminal, `${question} (y/N) `, keys, deadline);
  terminal.write(`${answer}\n`);
  return answer === 'yes';
}

/** One key of several, without Enter. Any other key means nothing, nor does what was typed before the text showed. */
export async function askOneKey<T extends object | string>(
  terminal: Terminal,
  text: string,
  answers: ReadonlyMap<string, T>,
): Promise<T> {
  let pressed = '';
  const answer = await askKey(terminal, text, (key) => {
    pressed = key;
    return answers.get(key);
  });
  terminal.write(`${pressed}\n`);
  return answer;
}

/**
 * Waits until `until` says something, or a key is pressed (`key`). It is asked a few times a second. What was typed before the
 * text showed does not count.
 */
export async function awaitOrKey<T extends string>(
  terminal: Terminal,
  text: string,
  until: () => T | undefined,
): Promise<T | 'key'> {
  let rounds = 0;
  const result = await readKeys<T | 'key'>(terminal, {
    press: () => (rounds > 0 ? 'key' : undefined),
    idle: () => {
      if (rounds === 0) terminal.write(text);
    },
    until: () => (rounds++ % roundsBetweenLooks === 0 ? until() : undefined),
  });
  terminal.write('\n');
  return result;
}

/** Waits for Enter. What was typed before the text showed does not count. */
export async function awaitEnter(terminal: Terminal, text: string): Promise<void> {
  await askKey(terminal, text, (key) => (key === 'enter' ? key : undefined));
  terminal.write('\n');
}

// The text shows when all that was typed ahead is read: the rest of a scanned card, say, must not confirm anything.
async function askKey<T>(
  terminal: Terminal,
  text: string,
  answer: (key: string) => T | undefined,
  deadline: Deadline | null = null,
): Promise<T> {
  let asked = false;
  try {
    return await readKeys(terminal, {
      press: (key) => {
        if (!asked) return undefined;
        return answer(typeof key === 'number' ? String.fromCharCode(key).toLowerCase() : key);
      },
      idle: () => {
        secondsLeft(deadline);
        if (!asked) terminal.write(text);
        asked = true;
      },
    });
  } catch (error) {
    terminal.write('\n');
    throw error;
  }
}
