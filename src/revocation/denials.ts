import type { Seconds } from '../base/time.ts';
import { IdIndex } from './id-index.ts';
import type { DenyEntry, DenyKind } from './statement.ts';

/** What a denial looks at in a token: these of its claims, and the kid of its header. */
export interface DeniableToken {
  readonly kid: string;
  readonly claims: {
    readonly iat: Seconds;
    readonly sub: string;
    readonly aud: string;
    readonly jti: string;
    readonly roles: readonly [string];
    readonly breakglass: { readonly epoch: number; readonly family: string; readonly incident: string };
  };
}

/** The denials in force. */
export interface Denials {
  /** The entry that denies this token, or undefined. The time it takes does not grow with the number of entries. */
  find(token: DeniableToken): DenyEntry | undefined;
}

type ValueKind = Exclude<DenyKind, 'all' | 'epoch'>;

/** Where the entries of one kind are kept, by their value. */
interface ValueIndex<K> {
  get(value: K): DenyEntry | undefined;
  set(value: K, entry: DenyEntry): void;
}

/** Indexes deny entries by kind and value. */
export function indexDenials(entries: Iterable<DenyEntry>): Denials {
  const index = new DenialIndex();
  for (const entry of entries) index.add(entry);
  return index;
}

/** Denials that grow. Only the farthest-reaching entry of each value is kept: it denies what the others do. */
export class DenialIndex implements Denials {
  readonly #all = new Map<null, DenyEntry>();
  readonly #epochs = new Map<number, DenyEntry>();
  #ladder: readonly Rung[] = [];
  readonly #values: Readonly<Record<ValueKind, ValueIndex<string>>> = {
    kid: new Map(),
    jti: new IdIndex(),
    family: new IdIndex(),
    incident: new Map(),
    subject: new Map(),
    role: new Map(),
    audience: new Map(),
  };
  #limited = false;

  add(entry: DenyEntry): void {
    this.#limited ||= entry.before !== undefined;
    if (entry.kind === 'all') keepFarthest(this.#all, entry.value, entry);
    else if (entry.kind !== 'epoch') keepFarthest(this.#values[entry.kind], entry.value, entry);
    else {
      keepFarthest(this.#epochs, entry.value, entry);
      this.#ladder = epochLadder(this.#epochs);
    }
  }

  find({ kid, claims }: DeniableToken): DenyEntry | undefined {
    const { iat, breakglass } = claims;
    const values = this.#values;
    // Asked for first: the others are looked up while the memory of a large index answers.
    const ofId = values.jti.get(claims.jti);
    return (
      this.#inForce(this.#all.get(null), iat) ??
      this.#inForce(epochDenial(this.#ladder, breakglass.epoch), iat) ??
      this.#inForce(values.kid.get(kid), iat) ??
      this.#inForce(ofId, iat) ??
      this.#inForce(values.family.get(breakglass.family), iat) ??
      this.#inForce(values.incident.get(breakglass.incident), iat) ??
      this.#inForce(values.subject.get(claims.sub), iat) ??
      this.#inForce(values.role.get(claims.roles[0]), iat) ??
      this.#inForce(values.audience.get(claims.aud), iat)
    );
  }

  // Where no entry has a `before`, the entries themselves need not be fetched from a memory full of them.
  #inForce(entry: DenyEntry | undefined, iat: Seconds): DenyEntry | undefined {
    return entry !== undefined && (!this.#limited || iat < reach(entry)) ? entry : undefined;
  }
}

/** A token is denied when its `iat` is before this. */
function reach(entry: DenyEntry): number {
  return entry.before ?? Number.POSITIVE_INFINITY;
}

function keepFarthest<K>(index: ValueIndex<K>, key: K, entry: DenyEntry): void {
  const kept = index.get(key);
  if (kept === undefined || reach(entry) > reach(kept)) index.set(key, entry);
}

interface Rung {
  readonly epoch: number;
  readonly entry: DenyEntry;
}

// An entry of an epoch denies the older ones too. Going up the ladder epochs rise and reaches fall, so that the first rung
// at or above a token's epoch is the farthest-reaching entry for it.
function epochLadder(epochs: ReadonlyMap<number, DenyEntry>): readonly Rung[] {
  const ladder: Rung[] = [];
  for (const [epoch, entry] of [...epochs].sort(([a], [b]) => b - a)) {
    const above = ladder.at(-1);
    if (above === undefined || reach(entry) > reach(above.entry)) ladder.push({ epoch, entry });
  }
  return ladder.reverse();
}

function epochDenial(ladder: readonly Rung[], epoch: number): DenyEntry | undefined {
  let [low, high] = [0, ladder.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ladder[middle]?.epoch ?? 0) < epoch) low = middle + 1;
    else high = middle;
  }
  return ladder[low]?.entry;
}
