import { equalBytes } from '../base/bytes.ts';
import { peekRecord } from './peek.ts';

/** A file or line of a trail as it was read: `bytes`, or null and the `problem`. Name and place are null in one file. */
export interface TrailEntry {
  readonly name: string | null;
  readonly seq: number | null;
  readonly bytes: Uint8Array | null;
  readonly problem: string | null;
}

/** One copy of a trail: its records in order, as often as asked. */
export interface TrailCopy {
  readonly label: string;
  records(): AsyncIterable<TrailEntry>;
}

/** One place of the trail as the copies have it. */
export interface Step {
  readonly seq: number;
  /** The same bytes in every copy that can be read here; null if none can. */
  readonly bytes: Uint8Array | null;
  /** The copies that have a file here. */
  readonly copies: readonly TrailCopy[];
  readonly unreadable: readonly { readonly copy: TrailCopy; readonly problem: string }[];
}

/** Where copies stop being the same: the place, by what they claim. */
export interface Difference {
  readonly differsAt: number;
}

/**
 * Reads copies side by side, a place at a time, and ends with a difference where they are not the same: other bytes, a hole,
 * or a place out of order. A copy that merely ends earlier, or begins later with a restart, does not differ.
 */
export async function* inStep(copies: readonly TrailCopy[]): AsyncGenerator<Step, Difference | undefined> {
  const cursors = await Promise.all(copies.map((copy) => Cursor.open(copy)));
  try {
    for (;;) {
      const reading = cursors.filter((cursor) => cursor.entry);
      if (reading.length === 0) return undefined;
      const seq = Math.min(...reading.map((cursor) => cursor.place));
      const here = reading.filter((cursor) => cursor.place === seq);
      const elsewhere = reading.filter((cursor) => cursor.place > seq && !cursor.beginsLater);
      const [bytes = null, ...others] = here.flatMap(({ entry }) => entry?.bytes ?? []);
      const same = bytes === null || others.every((other) => equalBytes(other, bytes));
      if (!same || elsewhere.length > 0 || here.some((cursor) => cursor.outOfOrder)) return { differsAt: seq };
      yield { seq, bytes, copies: here.map(({ copy }) => copy), unreadable: here.flatMap(({ problem }) => problem) };
      await Promise.all(here.map((cursor) => cursor.advance()));
    }
  } finally {
    await Promise.all(cursors.map((cursor) => cursor.close()));
  }
}

class Cursor {
  readonly copy: TrailCopy;
  readonly #entries: AsyncIterator<TrailEntry>;
  entry: TrailEntry | undefined;
  place = -1;
  outOfOrder = false;
  beginsLater = false;

  private constructor(copy: TrailCopy) {
    this.copy = copy;
    this.#entries = copy.records()[Symbol.asyncIterator]();
  }

  static async open(copy: TrailCopy): Promise<Cursor> {
    const cursor = new Cursor(copy);
    await cursor.advance();
    const { bytes } = cursor.entry ?? { bytes: null };
    cursor.beginsLater = cursor.place > 0 && bytes !== null && peekRecord(bytes).type === 'restart';
    return cursor;
  }

  get problem(): { readonly copy: TrailCopy; readonly problem: string }[] {
    const problem = this.entry?.problem;
    return problem ? [{ copy: this.copy, problem }] : [];
  }

  async advance(): Promise<void> {
    if (this.entry) this.beginsLater = false;
    const next = await this.#entries.next();
    this.entry = next.done ? undefined : next.value;
    if (!this.entry) return;
    const { seq, bytes } = this.entry;
    const place = seq ?? (bytes && peekRecord(bytes).seq) ?? this.place + 1;
    this.outOfOrder = place <= this.place;
    this.place = Math.max(place, this.place);
  }

  async close(): Promise<void> {
    await this.#entries.return?.();
  }
}
