import type { Frame, Line, Part } from './block.ts';
import type { ShareLine } from './share-line.ts';
import { canBecomeWord, completeWord, nearestWords } from './word-guess.ts';

const dot = '•';
const lastCharactersShown = 4;
const longestDots = 40;
// A list word has at most eight letters. What is longer is no word, and may be a text form begun in the wrong place.
const longestWordShown = 12;

/** The two lines of a share entry: what is typed, with the cursor, and what helps with it. */
export function viewShareLine(line: ShareLine): Frame {
  const input: Record<typeof line.form, () => readonly Part[]> = {
    words: () => wordsInput(line),
    text: () => textInput(line),
    file: () => [{ text: 'file      ' }, { text: line.current }],
  };
  const parts = input[line.form]();
  return { lines: [parts, help(line)], cursor: { line: 0, part: 1 } };
}

function wordsInput(line: ShareLine): Line {
  const count = `${line.wordCount} of ${line.cardWords}`.padEnd(10);
  const typed = line.current;
  const shown = typed.subarray(-longestWordShown);
  const rest = completeWord(typed)?.slice(typed.length) ?? '';
  const dots = dot.repeat(line.wordCount) + (line.wordCount > 0 ? ' ' : '');
  return [{ text: `${count}${dots}` }, { text: shown }, { text: rest, style: 'dim' }];
}

function textInput(line: ShareLine): Line {
  const count = `${line.textCount} of ${line.expectedText}`.padEnd(10);
  const hidden = Math.max(0, line.textCount - lastCharactersShown);
  return [{ text: `${count}${dot.repeat(Math.min(hidden, longestDots))}` }, { text: lastCharacters(line.current) }];
}

function lastCharacters(typed: Uint8Array): Uint8Array {
  return typed.subarray(-lastCharactersShown);
}

function help(line: ShareLine): Line {
  if (line.pending === 'unfit') return warn(unfitHelp(line));
  if (line.pending === 'short') return warn(shortHelp(line));
  if (line.form === 'file' || line.isFileName) return say('Enter reads this file');
  if (line.form === 'text') {
    return say(line.textCount === line.expectedText ? 'Enter hands the share in' : 'the text form of a share');
  }
  return line.current.length > 0 ? wordHelp(line) : emptyHelp(line);
}

function emptyHelp(line: ShareLine): Line {
  if (line.wordCount > 0) return say('Backspace opens the word before, Ctrl-U starts over');
  return say(`type the ${line.cardWords} words or bg1…, scan the QR code, or name a file (/… ./… ~/… .share)`);
}

function wordHelp(line: ShareLine): Line {
  const word = completeWord(line.current);
  if (word && line.wordCount + 1 >= line.cardWords) return say(`${word}: Enter or space hands the card in`);
  if (word) return say(`space takes ${word}`);
  if (canBecomeWord(line.current)) return line.pending === 'held' ? warn('more letters: several words begin so') : [];
  return strangerHelp(line);
}

function strangerHelp(line: ShareLine): Line {
  const [nearest, ...others] = nearestWords(line.current);
  const offer = nearest ? ` → ${[nearest, ...others].join(', ')}?` : '';
  const keys = nearest ? `Tab takes ${nearest}` : 'Backspace corrects';
  const insist = line.pending === 'held' ? ', space again takes it as it is' : '';
  return [
    { text: 'not in the list: ', style: 'warn' },
    { text: line.current.subarray(-longestWordShown), style: 'warn' },
    { text: `${offer}  ${keys}${insist}`, style: 'warn' },
  ];
}

function shortHelp(line: ShareLine): string {
  const so =
    line.form === 'text'
      ? `${line.textCount} of ${line.expectedText} characters`
      : `${line.wordCount} of ${line.cardWords} words`;
  return `${so}: type on, or Enter again hands it in as it is`;
}

function unfitHelp(line: ShareLine): string {
  return `${line.wordCount} words that do not fit together. One more on the card? Type it. Otherwise Enter.`;
}

function say(text: string): Line {
  return [{ text, style: 'dim' }];
}

function warn(text: string): Line {
  return [{ text, style: 'warn' }];
}
