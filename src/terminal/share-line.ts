import { copySecret, secretBytes, wipe } from '../base/bytes.ts';
import type { Key } from './keys.ts';
import {
  endsLikeFile,
  isFiller,
  isOfWord,
  isTextLength,
  numberingLength,
  startsLikePath,
  startsLikeText,
  textLengthOf,
} from './share-marks.ts';
import { canBecomeWord, completeWord, nearestWords } from './word-guess.ts';

/** What a custodian handed in. The caller wipes `bytes`. */
export type ShareEntry =
  | { readonly kind: 'typed'; readonly bytes: Uint8Array }
  | { readonly kind: 'file'; readonly path: string };

export type ShareForm = 'words' | 'text' | 'file';

export interface ShareLineOptions {
  /** How many words a card has: 17 or 29. */
  readonly cardWords: number;
  /** Tells whether the bytes are a whole share. Without it the last word ends the entry; with it only if all words fit. */
  readonly fits?: (typed: Uint8Array) => boolean;
}

/**
 * Why the entry goes on though the person asked to end a word or the card: `held` the word is not in the list; `short` the
 * card is not complete; `unfit` all words are there and do not fit together.
 */
export type Pending = 'held' | 'short' | 'unfit' | undefined;

const capacity = 1024;
const space = 0x20;

/**
 * A share being entered: keys in, what the screen must know out. It knows no terminal. Complete words stand in the buffer in full and
 * with one space behind each; the text form and a path stand as they were typed.
 */
export class ShareLine {
  readonly cardWords: number;
  readonly #fits: (typed: Uint8Array) => boolean;
  readonly #bytes = secretBytes(capacity);
  #length = 0;
  #pending: Pending;
  #pasting = false;

  constructor(options: ShareLineOptions) {
    this.cardWords = options.cardWords;
    this.#fits = options.fits ?? (() => true);
  }

  /** `done` when the entry is complete, by Enter or by the space behind the last word. */
  press(key: Key): 'more' | 'done' {
    const pending = this.#pending;
    this.#pending = undefined;
    if (typeof key === 'number') return this.#type(key, pending);
    if (key === 'enter') return this.#enter(pending);
    if (key === 'tab') return this.#tab(pending);
    if (key === 'paste-begins') this.#pasting = true;
    if (key === 'paste-ends') return this.#endPaste();
    if (key === 'backspace') this.#cut(this.#length - 1);
    if (key === 'clear-word') this.#cut(this.#previousStart());
    if (key === 'clear-line') this.#cut(0);
    return 'more';
  }

  get form(): ShareForm {
    const typed = this.#typed();
    if (startsLikePath(typed)) return 'file';
    return startsLikeText(typed) ? 'text' : 'words';
  }

  get pending(): Pending {
    return this.#pending;
  }

  /** Words that are complete and no longer shown. */
  get wordCount(): number {
    if (this.form !== 'words') return 0;
    return this.#typed().reduce((count, byte) => count + (byte === space ? 1 : 0), 0);
  }

  /** A view of what is being typed: the current word without its number, or all of the text form or path. */
  get current(): Uint8Array {
    const word = this.#typed().subarray(this.#start());
    return this.form === 'words' ? word.subarray(numberingLength(word)) : word;
  }

  /** Characters of the text form so far; spaces and hyphens between groups do not count. */
  get textCount(): number {
    return this.#typed().reduce((count, byte) => count + (isFiller(byte) ? 0 : 1), 0);
  }

  get expectedText(): number {
    return textLengthOf(this.cardWords);
  }

  /** True while the one word on the screen may be a file's name: `alice.share`, `alice.share.age`. */
  get isFileName(): boolean {
    return this.form === 'words' && this.#start() === 0 && endsLikeFile(this.#typed());
  }

