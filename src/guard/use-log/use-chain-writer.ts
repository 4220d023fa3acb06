import { sha256Hex } from '../../base/bytes.ts';
import { type Clock, formatTime } from '../../base/time.ts';
import type { SigningKey } from '../../key/derive.ts';
import { sealUseLine, type UseLine } from '../../use/use-line.ts';
import type { UseRecord } from '../../use/use-record.ts';
import type { LineFile, SealedLine } from './line-file.ts';
import type { TornTail } from './use-log-end.ts';

type CommonMember = 'v' | 'trail' | 'seq' | 'prev' | 'time';
/** The members of a record's type, without the common ones. */
export type UseRecordMembers<R extends UseRecord = UseRecord> = R extends unknown ? Omit<R, CommonMember> : never;

/** The last line of a log. */
export interface UseLogHead {
  readonly trail: string;
  readonly seq: number;
  readonly sha256: string;
}

export interface ChainWriterOptions {
  readonly file: LineFile;
  readonly key: SigningKey;
  readonly clock: Clock;
  readonly trail: string;
  /** The line to go on behind; null: the log begins. */
  readonly last: UseLine | null;
  /** What must stand before the first uses of this process. */
  readonly owed: readonly UseRecordMembers[];
  readonly onRecovered: (torn: TornTail) => void;
}

/** Writes the chain of one log, record behind record. One commit at a time. */
export class ChainWriter {
  readonly #options: ChainWriterOptions;
  #head: UseLogHead | null;
  #owed: readonly UseRecordMembers[];
  /** Lines that stand whole in a file whose flush nobody confirmed: they are written again, and the chain goes on behind them. */
  #again: readonly SealedLine[] = [];
  #attempt: readonly SealedLine[] = [];

  constructor(options: ChainWriterOptions) {
    this.#options = options;
    const { trail, last, owed } = options;
    this.#head = last && { trail, seq: last.record.seq, sha256: last.sha256 };
    this.#owed = owed;
  }

  /** The last line that was written, its flush confirmed or not. */
  get head(): UseLogHead | null {
    return this.#head;
  }

  /** Records `members`, in one line each, and what is owed before them. Resolves with the new lines once they are flushed. */
  async commit(members: readonly UseRecordMembers[]): Promise<readonly SealedLine[]> {
    const { file } = this.#options;
    if (file.mustSettle) await this.#settle();
    const sealed = await this.#seal([...this.#owed, ...members]);
    this.#attempt = [...this.#again, ...sealed];
    if (this.#attempt.length === 0) return [];
    await file.append(this.#attempt);
    this.#advance(sealed);
    this.#again = [];
    this.#owed = [];
    return this.#attempt;
  }

  async #settle(): Promise<void> {
    const { whole, torn } = await this.#options.file.settle(this.#nextSeq());
    const stands = this.#attempt.slice(0, Math.max(whole, this.#again.length));
    const fresh = stands.slice(this.#again.length);
    this.#advance(fresh);
    this.#again = stands;
    this.#attempt = [];
    this.#owed = this.#owed.slice(fresh.length);
    if (!torn) return;
    this.#owed = [
      ...this.#owed.filter(isGenesis),
      recoveredRecord(torn),
      ...this.#owed.filter((one) => !isGenesis(one)),
    ];
    this.#options.onRecovered(torn);
  }

  async #seal(members: readonly UseRecordMembers[]): Promise<readonly SealedLine[]> {
    const time = formatTime(this.#options.clock.now());
    const lines: SealedLine[] = [];
    let [seq, prev] = [this.#nextSeq(), this.#head?.sha256 ?? null];
    for (const one of members) {
      const record: UseRecord = { v: 1, trail: this.#options.trail, seq, prev, time, ...one };
      const bytes = await sealUseLine(record, this.#options.key);
      lines.push({ seq, bytes });
      seq++;
      prev = sha256Hex(bytes);
    }
    return lines;
  }

  #advance(lines: readonly SealedLine[]): void {
    const last = lines.at(-1);
    if (last) this.#head = { trail: this.#options.trail, seq: last.seq, sha256: sha256Hex(last.bytes) };
  }

  #nextSeq(): number {
    return this.#head ? this.#head.seq + 1 : 0;
  }
}

export function recoveredRecord({ file, bytes, sha256 }: TornTail): UseRecordMembers {
  return { type: 'recovered', file, bytes, sha256 };
}

function isGenesis({ type }: UseRecordMembers): boolean {
  return type === 'genesis';
}
