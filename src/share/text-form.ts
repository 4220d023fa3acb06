import { bech32m } from '@scure/base';
import { wipe } from '../base/bytes.ts';
import { bitsAt } from '../base/words.ts';
import { joinSymbols } from './bits.ts';
import { openSymbols, type ShareForm, secretSymbols, unknownSymbol } from './form.ts';
import { formatShareBits, type Share } from './share.ts';

const prefix = 'bg';
const bitsPerCharacter = 5;
const dataFrom = prefix.length + 1;
const checksumLength = 6;

// The 32 characters of BIP-173 by their value; the two that only the prefix "bg1" has come after them.
const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7lb1';
const dataSize = 32;

/** bech32m (BIP-350) with the prefix `bg`, 47 or 73 characters. */
export const textForm: ShareForm = {
  name: 'text',
  symbolName: 'character',
  lengths: { 128: 47, 256: 73 },
  alphabetSize: alphabet.length,
  read: readText,
  write: writeText,
  join: (symbols, into) => joinSymbols(symbols.subarray(dataFrom, -checksumLength), bitsPerCharacter, into),
  admits: (symbol, position) => (position < dataFrom ? symbol === prefixSymbols[position] : symbol < dataSize),
  spell: (symbol) => alphabet.charAt(symbol),
};

/** The text form of a card in lower case, secret. A string cannot be wiped: make it only where it is shown. */
export function formatShareText(share: Share): string {
  const bits = formatShareBits(share);
  const data = Array.from({ length: textForm.lengths[share.strength] - dataFrom - checksumLength }, (_, position) =>
    bitsAt(bits, position * bitsPerCharacter, bitsPerCharacter),
  );
  wipe(bits);
  const text = bech32m.encode(prefix, data);
  data.fill(0);
  return text;
}

/** The share whose text form `typed` holds, in lower or upper case, with or without spaces and hyphens. Throws `SHARE_…`. */
export function parseShareText(typed: Uint8Array): Share {
  const symbols = readText(typed);
  try {
    return openSymbols(textForm, symbols);
  } finally {
    symbols.fill(0);
  }
}

/** True if the symbols begin with `bg1`. */
export function hasTextPrefix(symbols: Uint16Array): boolean {
  return prefixSymbols.every((symbol, position) => symbols[position] === symbol);
}

// bech32m's decoder is not used: its errors repeat the input. Writing the share again and comparing checks the same.
function writeText(share: Share): Uint16Array {
  const text = formatShareText(share);
  const symbols = secretSymbols(text.length);
  for (const position of symbols.keys()) symbols[position] = alphabet.indexOf(text.charAt(position));
  return symbols;
}

function readText(typed: Uint8Array): Uint16Array {
  const table = countBetween(typed, 'A', 'Z') > countBetween(typed, 'a', 'z') ? upperSymbols : lowerSymbols;
  const symbols = secretSymbols(typed.length);
  let count = 0;
  for (const byte of typed) {
    if (!grouping.has(byte)) symbols[count++] = table.get(byte) ?? unknownSymbol;
  }
  return symbols.subarray(0, count);
}

const grouping = new Set(Buffer.from(' \t\r\n-'));
const lowerSymbols = symbolTable(alphabet);
const upperSymbols = symbolTable(alphabet.toUpperCase());
const prefixSymbols = [...`${prefix}1`].map((character) => alphabet.indexOf(character));

function symbolTable(characters: string): ReadonlyMap<number, number> {
  return new Map([...characters].map((character, symbol) => [character.charCodeAt(0), symbol]));
}

function countBetween(typed: Uint8Array, first: string, last: string): number {
  const [least, most] = [first.charCodeAt(0), last.charCodeAt(0)];
  return typed.reduce((count, byte) => (byte >= least && byte <= most ? count + 1 : count), 0);
}
