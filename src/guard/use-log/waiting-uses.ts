import type { ErrorCode } from '../../base/errors.ts';
import { type Use, usesPerRecord } from '../../use/use-record.ts';
import { Allowance } from './allowance.ts';

/** A use that somebody waits for. */
export interface WaitingUse {
  readonly use: Use;
  resolve(): void;
  reject(error: unknown): void;
}

/** What goes into one record. */
export interface UseBatch {
  readonly records: readonly WaitingUse[];
  readonly notes: readonly Use[];
  readonly omitted: ReadonlyMap<ErrorCode, number>;
}

/** Of denials of what nobody proved: anybody can send as many as they like. */
const unprovedListed = { burst: 20, perSecond: 20 };
/** Of those of one token whose signature was right: whoever stole it cannot fill the disk, which would close break-glass for all. */
const ofTokenListed = { burst: 1000, perSecond: 2 };
/** Denials that wait to be written; more are counted. */
export const notesMax = 4096;
/** Uses whose requests wait; more are refused at once. */
export const recordsMax = 65_536;
/** Of the JSON of one record: in base64 it stays below the 1 MiB of a line. */
const batchMaxCharacters = 700 * 1024;

/** What waits to be written. Uses that a request waits for go before denials that nobody waits for. */
export class WaitingUses {
  readonly #records: WaitingUse[] = [];
  #notes: Use[] = [];
  #omitted = new Map<ErrorCode, number>();
  readonly #unproved = new Allowance(unprovedListed);
  readonly #ofTokens = new Allowance(ofTokenListed);

  get count(): number {
    return this.#records.length + this.#notes.length;
  }

  get hasRecords(): boolean {
    return this.#records.length > 0;
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.#omitted.size === 0;
  }

  /** False when there is no room for it. */
  addRecord(waiting: WaitingUse): boolean {
    if (this.#records.length >= recordsMax) return false;
    this.#records.push(waiting);
    return true;
  }

  /** A denial: listed, or counted where there are too many like it. */
  addNote(use: Use): void {
    const listed = use.token ? this.#ofTokens.take(use.token.jti, use.atMs) : this.#unproved.take('', use.atMs);
    if (listed) this.#list(use);
    else this.#omit(use.code, 1);
  }

  /** Takes out what fits into one record. */
  take(): UseBatch {
    const room = { uses: usesPerRecord, characters: batchMaxCharacters };
    const records = this.#records.splice(
      0,
      fitting(this.#records, ({ use }) => use, room),
    );
    const notes = this.#notes.splice(
      0,
      fitting(this.#notes, (use) => use, room),
    );
    const omitted = this.#omitted;
    this.#omitted = new Map();
    return { records, notes, omitted };
  }

  /** Takes out all uses that somebody waits for. */
  takeRecords(): readonly WaitingUse[] {
    return this.#records.splice(0);
  }

  /** What could not be written and nobody was told of waits again. */
  giveBack({ notes, omitted }: UseBatch): void {
    const newer = this.#notes;
    this.#notes = [...notes];
    for (const [code, count] of omitted) this.#omit(code, count);
    for (const use of newer) this.#list(use);
  }

  #list(use: Use): void {
    if (this.#notes.length < notesMax) this.#notes.push(use);
    else this.#omit(use.code, 1);
  }

  #omit(code: Use['code'], count: number): void {
    // A note is a denial; one without a code is the guard's way to say that nothing was checked.
    const counted = code ?? 'USE_LOG_FAILED';
    this.#omitted.set(counted, (this.#omitted.get(counted) ?? 0) + count);
  }
}

function fitting<T>(waiting: readonly T[], useOf: (one: T) => Use, room: { uses: number; characters: number }): number {
  let count = 0;
  for (const one of waiting) {
    const size = sizeOf(useOf(one));
    if (room.uses === 0 || room.characters < size) break;
    room.uses--;
    room.characters -= size;
    count++;
  }
  return count;
}

/** At least the characters of its JSON: everything but the three has a length that the schema bounds. */
function sizeOf(use: Use): number {
  const { method, route, client, token, scope, action } = use;
  const named = token ? token.incident.length + token.subject.length + token.role.length : 0;
  return (
    640 + method.length + route.length + (client?.length ?? 0) + named + (scope?.length ?? 0) + (action?.length ?? 0)
  );
}
