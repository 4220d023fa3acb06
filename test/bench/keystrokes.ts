import { sha256 } from '../../src/base/bytes.ts';
import { parseShare } from '../../src/share/card.ts';
import { isSpelling } from '../../src/share/form.ts';
import type { Share } from '../../src/share/share.ts';
import { formatShareText } from '../../src/share/text-form.ts';
import { formatShareWords, wordsForm } from '../../src/share/words-form.ts';
import type { Key } from '../../src/terminal/keys.ts';
import { ShareLine } from '../../src/terminal/share-line.ts';
import { type Baseline, type Measurement, type Metric, metric } from './metric.ts';

const cardWords = 17;

/** The least keys with which three custodians get their cards past the prompt of `mint`, pressed on its own state machine. */
export const keystrokes: Measurement = async () => {
  const cards = [1, 2, 3].map(exampleCard);
  const total = (keysOf: (card: Share) => readonly Key[]) =>
    cards.map((card) => entered(card, keysOf(card))).reduce((sum, keys) => sum + keys, 0);
  const fullWords: Baseline = { value: total(wordsInFull), what: 'words in full' };
  return [
    metric('three cards by words, cut to what is unmistakable', total(wordsCut), 'keys', { against: fullWords }),
    metric('three cards by text form, typed', total(textTyped), 'keys', { against: fullWords }),
    metric('three cards by QR code, scanned', scannedKeys(cards), 'keys', { against: fullWords }),
    metric('three cards by files, names typed', total(fileName), 'keys', { against: fullWords }),
    metric('three cards by files, --share', 0, 'keys', { against: fullWords }),
    ...killKeys(),
  ];
};

/** A kill at a terminal, without the passphrase itself: its own keys cannot be cut. The same by flags is compared with it. */
function killKeys(): Metric[] {
  const byFlags: Baseline = { value: 'breakglass revoke --incident inc-42'.length + enterKeys, what: 'by flags' };
  return [
    metric(
      'a kill from the list of what is open, besides the passphrase',
      'breakglass revoke'.length + 1 + enterKeys,
      'keys',
      { against: byFlags },
    ),
  ];
}

/** Enter behind the command line, and behind the passphrase. */
const enterKeys = 2;

function exampleCard(index: number): Share {
  const value = Uint8Array.from(sha256(`card ${index}`).subarray(0, 16));
  return { setId: 'abcde', threshold: 3, index, strength: 128, value };
}

/** How many keys there are, after pressing them: they must end the entry and give the card. */
function entered(card: Share, keys: readonly Key[]): number {
  const line = new ShareLine({ cardWords });
  const ends = keys.map((key) => line.press(key));
  if (ends.indexOf('done') !== keys.length - 1) throw new Error('the keys do not end the entry');
  const entry = line.entry();
  if (entry.kind === 'typed' && !isSpelling(wordsForm, wordsForm.write(parseShare(entry.bytes)), card))
    throw new Error('the keys give another card');
  return keys.length;
}

function wordsInFull(card: Share): Key[] {
  return keysOf(`${formatShareWords(card).join(' ')} `);
}

function wordsCut(card: Share): Key[] {
  return formatShareWords(card).flatMap((word) => keysOf(`${shortest(word)} `));
}

/** The shortest beginning of a word that the prompt completes to that word at the space. */
function shortest(word: string): string {
  const beginnings = Array.from(word, (_, position) => word.slice(0, position + 1));
  return beginnings.find((beginning) => completes(beginning, word)) ?? word;
}

function completes(beginning: string, word: string): boolean {
  const line = new ShareLine({ cardWords });
  for (const key of keysOf(`${beginning} `)) line.press(key);
  return line.wordCount === 1 && Buffer.from(line.entry().kind === 'typed' ? entryBytes(line) : []).toString() === word;
}

function entryBytes(line: ShareLine): Uint8Array {
  const entry = line.entry();
  return entry.kind === 'typed' ? entry.bytes : new Uint8Array(0);
}

function textTyped(card: Share): Key[] {
  return [...keysOf(formatShareText(card)), 'enter'];
}

/** A scanner types the text in upper case; the person presses Enter, where the scanner is not set to do that too. */
function scannedKeys(cards: readonly Share[]): number {
  for (const card of cards) entered(card, [...keysOf(formatShareText(card).toUpperCase()), 'enter']);
  return cards.length;
}

function fileName(): Key[] {
  return [...keysOf('alice.share'), 'enter'];
}

function keysOf(text: string): Key[] {
  return [...Buffer.from(text)];
}
