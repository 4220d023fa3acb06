import { isBreakglassError } from '../base/errors.ts';
import { verifyJws } from '../base/jws.ts';
import { loadPublicKey, type PublicKey, thumbprint } from '../key/public.ts';
import type { UseFindingCode, UseFindingList } from './use-findings.ts';
import { openUseLine, type UseLine } from './use-line.ts';
import type { UseRecord } from './use-record.ts';

/** A line as it stands in one file. */
export interface LineCopy {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** What is known of one log: the files of one `trail`. */
export interface UseLogFacts {
  readonly trail: string;
  /** What genesis says; null when it is not at hand. */
  readonly genesis: { readonly name: string; readonly trust: string; readonly audience: string | null } | null;
  /** The key that its lines were judged by; null when neither genesis nor the caller had one, and then none counts. */
  readonly key: PublicKey | null;
  /** Whether that key is one of the caller's. */
  readonly keyKnown: boolean;
  /** The last line that counts; null when none does. */
  readonly head: { readonly seq: number; readonly sha256: string; readonly time: string } | null;
  /** It ends with `closed`. */
  readonly closed: boolean;
  /** Denials that are counted and not listed, by code. */
  readonly omitted: ReadonlyMap<string, number>;
}

interface Judged extends UseLine {
  readonly file: string;
}

/** Judges the lines of one log, place by place: form, signature, chain. */
export class UseLogJudge {
  readonly #trail: string;
  readonly #keys: readonly PublicKey[];
  readonly #found: UseFindingList;
  #key: PublicKey | undefined;
  #genesis: UseLogFacts['genesis'] = null;
  #head: UseLogFacts['head'] = null;
  #headType: UseRecord['type'] | undefined;
  #next: number | undefined;
  /** Hashes of the lines at the place before, right or wrong; empty when there is none to compare with. */
  #before: ReadonlySet<string> = new Set();
  readonly #omitted = new Map<string, number>();

  constructor(trail: string, keys: readonly PublicKey[], found: UseFindingList) {
    this.#trail = trail;
    this.#keys = keys;
    this.#found = found;
  }

  /** The lines that count at this place, the same ones once; `copies` are all that any file has there. Places only rise. */
  judge(seq: number, copies: readonly LineCopy[]): readonly UseRecord[] {
    const lines = this.#open(seq, copies);
    this.#key ??= this.#choose(lines);
    if (this.#next === undefined && seq > 0)
      this.#report('USE_GENESIS_MISSING', seq, `the log at hand begins with record ${seq}`);
    if (this.#next !== undefined && seq > this.#next) this.#miss(this.#next, seq - 1);
    const good = lines.filter((line) => this.#isRight(seq, line));
    if (good.length > 1) this.#report('USE_LOG_FORKED', seq, 'the guard signed two different lines', good[1]?.file);
    this.#next = seq + 1;
    this.#before = new Set(lines.map(({ sha256 }) => sha256));
    for (const line of good) this.#believe(line);
    return good.map(({ record }) => record);
  }

  finish(): UseLogFacts {
    const [key, keyKnown] = [this.#key ?? null, this.#keys.some(({ kid }) => kid === this.#key?.kid)];
    if (!key) this.#report('USE_KEY_UNKNOWN', null, 'nothing says by which key to judge it: none of it counts');
    else if (!keyKnown)
      this.#report('USE_KEY_UNKNOWN', null, 'it is judged by the key that it names itself: get that from its owner');
    if (this.#head && this.#headType !== 'closed')
      this.#report('USE_END_OPEN', this.#head.seq, 'the log does not end with closed: cut off, or still written');
    const count = [...this.#omitted.values()].reduce((sum, of) => sum + of, 0);
    if (count > 0) this.#report('USE_OMITTED', null, `${count} denials are counted and not listed`);
    const closed = this.#headType === 'closed';
    const facts = { trail: this.#trail, genesis: this.#genesis, key, keyKnown, head: this.#head, closed };
    return { ...facts, omitted: this.#omitted };
  }

  #open(seq: number, copies: readonly LineCopy[]): readonly Judged[] {
    const byHash = new Map<string, Judged>();
    for (const { file, bytes } of copies) {
      try {
        const line = openUseLine(bytes, `record ${seq} in ${file}`);
        // Where the line was looked for is what a search of its text had found.
        if (line.record.seq !== seq || line.record.trail !== this.#trail)
          this.#report('USE_LINE_FORM', seq, 'it is not what it looks like', file);
        else if (!byHash.has(line.sha256)) byHash.set(line.sha256, { ...line, file });
      } catch (error) {
        if (!isBreakglassError(error)) throw error;
        this.#found.add('USE_LINE_FORM', error.message, { trail: this.#trail, seq, file });
      }
    }
    return [...byHash.values()];
  }

  /** The caller's key where one fits, otherwise what genesis names and bears the signature of. */
  #choose(lines: readonly Judged[]): PublicKey | undefined {
    const kids = new Set(lines.map(({ jws }) => jws.header.kid));
    const given = this.#keys.find(({ kid }) => kids.has(kid));
    if (given) return given;
    for (const { record, jws } of lines) {
      if (record.type !== 'genesis' || thumbprint(record.guard) !== jws.header.kid) continue;
      const key = screened(record.guard);
      if (key && verifyJws(jws, key.key)) return key;
    }
    return undefined;
  }

  #miss(from: number, to: number): void {
    const what = from === to ? `record ${from} is` : `records ${from} to ${to} are`;
    this.#report('USE_LINE_MISSING', from, `${what} on no copy`);
    this.#before = new Set();
  }

  #isRight(seq: number, line: Judged): boolean {
    const { record, jws, file } = line;
    if (!this.#key) return false;
    if (jws.header.kid !== this.#key.kid) {
      this.#report('USE_OTHER_KEY', seq, 'another key than the log’s own signed it', file);
      return false;
    }
    if (!verifyJws(jws, this.#key.key)) {
      this.#report('USE_SIGNATURE_WRONG', seq, 'its signature is wrong', file);
      return false;
    }
    const first = seq === 0;
    if (first !== (record.type === 'genesis') || first !== (record.prev === null))
      this.#report('USE_GENESIS_WRONG', seq, first ? 'the log does not begin with genesis' : 'genesis again', file);
    else if (record.prev !== null && this.#before.size > 0 && !this.#before.has(record.prev))
      this.#report('USE_CHAIN_BROKEN', seq, 'it does not name the line before it', file);
    return true;
  }

  #believe({ record, sha256 }: Judged): void {
    const { seq, time, type } = record;
    this.#head = { seq, sha256, time };
    this.#headType = type;
    if (record.type === 'genesis') {
      const { name, trust, audience } = record;
      this.#genesis ??= { name, trust, audience };
    }
    if (record.type !== 'uses') return;
    for (const { code, count } of record.omitted) this.#omitted.set(code, (this.#omitted.get(code) ?? 0) + count);
  }

  #report(code: UseFindingCode, seq: number | null, why: string, file: string | null = null): void {
    const where = seq === null ? '' : `record ${seq}`;
    const what = [`use log ${this.#trail.slice(0, 8)}`, where, file ? `in ${file}` : ''].filter(Boolean).join(', ');
    this.#found.add(code, `${what}: ${why}`, { trail: this.#trail, seq, file });
  }
}

function screened(jwk: Parameters<typeof loadPublicKey>[0]): PublicKey | undefined {
  try {
    return loadPublicKey(jwk, 'the guard');
  } catch (error) {
    if (isBreakglassError(error, 'KEY_REFUSED')) return undefined;
    throw error;
  }
}
