import { basename } from 'node:path';
import { equalBytes, sha256Hex } from '../../base/bytes.ts';
import { BreakglassError } from '../../base/errors.ts';
import type { LogDisk, LogHandle } from './use-log-disk.ts';
import { type LogEnd, rotateAway, type TornTail } from './use-log-end.ts';

/** A signed line, LF included, and its place. */
export interface SealedLine {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/** What a failed append left: how many of its lines stand in a file whole, and what is torn behind them. */
export interface Remains {
  readonly whole: number;
  readonly torn: TornTail | null;
}

interface OpenFile {
  readonly handle: LogHandle;
  readonly inode: bigint;
  /** Up to the last line that was flushed. */
  size: number;
  firstSeq: number | null;
  /** Its folder was not flushed yet. */
  isNew: boolean;
}

/**
 * The file that lines are appended to, and that is rotated by size. Nothing is ever written behind a line that may not be whole,
 * and nothing is truncated: after a failure `settle` comes first, which rotates such a file away.
 */
export class LineFile {
  readonly path: string;
  readonly #disk: LogDisk;
  readonly #maxBytes: number;
  #open: OpenFile | undefined;
  #failed: readonly SealedLine[] | undefined;
  #began: LogEnd['current'];

  constructor(disk: LogDisk, path: string, maxBytes: number, began: LogEnd['current']) {
    this.#disk = disk;
    this.path = path;
    this.#maxBytes = maxBytes;
    this.#began = began;
  }

  /** The place of the first line of the file in use; null when it has none. */
  get firstSeq(): number | null {
    return this.#open ? this.#open.firstSeq : (this.#began?.firstSeq ?? null);
  }

  get mustSettle(): boolean {
    return this.#failed !== undefined || Boolean(this.#began?.torn);
  }

  /**
   * Appends whole lines and resolves once they are flushed. Rejects with the system's error, or with `USE_LOG_FAILED` when somebody
   * else has changed the file; what then stands in it is for `settle` to find out.
   */
  async append(lines: readonly SealedLine[]): Promise<void> {
    const bytes = Buffer.concat(lines.map((line) => line.bytes));
    await this.#refuseStrangers();
    if (this.#open && this.#open.size > 0 && this.#open.size + bytes.length > this.#maxBytes) await this.#rotate();
    this.#open ??= await this.#openFile();
    const file = this.#open;
    this.#failed = lines;
    await writeAll(file.handle, bytes);
    await file.handle.flush();
    if (file.isNew) await this.#disk.flushFolderOf(this.path);
    this.#failed = undefined;
    file.isNew = false;
    file.size += bytes.length;
    file.firstSeq ??= lines[0]?.seq ?? null;
  }

  /**
   * Makes the file fit for the next append, after one that failed or an end that was found torn. A file that has bytes of it is
   * rotated away as it is: a flush that failed is not tried again, for the second one can report success for data that is gone.
   */
  async settle(nextSeq: number): Promise<Remains> {
    const began = this.#began;
    if (!this.#failed && began?.torn) {
      const there = await this.#disk.stat(this.path);
      const to = there ? await rotateAway(this.#disk, this.path, began.firstSeq ?? nextSeq) : this.path;
      this.#began = null;
      return { whole: 0, torn: { ...began.torn, file: basename(to) } };
    }
    const [file, lines] = [this.#open, this.#failed];
    if (!file || !lines) return nothing;
    const tail = await file.handle.read(file.size, (await file.handle.facts()).size - file.size);
    if (tail.length === 0) {
      this.#failed = undefined;
      return nothing;
    }
    const { whole, rest } = compare(tail, lines, this.path);
    const there = await this.#disk.stat(this.path);
    if (there && there.inode !== file.inode) throw stranger(this.path);
    const to = there ? await rotateAway(this.#disk, this.path, file.firstSeq ?? lines[0]?.seq ?? nextSeq) : this.path;
    await this.#letGo();
    this.#failed = undefined;
    const torn = rest.length === 0 ? null : { file: basename(to), bytes: rest.length, sha256: sha256Hex(rest) };
    return { whole, torn };
  }

  async close(): Promise<void> {
    await this.#letGo();
  }

  // Two processes would break the chain. Most are kept off by the lock; those in other containers are seen here.
  async #refuseStrangers(): Promise<void> {
    const file = this.#open;
    if (!file) return;
    const there = await this.#disk.stat(this.path);
    // Rotated away by another program: what is in it is safe, and a new one is begun.
    if (!there) return this.#letGo();
    if (there.inode !== file.inode || there.size !== file.size) throw stranger(this.path);
  }

  async #rotate(): Promise<void> {
    await rotateAway(this.#disk, this.path, this.#open?.firstSeq ?? 0);
    await this.#letGo();
  }

  async #openFile(): Promise<OpenFile> {
    const began = this.#began;
    const handle = await this.#disk.open(this.path, began ? 'existing' : 'new');
    const { inode, size } = await handle.facts();
    if (size !== (began?.size ?? 0)) {
      await handle.close();
      throw stranger(this.path);
    }
    this.#began = null;
    return { handle, inode, size, firstSeq: began?.firstSeq ?? null, isNew: size === 0 };
  }

  async #letGo(): Promise<void> {
    const file = this.#open;
    this.#open = undefined;
    await file?.handle.close();
  }
}

const nothing: Remains = { whole: 0, torn: null };

async function writeAll(handle: LogHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const count = await handle.write(bytes.subarray(written));
    if (count === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' });
    written += count;
  }
}

/** How many of `lines` the tail holds whole, and what of the next one. */
function compare(
  tail: Uint8Array,
  lines: readonly SealedLine[],
  path: string,
): { readonly whole: number; readonly rest: Uint8Array } {
  let whole = 0;
  let rest = tail;
  for (const { bytes } of lines) {
    if (rest.length < bytes.length || !equalBytes(rest.subarray(0, bytes.length), bytes)) break;
    rest = rest.subarray(bytes.length);
    whole++;
  }
  const next = lines[whole]?.bytes ?? new Uint8Array(0);
  if (!equalBytes(next.subarray(0, rest.length), rest)) throw stranger(path);
  return { whole, rest };
}

function stranger(path: string): BreakglassError {
  return new BreakglassError('USE_LOG_FAILED', `${path} was changed by another program while this one had it`, {
    hint: 'give each replica a path of its own, and let nothing else write to it or cut it. The use was not recorded, so it is refused.',
  });
}
