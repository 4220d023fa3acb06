import type { Seconds } from '../base/time.ts';
import { HeadIndex } from './head-index.ts';
import { recordSeconds } from './quorum-check.ts';
import type { CeremonyRecord, Issuance, RecordOf } from './record.ts';

const daySeconds = 86_400;
/** A policy counts at most 1,000 issuances a day: remembering that many is enough whatever the clocks said. */
const keptIssuances = 1024;
/** Ids of the newest requests are remembered whatever the clocks said; older ones for as long as their age admits them. */
const keptRequests = 4096;
const keptFamilies = 4096;
const keptSets = 256;

/** A set as `rotate.begun` tells of it. */
export type BegunSet = Pick<RecordOf<'rotate.begun'>, 'setId' | 'nonce' | 'threshold' | 'strength' | 'commitments'>;

/** What a trail tells the next ceremony. Only records whose signature was right count. */
export interface TrailFacts {
  /** The newest ceremony record whose head code begins with these 3 to 8 words, as a person typed them. */
  findHead(typed: string): { readonly seq: number } | undefined;
  /** Ids of requests that a ceremony was held for; those that are refused by their age may be missing. */
  readonly issuedRequests: { has(id: string): boolean };
  /** Production issuances within the 24 hours before the last record. */
  readonly issuedAt: readonly Seconds[];
  /** The last sequence of each family; very old families may be missing. */
  readonly families: ReadonlyMap<string, number>;
  /** The trust version in force at the end. */
  readonly trust: { readonly version: number; readonly sha256: string } | null;
  /** Sets whose dealing was begun, the newest last; the trust version in force says which were finished or given up. */
  readonly begunSets: readonly BegunSet[];
  /** The fingerprint of the rotation that was begun last and is not done: its request may be used again to do it. */
  readonly openRotation: string | null;
  /** Thumbprints of the recorders that ceremony records name. */
  readonly recorders: ReadonlySet<string>;
}

/** Gathers facts while a trail is read; its size does not grow with the trail, but for 15 bytes a ceremony record. */
export class FactKeeper {
  readonly heads = new HeadIndex();
  readonly #requests = new Map<string, Seconds>();
  readonly #families = new Map<string, number>();
  readonly #issuances = new Map<number, string>();
  readonly #issuedAt: Seconds[] = [];
  readonly #begunSets: BegunSet[] = [];
  #lastTime = '';

  saw(record: { readonly time: string }): void {
    this.#lastTime = record.time;
  }

  get issuedAt(): readonly Seconds[] {
    return this.#issuedAt;
  }

  /** Notes a request as used; false if it was used before. */
  useRequest(id: string, record: CeremonyRecord): boolean {
    if (this.#requests.has(id)) return false;
    const now = recordSeconds(record);
    this.#requests.set(id, now);
    for (const [old, at] of this.#requests) {
      if (this.#requests.size <= keptRequests || at > now - 2 * daySeconds) break;
      this.#requests.delete(old);
    }
    return true;
  }

  beginSet({ setId, nonce, threshold, strength, commitments }: BegunSet): void {
    if (this.#begunSets.length >= keptSets) this.#begunSets.shift();
    this.#begunSets.push({ setId, nonce, threshold, strength, commitments });
  }

  /** Notes the tokens of an issuance; false if their sequence does not continue the family. */
  addIssuance(record: Issuance, sha256: string): boolean {
    forgetOldest(this.#issuances, keptIssuances);
    this.#issuances.set(record.seq, sha256);
    if (record.type === 'mint.issued') this.#issuedAt.push(recordSeconds(record));
    if (this.#issuedAt.length > keptIssuances) this.#issuedAt.shift();
    return this.#continueFamily(record);
  }

  /** The SHA-256 of an issuance at `seq`; null if there is none, undefined if it was too long ago to know. */
  issuanceAt(seq: number): string | null | undefined {
    const [oldest] = this.#issuances.keys();
    if (this.#issuances.size >= keptIssuances && oldest !== undefined && seq < oldest) return undefined;
    return this.#issuances.get(seq) ?? null;
  }

  publish(end: Pick<TrailFacts, 'trust' | 'recorders' | 'openRotation'>): TrailFacts {
    const last = recordSeconds({ time: this.#lastTime });
    return {
      ...end,
      findHead: (typed) => this.heads.find(typed),
      issuedRequests: this.#requests,
      issuedAt: this.#issuedAt.filter((at) => at > last - daySeconds),
      families: this.#families,
      begunSets: this.#begunSets,
    };
  }

  #continueFamily(record: Issuance): boolean {
    const first = record.tokens[0]?.claims.breakglass;
    const last = record.tokens.at(-1)?.claims.breakglass;
    if (!first || !last) return true;
    const known = this.#families.get(first.family);
    const forgotten = known === undefined && this.#families.size >= keptFamilies;
    this.#families.delete(first.family);
    forgetOldest(this.#families, keptFamilies);
    this.#families.set(first.family, last.sequence);
    return forgotten || first.sequence === (known ?? 0) + 1;
  }
}

function forgetOldest(map: Map<unknown, unknown>, kept: number): void {
  const [oldest] = map.keys();
  if (map.size >= kept) map.delete(oldest);
}
