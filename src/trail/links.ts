import type { FindingList, RecordPlace } from './findings.ts';
import type { RecordFile } from './record-file.ts';

/** A record in the trail. */
export interface TrailPoint {
  readonly seq: number;
  readonly sha256: string;
}

/** How one file is linked to the next: trail id, file name, `seq` and `prev`. */
export class Links {
  readonly #trailId: string;
  readonly #found: FindingList;
  /** The place that comes next; null before the first file. */
  #next: number | null = null;
  /** SHA-256 of the file before; null when it is not known. */
  #before: string | null = null;
  #head: TrailPoint | null = null;

  constructor(trailId: string, found: FindingList) {
    this.#trailId = trailId;
    this.#found = found;
  }

  get head(): TrailPoint | null {
    return this.#head;
  }

  /** The place of a file, by its name or by what comes next. */
  placeOf(where: RecordPlace): number {
    return where.seq ?? this.#next ?? 0;
  }

  /** A file that is no record takes its place, and what follows cannot be compared with it. */
  skip(where: RecordPlace): void {
    this.#next = this.placeOf(where) + 1;
    this.#before = null;
  }

  /** Puts a record in its place. Undefined when it has none in this chain, else its place. */
  take(file: RecordFile, where: RecordPlace): number | undefined {
    const { record, sha256 } = file;
    if (record.trail !== this.#trailId) {
      this.#found.report('TRAIL_OTHER', where, 'it belongs to another trail', this.placeOf(where));
      this.skip(where);
      return undefined;
    }
    if (where.seq !== null && where.seq !== record.seq)
      this.#found.report('RECORD_NAME', where, `inside it is record ${record.seq}`);
    const seq = where.seq ?? record.seq;
    if (this.#next !== null && seq < this.#next) {
      this.#found.report('RECORD_REPEATED', where, `record ${seq} comes again, or too late`, seq);
      return undefined;
    }
    this.#checkGap(file, seq, where);
    this.#checkPrevious(file, seq, where);
    this.#next = seq + 1;
    this.#before = sha256;
    this.#head = { seq, sha256 };
    return seq;
  }

  #checkGap({ record }: RecordFile, seq: number, where: RecordPlace): void {
    const expected = this.#next ?? 0;
    if (seq === expected) return;
    this.#before = null;
    // A quorum has said that the files before are lost: its word stands in the record, and as a warning of every check.
    if (record.type === 'restart') return;
    const lost = seq - 1 === expected ? `record ${expected} is` : `records ${expected} to ${seq - 1} are`;
    this.#found.report('RECORD_MISSING', { ...where, seq: expected }, `${lost} missing before it`);
  }

  #checkPrevious({ record }: RecordFile, seq: number, where: RecordPlace): void {
    if ((record.type === 'genesis') !== (seq === 0))
      this.#found.report(seq === 0 ? 'GENESIS_MISSING' : 'GENESIS_REPEATED', where, `it is ${record.type}`, seq);
    const known = seq > 0 && this.#before === null ? record.prev : this.#before;
    if (record.prev !== known || (seq > 0 && record.prev === null))
      this.#found.report(
        'CHAIN_BROKEN',
        where,
        'it does not name the file before it: one of the two was changed, or one removed',
        seq,
      );
  }
}
