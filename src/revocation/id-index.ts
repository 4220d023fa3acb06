import { IdTable, isZero, wordsAnId } from './id-table.ts';

/** A power of two. */
const tableCount = 16;
const fullest = 0.75;

/**
 * Values by random id (22 characters of base64url), for a million ids nearly as fast as for ten: the ids stand as numbers in flat
 * tables, so that a lookup touches memory in one place or two, where a Map follows pointers. Of those that are not there, all but a
 * few in a hundred are told by one word of a filter that fits in a processor's cache.
 *
 * A table that grows holds up everything else. So there are several, and no two are full at the same time: what is put in costs at
 * most the growth of one.
 *
 * A revoker could choose ids that collide; whoever may deny everything needs no such trick.
 */
export class IdIndex<T extends object> {
  /** Made when the first id of theirs comes: most indexes hold none, or few. */
  readonly #tables: (IdTable<T> | undefined)[] = new Array(tableCount).fill(undefined);
  #empty = true;
  /** Of the id of 128 zero bits, which in a table would look like an empty slot. */
  #ofZero: T | undefined;
  readonly #id = new Uint32Array(wordsAnId);

  get(id: string): T | undefined {
    if (this.#empty || !readId(id, this.#id)) return undefined;
    return isZero(this.#id, 0) ? this.#ofZero : this.#tables[tableOf(this.#id)]?.get(this.#id);
  }

  /** Throws for what is no id. */
  set(id: string, value: T): void {
    if (!readId(id, this.#id)) throw new TypeError('not a random id');
    this.#empty = false;
    if (isZero(this.#id, 0)) this.#ofZero = value;
    else this.#tableFor(tableOf(this.#id)).set(this.#id, value);
  }

  #tableFor(number: number): IdTable<T> {
    const table = this.#tables[number] ?? new IdTable<T>(fullest / 2 ** (number / tableCount));
    this.#tables[number] = table;
    return table;
  }
}

function tableOf(id: Uint32Array): number {
  return (id[3] ?? 0) & (tableCount - 1);
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const noDigit = 255;
const digits = new Uint8Array(128).fill(noDigit);
for (let digit = 0; digit < alphabet.length; digit++) digits[alphabet.charCodeAt(digit)] = digit;

/** Writes the 128 bits of an id to `into`; false for any other text. Without a buffer in between, unlike parseBase64url. */
function readId(id: string, into: Uint32Array): boolean {
  if (id.length !== 22) return false;
  let [word, bits, position] = [0, 0, 0];
  for (let at = 0; at < 22; at++) {
    const digit = digits[id.charCodeAt(at)] ?? noDigit;
    if (digit === noDigit) return false;
    const left = bits + 6 - 32;
    if (left < 0) {
      word = (word << 6) | digit;
      bits += 6;
      continue;
    }
    into[position++] = (word << (32 - bits)) | (digit >> left);
    word = digit & ((1 << left) - 1);
    bits = left;
  }
  // The last character holds two bits of the id, and four that are zero in its one spelling.
  return word === 0;
}
