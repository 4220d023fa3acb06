import { constants, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson, readCanonical } from '../base/canonical.ts';
import { ioError, makePrivateDirectory, replaceFile } from '../machine/files.ts';
import { damaged, readLargeStateFile, readStateFile } from '../machine/state-file.ts';
import { splitLines } from '../revocation/list.ts';
import { type DenyEntry, denyEntrySchema } from '../revocation/statement.ts';
import { openTrust, type Trust } from '../trust/trust-file.ts';

/**
 * What a guard must not forget when its process ends: the trust version that it accepted, every statement line, and what was denied
 * here alone. A restart with older sources brings nothing back (docs/format.md §10). Replicas may share a folder or have their own.
 */
export class GuardState {
  readonly #dir: string;
  #writes: Promise<void> = Promise.resolve();

  /** Throws `IO` when the folder cannot be made, `STATE_DAMAGED` when something else stands there. */
  constructor(dir: string) {
    makePrivateDirectory(dir);
    if (!statSync(dir).isDirectory()) throw damaged(dir, 'is not a folder');
    this.#dir = dir;
  }

  /** Throws `STATE_DAMAGED`. */
  trust(): Trust | undefined {
    const path = join(this.#dir, 'trust.jws');
    const bytes = readStateFile(path);
    try {
      return bytes && openTrust(bytes);
    } catch (cause) {
      throw damaged(path, 'is not a trust file', cause);
    }
  }

  keepTrust(trust: Trust): void {
    replaceFile(join(this.#dir, 'trust.jws'), trust.bytes, { mode: 0o600 });
  }

  /** Every line that was accepted, each ended by LF; a torn one at the end is judged, and refused, as any other. */
  async lines(): Promise<Uint8Array> {
    return (await readLargeStateFile(join(this.#dir, 'accepted.jws'))) ?? new Uint8Array(0);
  }

  keepLines(lines: readonly string[]): Promise<void> {
    return this.#append('accepted.jws', lines);
  }

  /** What was denied here; `unread`: lines that are none, which a power cut or a full disk has torn, or a hand. */
  localDenials(): { readonly entries: readonly DenyEntry[]; readonly unread: number } {
    const path = join(this.#dir, 'denied-here.jsonl');
    const lines = [...splitLines(readStateFile(path) ?? new Uint8Array(0))].filter(({ content }) => content.length > 0);
    const read = lines.map(({ content }) => readCanonical(denyEntrySchema, content));
    const entries = read.flatMap((result) => ('value' in result ? [result.value] : []));
    return { entries, unread: lines.length - entries.length };
  }

  keepLocalDenial(entry: DenyEntry): Promise<void> {
    return this.#append('denied-here.jsonl', [canonicalJson(entry)]);
  }

  /** After everything that was to be kept is on the disk, or has failed. */
  settled(): Promise<void> {
    return this.#writes.catch(() => {});
  }

  #append(name: string, lines: readonly string[]): Promise<void> {
    const next = this.#writes.catch(() => {}).then(() => appendFlushed(join(this.#dir, name), lines));
    this.#writes = next;
    return next;
  }
}

async function appendFlushed(path: string, lines: readonly string[]): Promise<void> {
  try {
    const file = await open(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, 0o600);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      // What a power cut has torn must not spoil the line behind it.
      const start = size > 0 && last[0] !== 0x0a ? '\n' : '';
      for (const piece of piecesOf(lines, start)) await file.appendFile(piece);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw ioError(path, 'was not written', cause);
  }
}

/** Whole lines, about 1 MiB at a time: a list of a million denials in one text would hold up whoever writes it. */
function* piecesOf(lines: readonly string[], start: string): Generator<string> {
  let piece = start;
  for (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

const pieceLength = 1024 * 1024;
