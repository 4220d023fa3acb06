import { parseHex } from '../base/bytes.ts';
import { parseWords, words as wordList } from '../base/words.ts';
import { headPromptWordCount, headWordCount } from '../key/fingerprint.ts';

const prefixBytes = 11;
const entryBytes = prefixBytes + 4;

/** The head codes of all ceremony records, 15 bytes each, so that a million of them stay small. */
export class HeadIndex {
  #entries = Buffer.alloc(64 * entryBytes);
  #count = 0;

  add(seq: number, sha256: string): void {
    const offset = this.#count * entryBytes;
    if (offset === this.#entries.length) this.#entries = Buffer.concat([this.#entries], this.#entries.length * 2);
    this.#entries.write(sha256.slice(0, prefixBytes * 2), offset, 'hex');
    this.#entries.writeUInt32BE(seq, offset + prefixBytes);
    this.#count++;
  }

  /** Whether the ceremony record at `seq` has this SHA-256, as far as a head code tells: its first 88 bits. */
  has(seq: number, sha256: string): boolean {
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#seqAt(middle) < seq) low = middle + 1;
      else high = middle;
    }
    if (low === this.#count || this.#seqAt(low) !== seq) return false;
    const offset = low * entryBytes;
    return this.#entries.toString('hex', offset, offset + prefixBytes) === sha256.slice(0, prefixBytes * 2);
  }

  /** The newest ceremony record whose head code begins with these 3 to 8 words, as a person typed them. */
  find(typed: string): { readonly seq: number } | undefined {
    const prefix = bitsOf(parseWords(typed) ?? []);
    if (!prefix) return undefined;
    for (let entry = this.#count - 1; entry >= 0; entry--) {
      const offset = entry * entryBytes;
      if (beginsWith(this.#entries.subarray(offset, offset + prefixBytes), prefix)) return { seq: this.#seqAt(entry) };
    }
    return undefined;
  }

  #seqAt(entry: number): number {
    return this.#entries.readUInt32BE(entry * entryBytes + prefixBytes);
  }
}

interface BitPrefix {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** 11 bits a word, most significant first. */
function bitsOf(words: readonly string[]): BitPrefix | undefined {
  if (words.length < headPromptWordCount || words.length > headWordCount) return undefined;
  const binary = words.map((word) => wordList.indexOf(word).toString(2).padStart(11, '0')).join('');
  const value = BigInt(`0b${binary.padEnd(prefixBytes * 8, '0')}`);
  const bytes = parseHex(value.toString(16).padStart(prefixBytes * 2, '0'));
  return bytes && { bytes, bits: binary.length };
}

function beginsWith(entry: Uint8Array, prefix: BitPrefix): boolean {
  const whole = prefix.bits >> 3;
  for (let at = 0; at < whole; at++) if (entry[at] !== prefix.bytes[at]) return false;
  const rest = prefix.bits & 7;
  return rest === 0 || (((entry[whole] ?? 0) ^ (prefix.bytes[whole] ?? 0)) & (0xff00 >> rest)) === 0;
}