  /** A copy of the entry; the caller wipes it. */
  entry(): ShareEntry {
    let length = this.#length;
    while (length > 0 && this.#bytes[length - 1] === space) length -= 1;
    const bytes = copySecret(this.#bytes.subarray(0, length));
    if (this.form !== 'file' && !this.isFileName) return { kind: 'typed', bytes };
    return { kind: 'file', path: Buffer.from(bytes).toString('utf8') };
  }

  wipe(): void {
    wipe(this.#bytes);
    this.#length = 0;
  }

  #type(byte: number, pending: Pending): 'more' | 'done' {
    if (this.form !== 'words') return this.#append(byte);
    if (byte === space || byte === 0x2c || byte === 0x3b) return this.#endWord(pending);
    // Later words have nothing but letters and their numbering in them; a first one may become a file's name.
    if (this.#start() > 0 && !isOfWord(byte)) return 'more';
    if (pending === 'held' && !this.#continuesWord(byte)) this.#takeWord();
    return this.#append(byte);
  }

  #enter(pending: Pending): 'more' | 'done' {
    if (this.#pasting) return this.form === 'file' ? 'more' : this.#type(space, pending);
    if (this.form === 'file' || this.isFileName) return 'done';
    if (this.form === 'text') return this.#handIn(isTextLength(this.textCount), pending);
    if (this.current.length > 0 && !this.#takesWord(pending)) return 'more';
    return this.wordCount === 0 ? 'more' : this.#handIn(this.wordCount >= this.cardWords, pending);
  }

  // A card that is not complete is handed in at the second Enter: perhaps a word is missing on it.
  #handIn(complete: boolean, pending: Pending): 'more' | 'done' {
    if (complete || pending === 'short') return 'done';
    this.#pending = 'short';
    return 'more';
  }

  #tab(pending: Pending): 'more' | 'done' {
    if (this.form !== 'words' || this.current.length === 0) return 'more';
    if (completeWord(this.current)) return this.#endWord(pending);
    const [nearest] = canBecomeWord(this.current) ? [] : nearestWords(this.current);
    if (nearest) this.#replaceWord(nearest);
    return 'more';
  }

  // What stands behind a paste is its end marker, so nothing ends before it.
  #endPaste(): 'more' | 'done' {
    this.#pasting = false;
    const ended = this.#length > 0 && this.#bytes[this.#length - 1] === space;
    if (!ended) return 'more';
    if (this.form === 'text') return isTextLength(this.textCount) ? 'done' : 'more';
    return this.form === 'words' ? this.#afterWord() : 'more';
  }

  #endWord(pending: Pending): 'more' | 'done' {
    if (this.current.length === 0) this.#cut(this.#start());
    else if (this.#takesWord(pending)) return this.#afterWord();
    return 'more';
  }

  #afterWord(): 'more' | 'done' {
    if (this.#pasting || this.wordCount < this.cardWords) return 'more';
    if (this.#fits(this.#typed().subarray(0, -1))) return 'done';
    this.#pending = 'unfit';
    return 'more';
  }

  /** Ends the current word, unless it is not in the list and this is the first attempt. */
  #takesWord(pending: Pending): boolean {
    if (completeWord(this.current) || pending === 'held' || this.#pasting) {
      this.#takeWord();
      return true;
    }
    this.#pending = 'held';
    return false;
  }

  #takeWord(): void {
    const word = completeWord(this.current);
    if (word) this.#replaceWord(word);
    else this.#dropNumbering();
    this.#append(space);
  }

  #replaceWord(word: string): void {
    this.#cut(this.#start());
    for (let position = 0; position < word.length; position++) this.#append(word.charCodeAt(position));
  }

  #dropNumbering(): void {
    const start = this.#start();
    const numbering = this.#length - start - this.current.length;
    this.#bytes.copyWithin(start, start + numbering, this.#length);
    this.#cut(this.#length - numbering);
  }

  // Held at a space that came too early ("ab surd") the word goes on; held for a typing error the next one begins.
  #continuesWord(byte: number): boolean {
    const longer = copySecret(this.#bytes.subarray(0, this.#length + 1));
    longer[this.#length] = byte;
    const continues = canBecomeWord(longer.subarray(this.#length - this.current.length));
    wipe(longer);
    return continues;
  }

  #append(byte: number): 'more' {
    if (this.#length < capacity) this.#bytes[this.#length++] = byte;
    return 'more';
  }

  #cut(length: number): void {
    const kept = Math.max(0, length);
    this.#bytes.fill(0, kept, this.#length);
    this.#length = kept;
  }

  #typed(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Where the current word begins: behind the last space, or at 0 in the other forms. */
  #start(): number {
    return this.form === 'words' ? this.#typed().lastIndexOf(space) + 1 : 0;
  }

  #previousStart(): number {
    const start = this.#start();
    if (start < this.#length || start === 0) return start;
    return this.#typed().lastIndexOf(space, start - 2) + 1;
  }
}
