/** Characters of the text form (docs/format.md §4), for cards of 17 and of 29 words. */
const textLengths = { short: 47, long: 73 } as const;

/** A path that says so by its beginning: `/`, `./`, `../`, `~/`. */
export function startsLikePath(typed: Uint8Array): boolean {
  return typed[0] === 0x2f || startsWith(typed, './') || startsWith(typed, '../') || startsWith(typed, '~/');
}

/** The prefix of the text form, in any case: a mixed one is for the parser to refuse. */
export function startsLikeText(typed: Uint8Array): boolean {
  return startsWith(typed, 'bg1') || startsWith(typed, 'BG1') || startsWith(typed, 'Bg1') || startsWith(typed, 'bG1');
}

/** The name of a share file, plain or sealed. */
export function endsLikeFile(typed: Uint8Array): boolean {
  return ['.share', '.age'].some(
    (ending) => typed.length > ending.length && startsWith(typed.subarray(-ending.length), ending),
  );
}

function startsWith(typed: Uint8Array, beginning: string): boolean {
  if (typed.length < beginning.length) return false;
  for (let position = 0; position < beginning.length; position++) {
    if (typed[position] !== beginning.charCodeAt(position)) return false;
  }
  return true;
}

/** The length of a number in front of a word: `7`, `7.`, `7)`, `7:`; it may stand alone. */
export function numberingLength(word: Uint8Array): number {
  let length = 0;
  while (length < 2 && isDigit(word[length])) length += 1;
  if (length === 0) return 0;
  while (isNumberMark(word[length])) length += 1;
  return length;
}

/** How many characters the text form of a card with so many words has. */
export function textLengthOf(cardWords: number): number {
  return cardWords > 17 ? textLengths.long : textLengths.short;
}

/** True for the length of either card: a complete one of the other kind is the parser's to refuse. */
export function isTextLength(count: number): boolean {
  return count === textLengths.short || count === textLengths.long;
}

/** What may stand in a word or in the number before it. */
export function isOfWord(byte: number): boolean {
  const isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
  return isLetter || isDigit(byte) || isNumberMark(byte);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isNumberMark(byte: number | undefined): boolean {
  return byte === 0x2e || byte === 0x29 || byte === 0x3a;
}

/** What people put between groups of the text form. */
export function isFiller(byte: number): boolean {
  return byte === 0x20 || byte === 0x2d;
}
