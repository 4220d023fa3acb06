import { bech32m } from '@scure/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BreakglassError, type ErrorCode } from '../../src/base/errors.ts';
import { wordIndex, words } from '../../src/base/words.ts';
import { parseShare } from '../../src/share/card.ts';
import { unknownSymbol } from '../../src/share/form.ts';
import { packShare, type Share } from '../../src/share/share.ts';
import { parseShareText } from '../../src/share/text-form.ts';
import { parseShareWords, wordsForm } from '../../src/share/words-form.ts';
import { fixedShare, forgedCard, textOf, typed, wordsOf } from './fixture.ts';

const short = fixedShare('short', { strength: 128 });
const long = fixedShare('long', { strength: 256, threshold: 16, index: 255 });

describe.each([
  { name: '128 bits', share: short },
  { name: '256 bits', share: long },
])('a card of $name is read', ({ share }) => {
  const list = wordsOf(share).split(' ');
  const numbered = (mark: (number: number) => string) => list.map((word, at) => `${mark(at + 1)}${word}`).join(' ');

  test.each([
    ['as words', list.join(' ')],
    ['in upper case', list.join(' ').toUpperCase()],
    ['in mixed case', list.map((word, at) => (at % 2 ? word.toUpperCase() : word)).join(' ')],
    ['cut to four letters', list.map((word) => word.slice(0, 4)).join(' ')],
    ['cut to five letters', list.map((word) => word.slice(0, 5)).join(' ')],
    ['numbered 1.', numbered((n) => `${n}. `)],
    ['numbered 1)', numbered((n) => `${n}) `)],
    ['numbered 1:', numbered((n) => `${n}: `)],
    ['numbered 1', numbered((n) => `${n} `)],
    ['numbered without a space', numbered((n) => `${n}.`)],
    ['a word a line', `${list.join('\n')}\n`],
    ['with CRLF', `${list.join('\r\n')}\r\n`],
    ['with commas and tabs', ` ${list.join(',\t ')} `],
  ])('%s', (_, card) => {
    expect(parseShare(typed(card))).toEqual(share);
    expect(parseShareWords(typed(card))).toEqual(share);
  });

  const text = textOf(share);
  test.each([
    ['as text', text],
    ['in upper case, as a QR code holds it', text.toUpperCase()],
    ['in groups of four', (text.match(/.{1,4}/g) ?? []).join(' ')],
    ['in groups with hyphens over two lines', (text.match(/.{1,5}/g) ?? []).join('-').replace(/^(.{20})/, '$1\n')],
    ['as a share file', `${text}\n`],
    ['as a share file of Windows', `${text}\r\n`],
  ])('%s', (_, card) => {
    expect(parseShare(typed(card))).toEqual(share);
    expect(parseShareText(typed(card))).toEqual(share);
  });

  test('and its text form is bech32m for another implementation too', () => {
    const decoded = bech32m.decode(text as `${string}1${string}`);
    expect(decoded.prefix).toBe('bg');
    const binary = decoded.words.map((word) => word.toString(2).padStart(5, '0')).join('');
    const packed = [...packShare(share)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    const fieldBits = 36 + share.strength;
    expect(binary.slice(0, fieldBits)).toBe(packed.slice(0, fieldBits));
  });
});

test('what was typed stays as it is, for its owner to wipe', () => {
  const bytes = typed(wordsOf(short));
  const before = Buffer.from(bytes);
  parseShare(bytes);
  expect(Buffer.from(bytes)).toEqual(before);
});

test('the value of a share is a copy outside of what was typed', () => {
  const bytes = typed(textOf(short));
  const share = parseShare(bytes);
  bytes.fill(0);
  expect(share).toEqual(short);
});

test('words are recognised exactly as in the base room: every word, every cut, every case, and nothing else', () => {
  const read = (word: string) => wordsForm.read(typed(word))[0] ?? unknownSymbol;
  for (const word of words) {
    for (let length = 1; length <= word.length; length++) {
      const cut = word.slice(0, length);
      expect(read(cut)).toBe(wordIndex(cut) ?? unknownSymbol);
      expect(read(cut.toUpperCase())).toBe(wordIndex(cut) ?? unknownSymbol);
    }
    expect(read(`${word}x`)).toBe(wordIndex(`${word}x`) ?? unknownSymbol);
    expect(read(`${word.slice(0, -1)}!`)).toBe(unknownSymbol);
  }
});

describe('refused by name:', () => {
  const list = wordsOf(short).split(' ');
  const text = textOf(short);
  const replaced = (at: number, word: string) => list.with(at, word).join(' ');
  const otherWord = (at: number) => (list[at] === 'zoo' ? 'zone' : 'zoo');
  const otherCharacter = (at: number) => `${text.slice(0, at)}${text[at] === 'q' ? 'p' : 'q'}${text.slice(at + 1)}`;

  test.each<[string, string, ErrorCode, string]>([
    ['nothing', '', 'SHARE_NOT_A_SHARE', 'what was entered is not a share'],
    ['spaces', '  \r\n', 'SHARE_NOT_A_SHARE', 'what was entered is not a share'],
    ['a sentence', 'I have lost my card.', 'SHARE_NOT_A_SHARE', 'what was entered is not a share'],
    ['a path', '/media/alice/STICK/alice.share', 'SHARE_NOT_A_SHARE', 'what was entered is not a share'],
    [
      'a bitcoin address',
      'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      'SHARE_NOT_A_SHARE',
      'what was entered is not a share',
    ],
    ['an endless line', 'zoo '.repeat(1100), 'SHARE_NOT_A_SHARE', 'what was entered is not a share'],
    ['one word', 'zoo', 'SHARE_LENGTH', 'the share has 1 word; a card has 17 or 29'],
    ['16 words', list.slice(1).join(' '), 'SHARE_LENGTH', 'the share has 16 words; a card has 17 or 29'],
    ['a BIP-39 mnemonic', 'zoo '.repeat(24), 'SHARE_LENGTH', 'the share has 24 words; a card has 17 or 29'],
    ['46 characters', text.slice(0, -1), 'SHARE_LENGTH', 'the share has 46 characters; a card has 47 or 73'],
    ['only the prefix', 'BG1', 'SHARE_LENGTH', 'the share has 3 characters; a card has 47 or 73'],
    ['a strange word', replaced(4, 'absrd'), 'SHARE_WORD_UNKNOWN', 'word 5 of the share is not in the word list'],
    [
      'a word cut to three letters',
      replaced(0, 'aba'),
      'SHARE_WORD_UNKNOWN',
      'word 1 of the share is not in the word list',
    ],
    [
      'a word with an accent',
      replaced(1, 'décor'),
      'SHARE_WORD_UNKNOWN',
      'word 2 of the share is not in the word list',
    ],
    [
      'two strange words',
      list.with(2, 'qqqq').with(16, '"zoo"').join(' '),
      'SHARE_WORD_UNKNOWN',
      'words 3, 17 of the share are not in the word list',
    ],
    [
      'another word',
      replaced(8, otherWord(8)),
      'SHARE_CHECKSUM',
      'the checksum of the share is wrong: it holds a slip of the pen or of the fingers',
    ],
    [
      'another character',
      otherCharacter(12),
      'SHARE_CHECKSUM',
      'the checksum of the share is wrong: it holds a slip of the pen or of the fingers',
    ],
    [
      'another character in the checksum of bech32m',
      otherCharacter(46),
      'SHARE_CHECKSUM',
      'the checksum of the share is wrong: it holds a slip of the pen or of the fingers',
    ],
    [
      'bech32 instead of bech32m',
      asBech32(text),
      'SHARE_CHECKSUM',
      'the checksum of the share is wrong: it holds a slip of the pen or of the fingers',
    ],
  ])('%s', (_, card, code, message) => {
    expect(refusalOf(card)).toMatchObject({ code, message });
  });

  test.each([
    ['lower case with one upper case letter', mixedCase(text, 'one upper')],
    ['upper case with one lower case letter', mixedCase(text, 'one lower')],
    ['a character that bech32 has not', `${text.slice(0, 20)}i${text.slice(21)}`],
    ['a second separator', `${text.slice(0, 20)}1${text.slice(21)}`],
    ['a NUL', `${text.slice(0, 20)}\0${text.slice(21)}`],
  ])('text in %s', (_, card) => {
    const refusal = refusalOf(card);
    expect(refusal.code).toBe('SHARE_WORD_UNKNOWN');
    expect(refusal.message).toMatch(/^character \d+ of the share cannot stand there/);
  });

  test.each(['words', 'text'] as const)('the index 0, in %s: the library would let it dictate the key', (form) => {
    const value = '00112233445566778899aabbccddeeff';
    expect(refusalOf(forgedCard(`1abcde200${value}`, 128)[form]).code).toBe('SHARE_INDEX_ZERO');
    expect(refusalOf(forgedCard(`1abcde200${value}${value}`, 256)[form]).code).toBe('SHARE_INDEX_ZERO');
  });

  test.each(['words', 'text'] as const)('another version of the format, in %s', (form) => {
    expect(refusalOf(forgedCard(`2abcde207${'5'.repeat(32)}`, 128)[form]).code).toBe('FORMAT_NEWER');
  });

  test.each(['words', 'text'] as const)('a threshold of one, in %s', (form) => {
    expect(refusalOf(forgedCard(`1abcde007${'5'.repeat(32)}`, 128)[form]).code).toBe('SHARE_NOT_A_SHARE');
  });

  test('pad bits that are not zero, though bech32m itself is right', () => {
    const { words: data } = bech32m.decode(text as `${string}1${string}`);
    const padded = data.with(-1, (data.at(-1) ?? 0) | 1);
    expect(refusalOf(bech32m.encode('bg', padded)).code).toBe('SHARE_NOT_A_SHARE');
  });

  test('another prefix, though bech32m itself is right', () => {
    const { words: data } = bech32m.decode(text as `${string}1${string}`);
    expect(refusalOf(bech32m.encode('bx', data)).code).toBe('SHARE_WORD_UNKNOWN');
  });

  test('every other byte string, with a named error and nothing else', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ maxLength: 200 }).map((string) => typed(`bg1${string}`)),
      fc
        .array(fc.constantFrom(...words.slice(0, 50), '1.', 'x'), { maxLength: 32 })
        .map((list) => typed(list.join(' '))),
    );
    fc.assert(
      fc.property(bytes, (anything) => {
        expect(() => parseShare(anything)).toThrow(BreakglassError);
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

test.each<[string, Partial<Share>]>([
  ['index 0', { index: 0 }],
  ['index 256', { index: 256 }],
  ['threshold 1', { threshold: 1 }],
  ['threshold 17', { threshold: 17 }],
  ['threshold 2.5', { threshold: 2.5 }],
  ['a set id in upper case', { setId: 'ABCDE' }],
  ['a value of another length', { value: new Uint8Array(32) }],
])('no card is ever written with %s', (_, fields) => {
  const share = { ...short, ...fields };
  expect(() => wordsOf(share)).toThrow(TypeError);
  expect(() => textOf(share)).toThrow(TypeError);
});

function refusalOf(card: string): BreakglassError {
  try {
    parseShare(typed(card));
  } catch (error) {
    if (error instanceof BreakglassError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

function mixedCase(text: string, how: 'one upper' | 'one lower'): string {
  const at = text.search(/(?<=.{10})[a-z]/);
  const [lower, upper] = [text, text.toUpperCase()];
  const [most, one] = how === 'one upper' ? [lower, upper] : [upper, lower];
  return `${most.slice(0, at)}${one.charAt(at)}${most.slice(at + 1)}`;
}

// The same data with the checksum constant of BIP-173: the last six characters differ.
function asBech32(text: string): string {
  const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
  const difference = 0x2bc830a3 ^ 1;
  const tail = [...text.slice(-6)].map((character, at) =>
    alphabet.charAt(alphabet.indexOf(character) ^ ((difference >>> (5 * (5 - at))) & 31)),
  );
  return `${text.slice(0, -6)}${tail.join('')}`;
}
