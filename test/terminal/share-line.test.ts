import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { words } from '../../src/base/words.ts';
import type { Frame } from '../../src/terminal/block.ts';
import { type Key, KeyDecoder } from '../../src/terminal/keys.ts';
import { ShareLine, type ShareLineOptions } from '../../src/terminal/share-line.ts';
import { viewShareLine } from '../../src/terminal/share-view.ts';

const card = 'absurd abuse access acid actor adapt adult affair agent album alert alien alley amount anchor ankle zoo';
const cardText = 'bg1qypq2sj8xg7a0hmvr4zedk3nctu59flqypq2sj8xg7a0';

function typing(keys: string, options: Partial<ShareLineOptions> = {}) {
  const line = new ShareLine({ cardWords: 17, ...options });
  return { line, last: pressAll(line, keysOf(keys)) };
}

/** Presses until the entry is done, as the prompt does; what follows would stay in the terminal. */
function pressAll(line: ShareLine, keys: readonly Key[]): 'more' | 'done' {
  for (const key of keys) if (line.press(key) === 'done') return 'done';
  return 'more';
}

function keysOf(typed: string): Key[] {
  const decoder = new KeyDecoder();
  return [...Buffer.from(typed)].map((byte) => decoder.take(byte)).filter((key) => key !== undefined);
}

function entered(line: ShareLine): string {
  const entry = line.entry();
  return entry.kind === 'typed' ? Buffer.from(entry.bytes).toString() : `file ${entry.path}`;
}

function shown(frame: Frame): string[] {
  return frame.lines.map((parts) => parts.map(({ text }) => Buffer.from(text).toString()).join(''));
}

const look = (line: ShareLine) => shown(viewShareLine(line));

describe('words', () => {
  test('the space behind the last word, or Enter, ends the entry', () => {
    for (const end of [' ', '\r', '\t', ',']) {
      const { line, last } = typing(card + end);
      expect([last, entered(line)]).toEqual(['done', card]);
    }
  });

  test('a space completes a word as soon as only one of the list begins so', () => {
    expect(entered(typing('absu zeb ').line)).toBe('absurd zebra');
  });

  test('a word of three letters is taken though longer ones begin like it', () => {
    expect(entered(typing('act add ').line)).toBe('act add');
  });

  test('case, numbers, commas, line breaks and repeated spaces are forgiven', () => {
    const numbered = card.split(' ').map((word, position) => `${position + 1}. ${word.toUpperCase()}`);
    expect(entered(typing(`${numbered.join('\n')} `).line)).toBe(card);
    expect(entered(typing('1)absurd, 2: abuse;  03 access ').line)).toBe('absurd abuse access');
  });

  test('Backspace at the start of a word opens the word before', () => {
    const { line } = typing('absurd abuse \x7f');
    expect(look(line)[0]).toBe('1 of 17   • abuse');
    expect(entered(typing('absurd abuse \x7f\x7f\x7f\x7fove ').line)).toBe('absurd above');
  });

  test('Ctrl-W takes back a word and Ctrl-U all of them', () => {
    expect(entered(typing('absurd abuse \x17access ').line)).toBe('absurd access');
    expect(entered(typing('absurd abu\x17access ').line)).toBe('absurd access');
    expect(entered(typing('absurd abuse \x15access ').line)).toBe('access');
  });
});

describe('a word that is not in the list', () => {
  test('stays at the first space and is taken as it is at the second', () => {
    const { line } = typing('absurd absrd ');
    expect(look(line)).toEqual([
      '1 of 17   • absrd',
      'not in the list: absrd → absurd?  Tab takes absurd, space again takes it as it is',
    ]);
    expect(entered(typing('absurd absrd  abuse ').line)).toBe('absurd absrd abuse');
  });

  test('is taken when the next word is typed on, because its letters cannot belong to it', () => {
    expect(entered(typing('absrd abuse ').line)).toBe('absrd abuse');
  });

  test('goes on when the space only came too early', () => {
    expect(entered(typing('abs urd ').line)).toBe('absurd');
  });

  test('is replaced by the nearest one with Tab', () => {
    expect(entered(typing('absrd\t abuse ').line)).toBe('absurd abuse');
  });

  test('is taken at once in a paste', () => {
    expect(entered(typing('\x1b[200~absrd abuse\x1b[201~ ').line)).toBe('absrd abuse');
  });

  test('longer than any word shows only its end', () => {
    expect(look(typing('qypq2sj8xg7a0hmvr4zedk3').line)[0]).toBe('0 of 17   a0hmvr4zedk3');
  });
});

