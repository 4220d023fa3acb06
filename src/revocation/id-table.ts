/** 128 bits: what one random id holds. */
export const wordsAnId = 4;
const firstSlots = 16;
const slotsAWord = 8;

/**
 * Values by ids of 128 random bits that are not all zero, in one flat table with open addressing. The ids are their own hash: the first
 * word says the slot, the second the word of the filter, the third the bits in it. Nothing here looks at the fourth but to compare.
 */
export class IdTable<T extends object> {
  readonly #fullAt: number;
  #slots = firstSlots;
  #ids = new Uint32Array(firstSlots * wordsAnId);
  #values = new Array<T | undefined>(firstSlots);
  /** A word for every eight slots: of it, every id that is there sets three bits. */
  #filter = new Uint32Array(firstSlots / slotsAWord);
  #size = 0;

  /** It doubles when this part of its slots is taken. */
  constructor(fullAt: number) {
    this.#fullAt = fullAt;
  }

  get(id: Uint32Array): T | undefined {
    const bits = bitsOf(id[2] ?? 0);
    if (((this.#filter[this.#wordOf(id[1] ?? 0)] ?? 0) & bits) !== bits) return undefined;
    return this.#values[this.#slotOf(id)];
  }

  set(id: Uint32Array, value: T): void {
    if (this.#size >= this.#slots * this.#fullAt) this.#grow();
    const slot = this.#slotOf(id);
    if (this.#values[slot] === undefined) this.#size += 1;
    this.#put(slot, id, 0, value);
  }

  /** Writes the id that stands in `from` at `at`. */
  #put(slot: number, from: Uint32Array, at: number, value: T): void {
    const [ids, to] = [this.#ids, slot * wordsAnId];
    for (let n = 0; n < wordsAnId; n++) ids[to + n] = from[at + n] ?? 0;
    this.#values[slot] = value;
    const word = this.#wordOf(from[at + 1] ?? 0);
    this.#filter[word] = (this.#filter[word] ?? 0) | bitsOf(from[at + 2] ?? 0);
  }

  #wordOf(part: number): number {
    return part & (this.#slots / slotsAWord - 1);
  }

  /** Where the id stands, or the empty slot where it would go. */
  #slotOf(id: Uint32Array): number {
    const ids = this.#ids;
    const mask = this.#slots - 1;
    const [a = 0, b = 0, c = 0, d = 0] = [id[0], id[1], id[2], id[3]];
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const at = slot * wordsAnId;
      if (ids[at] === a && ids[at + 1] === b && ids[at + 2] === c && ids[at + 3] === d) return slot;
      if (isZero(ids, at)) return slot;
    }
  }

  // In the order of the old slots, what goes to the new ones goes there in order too: the memory is walked, not jumped about in.
  #grow(): void {
    const [ids, values] = [this.#ids, this.#values];
    this.#slots *= 2;
    this.#ids = new Uint32Array(this.#slots * wordsAnId);
    this.#values = new Array<T | undefined>(this.#slots);
    this.#filter = new Uint32Array(this.#slots / slotsAWord);
    for (let old = 0; old < values.length; old++) {
      const value = values[old];
      if (value === undefined) continue;
      const at = old * wordsAnId;
      this.#put(this.#emptySlot(ids[at] ?? 0), ids, at, value);
    }
  }

  #emptySlot(part: number): number {
    const mask = this.#slots - 1;
    let slot = part & mask;
    while (this.#values[slot] !== undefined) slot = (slot + 1) & mask;
    return slot;
  }
}

export function isZero(ids: Uint32Array, at: number): boolean {
  return ids[at] === 0 && ids[at + 1] === 0 && ids[at + 2] === 0 && ids[at + 3] === 0;
}

function bitsOf(part: number): number {
  return (1 << (part & 31)) | (1 << ((part >>> 5) & 31)) | (1 << ((part >>> 10) & 31));
}
