import { sha256Hex } from '../base/bytes.ts';
import { isBreakglassError } from '../base/errors.ts';
import type { Trust } from '../trust/trust-file.ts';
import { DenialIndex, type Denials } from './denials.ts';
import { denyEntrySha256, splitLines } from './list.ts';
import { type DenyEntry, openStatement, statementMaxBytes } from './statement.ts';

/**
 * What became of a line: its place among those that count, with what it says when it is new; or an alarm, the first time that a bad
 * one is met; or nothing.
 */
export type LineJudgement =
  | { readonly place: number; readonly news?: { readonly line: string; readonly deny: readonly DenyEntry[] } }
  | { readonly alarm: string; readonly number: number }
  | undefined;

/**
 * What a verifier that goes on running knows: every line that it ever accepted. Lines are verified once, so that a list of a million
 * with one line more costs one signature. Denied is every entry accepted minus those allowed (docs/format.md §10).
 */
export class RevocationMemory {
  readonly #trust: Trust;
  /** Places of the lines that count, by their SHA-256. */
  readonly #places = new Map<string, number>();
  readonly #lines: string[] = [];
  readonly #bad = new Set<string>();
  /** Lines that counted under an earlier trust version: they may again. */
  readonly #dormant = new Map<string, string>();
  readonly #entries: DenyEntry[] = [];
  readonly #allowed = new Set<string>();
  #index = new DenialIndex();
  /** How many of the allowed the index was made without. */
  #lifted = 0;

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  get denials(): Denials {
    return this.#index;
  }

  /** How many lines count. */
  get size(): number {
    return this.#lines.length;
  }

  hasLine(sha256: string): boolean {
    return this.#places.has(sha256);
  }

  /**
   * Takes in a file or a part of one, line by line: the caller may pause between two, so that a large one does not hold up what else
   * it does. Of a kill file only `denying` lines count. What a line denies is denied when its judgement comes; what it allows is
   * allowed at the end.
   */
  *read(bytes: Uint8Array, which: 'all' | 'denying' = 'all'): Generator<LineJudgement> {
    for (const { number, content } of splitLines(bytes)) {
      if (content.length > statementMaxBytes) {
        yield { alarm: 'it is longer than 1 MiB', number };
        continue;
      }
      const sha256 = sha256Hex(content);
      const place = this.#places.get(sha256);
      yield place === undefined ? this.#judge(sha256, content.toString('latin1'), { number, which }) : { place };
    }
    yield* this.#lift();
  }

  /**
   * Takes over what a memory under another trust version has accepted, line by line: a revoker may have come or gone since. What does not
   * count here is kept for the version after.
   */
  *follow(before: RevocationMemory): Generator<void> {
    for (const line of [...before.#lines, ...before.#dormant.values()]) {
      const sha256 = sha256Hex(line);
      if (!this.#places.has(sha256) && !this.#dormant.has(sha256)) {
        const judgement = this.#judge(sha256, line, { number: 0, which: 'all' });
        if (!judgement || !('place' in judgement)) this.#dormant.set(sha256, line);
      }
      yield;
    }
    yield* this.#lift();
  }

  #judge(
    sha256: string,
    line: string,
    { number, which }: { readonly number: number; readonly which: 'all' | 'denying' },
  ): LineJudgement {
    // A bad line stays in its list for ever, and is an alarm once.
    if (this.#bad.has(sha256)) return undefined;
    try {
      const { deny, allow } = openStatement(line, this.#trust);
      if (which === 'denying' && allow.length > 0) return undefined;
      const place = this.#lines.push(line) - 1;
      this.#places.set(sha256, place);
      this.#add(deny, allow);
      return { place, news: { line, deny } };
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      if (this.#bad.size < badMax) this.#bad.add(sha256);
      return { alarm: error.message, number };
    }
  }

  #add(deny: readonly DenyEntry[], allow: readonly string[]): void {
    for (const sha256 of allow) this.#allowed.add(sha256);
    for (const entry of deny) {
      this.#entries.push(entry);
      if (this.#isDenied(entry)) this.#index.add(entry);
    }
  }

  #isDenied(entry: DenyEntry): boolean {
    return this.#allowed.size === 0 || !this.#allowed.has(denyEntrySha256(entry));
  }

  /**
   * A denial is lifted by a quorum, which is rare: what is left of the entries is indexed anew, a few at a time, and until that is done
   * all of them deny. Entries may come in between, and are among them; so may another call, which then knows of more that is allowed.
   */
  *#lift(): Generator<undefined> {
    const allowed = this.#allowed.size;
    if (allowed === this.#lifted) return;
    const index = new DenialIndex();
    for (let n = 0; n < this.#entries.length; n++) {
      const entry = this.#entries[n];
      if (entry && this.#isDenied(entry)) index.add(entry);
      if (n % entriesAtOnce === entriesAtOnce - 1) yield undefined;
    }
    if (allowed < this.#lifted) return;
    this.#lifted = allowed;
    this.#index = index;
  }
}

/** A millisecond's worth of indexing. */
const entriesAtOnce = 256;

/** A hostile list of millions of bad lines must not fill the memory: those beyond are judged again at each reading. */
const badMax = 10_000;