describe('a card that is not complete', () => {
  test('is handed in at the second Enter', () => {
    const { line } = typing('absurd abuse\r');
    expect(look(line)[1]).toBe('2 of 17 words: type on, or Enter again hands it in as it is');
    expect(typing('absurd abuse\r\r').last).toBe('done');
    expect(typing('absurd abuse\raccess \r').last).toBe('more');
  });

  test('an Enter with nothing typed does nothing', () => {
    expect(typing('\r\r\r').last).toBe('more');
  });

  test('whose words do not fit goes on, so that one word too many can be found', () => {
    const fits = () => false;
    const { line, last } = typing(`${card} `, { fits });
    expect(last).toBe('more');
    expect(look(line)[1]).toContain('17 words that do not fit together');
    const eighteen = typing(`${card} zoo\r`, { fits });
    expect([eighteen.last, entered(eighteen.line)]).toEqual(['done', `${card} zoo`]);
  });
});

describe('the other forms', () => {
  test('the text form shows four characters and its count, and Enter ends it', () => {
    const { line } = typing(cardText);
    expect(look(line)).toEqual([`47 of 47  ${'•'.repeat(40)}g7a0`, 'Enter hands the share in']);
    const { last } = typing(`${cardText.toUpperCase()}\r`);
    expect(last).toBe('done');
  });

  test('the text form in groups stands as it was typed', () => {
    const groups = cardText.replace(/(.{4})/g, '$1 ');
    const { line, last } = typing(`${groups}\r`);
    expect([last, entered(line)]).toEqual(['done', groups]);
  });

  test('a text form that is too short is handed in at the second Enter', () => {
    expect(typing(`${cardText.slice(0, -1)}\r`).last).toBe('more');
    expect(typing(`${cardText.slice(0, -1)}\r\r`).last).toBe('done');
  });

  test('a paste of the text form with its line end is an entry', () => {
    expect(typing(`\x1b[200~${cardText}\n\x1b[201~`).last).toBe('done');
  });

  test.each(['/media/a b/alice.share', './x', '../x', '~/x', 'alice.share', '2-alice.share.age'])(
    '%s is a file',
    (path) => {
      const { line, last } = typing(`${path}\r`);
      expect([last, entered(line)]).toEqual(['done', `file ${path}`]);
    },
  );
});

const anyKey = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Buffer.from('abcdelorstuzABG1.)/~-, ')) },
  { weight: 3, arbitrary: fc.constant(0x20) },
  fc.constantFrom<Key>('enter', 'tab', 'backspace', 'clear-line', 'clear-word', 'paste-begins', 'paste-ends', 'escape'),
  fc.integer({ min: 0x20, max: 0xff }),
);

describe('whatever is typed', () => {
  test('two words never show, nor more than four characters of the text form', () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 200 }), (keys) => {
        const line = new ShareLine({ cardWords: 17 });
        for (const key of keys) {
          if (line.press(key) === 'done') break;
          if (line.form === 'file') continue;
          for (const part of viewShareLine(line).lines.flat()) {
            if (typeof part.text === 'string') continue;
            expect(part.text.includes(0x20) && line.form === 'words').toBe(false);
            expect(part.text.length).toBeLessThanOrEqual(line.form === 'text' ? 4 : 12);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  test('of the words of a card at most one is on the screen at any moment', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...longWords), { minLength: 17, maxLength: 17 }), (chosen) => {
        const line = new ShareLine({ cardWords: 17 });
        for (const key of keysOf(chosen.join(' '))) {
          line.press(key);
          const onScreen = look(line)
            .join(' ')
            .split(/[^a-z]+/);
          expect(chosen.slice(0, line.wordCount).filter((word) => onScreen.includes(word))).toEqual([]);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('corrections, abbreviations, case and numbering end in exactly the words that were meant', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...words), slip), { minLength: 17, maxLength: 17 }), (meant) => {
        const typed = meant.map(([word, { correct, number, short, upper, reopen, separator }], position) => {
          const letters = short && word.length > 4 ? word.slice(0, 4) : word;
          const cased = upper ? letters.toUpperCase() : letters;
          const slipped = correct === undefined ? cased : `${cased.slice(0, 2)}${correct}\x7f${cased.slice(2)}`;
          const reopened = reopen && position > 0 ? '\x7f ' : '';
          return `${reopened}${number ? `${position + 1}. ` : ''}${slipped}${separator}`;
        });
        const { line, last } = typing(typed.join(''));
        expect([last, entered(line)]).toEqual(['done', meant.map(([word]) => word).join(' ')]);
      }),
      { numRuns: 60 },
    );
  });
});

// None of these begins another one, and no help says one.
const longWords = words.filter((word) => word.length === 8);

const slip = fc.record({
  correct: fc.option(fc.constantFrom('q', 'x', 'z', '7'), { nil: undefined }),
  number: fc.boolean(),
  short: fc.boolean(),
  upper: fc.boolean(),
  reopen: fc.boolean(),
  separator: fc.constantFrom(' ', ', ', '  ', '\t'),
});
