import type { PublicJwk } from '../base/schema.ts';
import type { Seconds } from '../base/time.ts';
import type { Claims } from '../token/claims.ts';
import { type Debt, DebtKeeper } from './debts.ts';
import { HeadIndex } from './head-index.ts';
import { recordSeconds } from './quorum-check.ts';
import type { CeremonyRecord, Issuance, RecordOf } from './record.ts';
import { type Upkeep, UpkeepKeeper } from './upkeep.ts';

const daySeconds = 86_400;
/** A policy counts at most 1,000 issuances a day: remembering that many is enough whatever the clocks said. */
const keptIssuances = 1024;
/** Ids of the newest requests are remembered whatever the clocks said; older ones for as long as their age admits them. */
const keptRequests = 4096;
const keptFamilies = 4096;
const keptSets = 256;

/** A set as `rotate.begun` tells of it. */
export type BegunSet = Pick<RecordOf<'rotate.begun'>, 'setId' | 'nonce' | 'threshold' | 'strength' | 'commitments'>;

/** What a family of tokens is for, and how far it has come. */
export interface Family {
  /** Of its last token. */
  readonly sequence: number;
  readonly incident: string;
  readonly subject: string;
  readonly role: string;
  readonly drill: boolean;
  /** These of its last issuance. */
  readonly circumstance: string | null;
  readonly holder: PublicJwk | null;
}

/** How an issuance fails to continue its family. */
export type FamilyBreach = 'FAMILY_SEQUENCE' | 'FAMILY_DIFFERS';

/** What a trail tells the next ceremony. Only records whose signature was right count. */
export interface TrailFacts {
  /** The newest ceremony record whose head code begins with these 3 to 8 words, as a person typed them. */
  findHead(typed: string): { readonly seq: number } | undefined;
  /** Whether the ceremony record at `seq` has this SHA-256, as far as a head code tells. */
  hasHead(seq: number, sha256: string): boolean;
  /** Ids of requests that a ceremony was held for; those that are refused by their age may be missing. */
  readonly issuedRequests: { has(id: string): boolean };
  /** Production issuances within the 24 hours before the last record. */
  readonly issuedAt: readonly Seconds[];
  /** Each family, the one issued last behind the others; very old ones may be missing. */
  readonly families: ReadonlyMap<string, Family>;
  /** The trust version in force at the end. */
  readonly trust: { readonly version: number; readonly sha256: string } | null;
  /** Sets whose dealing was begun, the newest last; the trust version in force says which were finished or given up. */
  readonly begunSets: readonly BegunSet[];
  /** The fingerprint of the rotation that was begun last and is not done: its request may be used again to do it. */
  readonly openRotation: string | null;
  /** Thumbprints of the recorders that ceremony records name. */
  readonly recorders: ReadonlySet<string>;
  /** Drills, cards, media and people. */
  readonly upkeep: Upkeep;
  /** Issuances that nobody has reviewed yet, the oldest first. */
  readonly debts: readonly Debt[];
}

/** Gathers facts while a trail is read; its size does not grow with the trail, but for 15 bytes a ceremony record. */
export class FactKeeper {
  readonly heads = new HeadIndex();
  readonly upkeep = new UpkeepKeeper();
  readonly debts = new DebtKeeper();
  readonly #requests = new Map<string, Seconds>();
  readonly #families = new Map<string, Family>();
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

  /** Notes the tokens of an issuance, and says how they fail to continue their family. */
  addIssuance(record: Issuance, sha256: string): FamilyBreach[] {
    forgetOldest(this.#issuances, keptIssuances);
    this.#issuances.set(record.seq, sha256);
    if (record.type === 'mint.issued') {
      this.#issuedAt.push(recordSeconds(record));
      this.debts.add(record);
    }
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
      hasHead: (seq, sha256) => this.heads.has(seq, sha256),
      issuedRequests: this.#requests,
      issuedAt: this.#issuedAt.filter((at) => at > last - daySeconds),
      families: this.#families,
      upkeep: this.upkeep,
      debts: this.debts.open,
      begunSets: this.#begunSets,
    };
  }

  #continueFamily(record: Issuance): FamilyBreach[] {
    const first = record.tokens[0]?.claims;
    const last = record.tokens.at(-1)?.claims;
    if (!first || !last) return [];
    const { family, sequence } = first.breakglass;
    const known = this.#families.get(family);
    const forgotten = known === undefined && this.#families.size >= keptFamilies;
    const next = familyOf(record, first, last.breakglass.sequence);
    const differs = known !== undefined && !sameFamily(known, next);
    this.#families.delete(family);
    forgetOldest(this.#families, keptFamilies);
    // It stays what it began as, whatever somebody made of it later.
    this.#families.set(family, differs ? { ...known, sequence: next.sequence } : next);
    const breaches: FamilyBreach[] = [];
    if (!forgotten && sequence !== (known?.sequence ?? 0) + 1) breaches.push('FAMILY_SEQUENCE');
    if (differs) breaches.push('FAMILY_DIFFERS');
    return breaches;
  }
}

function familyOf({ request }: Issuance, claims: Claims, sequence: number): Family {
  const { incident, drill } = claims.breakglass;
  const { circumstance, holder } = request;
  return { sequence, incident, subject: claims.sub, role: claims.roles[0], drill, circumstance, holder };
}

function sameFamily(a: Family, b: Family): boolean {
  return a.incident === b.incident && a.subject === b.subject && a.role === b.role && a.drill === b.drill;
}

function forgetOldest(map: Map<unknown, unknown>, kept: number): void {
  const [oldest] = map.keys();
  if (map.size >= kept) map.delete(oldest);
}
