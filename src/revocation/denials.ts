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

/** Indexes deny entries by kind and value. Only the farthest-reaching entry of each value is kept: it denies what the others do. */
export function indexDenials(entries: Iterable<DenyEntry>): Denials {
  const all = new Map<null, DenyEntry>();
  const epochs = new Map<number, DenyEntry>();
  const values: Readonly<Record<ValueKind, ValueIndex<string>>> = {
    kid: new Map(),
    jti: new IdIndex(),
    family: new IdIndex(),
    incident: new Map(),
    subject: new Map(),
    role: new Map(),
    audience: new Map(),
  };
  let limited = false;
  for (const entry of entries) {
    limited ||= entry.before !== undefined;
    if (entry.kind === 'all') keepFarthest(all, entry.value, entry);
    else if (entry.kind === 'epoch') keepFarthest(epochs, entry.value, entry);
    else keepFarthest(values[entry.kind], entry.value, entry);
  }
  const ladder = epochLadder(epochs);

  // Where no entry has a `before`, the entries themselves need not be fetched from a memory full of them.
  const inForce = (entry: DenyEntry | undefined, iat: Seconds) =>
    entry !== undefined && (!limited || iat < reach(entry)) ? entry : undefined;

  return {
    find({ kid, claims }) {
      const { iat, breakglass } = claims;
      // Asked for first: the others are looked up while the memory of a large index answers.
      const ofId = values.jti.get(claims.jti);
      return (
        inForce(all.get(null), iat) ??
        inForce(epochDenial(ladder, breakglass.epoch), iat) ??
        inForce(values.kid.get(kid), iat) ??
        inForce(ofId, iat) ??
        inForce(values.family.get(breakglass.family), iat) ??
        inForce(values.incident.get(breakglass.incident), iat) ??
        inForce(values.subject.get(claims.sub), iat) ??
        inForce(values.role.get(claims.roles[0]), iat) ??
        inForce(values.audience.get(claims.aud), iat)
      );
    },
  };
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
