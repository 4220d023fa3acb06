/** What a key press means: a byte of text (printable ASCII, or a part of a UTF-8 character), or what it does. */
export type Key =
  | number
  | 'enter'
  | 'tab'
  | 'backspace'
  | 'clear-line'
  | 'clear-word'
  | 'interrupt'
  | 'end-of-input'
  | 'escape'
  | 'paste-begins'
  | 'paste-ends';

const controls: ReadonlyMap<number, Key> = new Map<number, Key>([
  [0x03, 'interrupt'],
  [0x04, 'end-of-input'],
  [0x08, 'backspace'],
  [0x09, 'tab'],
  [0x0a, 'enter'],
  [0x0d, 'enter'],
  [0x15, 'clear-line'],
  [0x17, 'clear-word'],
  [0x7f, 'backspace'],
]);

const escapeByte = 0x1b;
const escapePatience = 4;
const longestSequence = 32;

/**
 * Bytes of a terminal to keys. Escape sequences (arrows, function keys, ECMA-48 §5.4) mean nothing and are swallowed whole,
 * but for the markers of a bracketed paste.
 */
export class KeyDecoder {
  #sequence = '';
  #idle = 0;

  /** The key that `byte` completes, or undefined. */
  take(byte: number): Key | undefined {
    this.#idle = 0;
    if (byte === escapeByte) {
      this.#sequence = '\x1b';
      return undefined;
    }
    if (this.#sequence !== '') return this.#continue(byte);
    return controls.get(byte) ?? (byte >= 0x20 ? byte : undefined);
  }

  /** Tells that nothing came for a moment: a lone Escape is the key of that name, not the start of a sequence. */
  idle(): Key | undefined {
    if (this.#sequence === '' || ++this.#idle < escapePatience) return undefined;
    const alone = this.#sequence === '\x1b';
    this.#sequence = '';
    return alone ? 'escape' : undefined;
  }

  #continue(byte: number): Key | undefined {
    // Ctrl-C must work in the middle of anything.
    if (byte < 0x20) {
      this.#sequence = '';
      return this.take(byte);
    }
    this.#sequence += String.fromCharCode(byte);
    if (!isComplete(this.#sequence)) return undefined;
    const sequence = this.#sequence;
    this.#sequence = '';
    if (sequence === '\x1b[200~') return 'paste-begins';
    return sequence === '\x1b[201~' ? 'paste-ends' : undefined;
  }
}

// The Linux console sends its function keys as ESC [ [ A: the second bracket does not end the sequence.
function isComplete(sequence: string): boolean {
  if (sequence.length >= longestSequence) return true;
  if (/^\x1b\[(?:[0-?]*[ -/]*|\[)$/.test(sequence)) return false;
  return !/^\x1b[O ]?$/.test(sequence);
}
