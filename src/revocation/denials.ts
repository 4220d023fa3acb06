import type { Seconds } from '../base/time.ts';
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

/** Indexes deny entries by kind and value. Only the farthest-reaching entry of each value is kept: it denies what the others do. */
export function indexDenials(entries: Iterable<DenyEntry>): Denials {
  const all = new Map<null, DenyEntry>();
  const epochs = new Map<number, DenyEntry>();
  const values: Readonly<Record<ValueKind, Map<string, DenyEntry>>> = {
    kid: new Map(),
    jti: new Map(),
    family: new Map(),
    incident: new Map(),
    subject: new Map(),
    role: new Map(),
    audience: new Map(),
  };
  for (const entry of entries) {
    if (entry.kind === 'all') keepFarthest(all, entry.value, entry);
    else if (entry.kind === 'epoch') keepFarthest(epochs, entry.value, entry);
    else keepFarthest(values[entry.kind], entry.value, entry);
  }
  const ladder = epochLadder(epochs);

  return {
    find({ kid, claims }) {
      const { iat, breakglass } = claims;
      const candidates = [
        all.get(null),
        epochDenial(ladder, breakglass.epoch),
        values.kid.get(kid),
        values.jti.get(claims.jti),
        values.family.get(breakglass.family),
        values.incident.get(breakglass.incident),
        values.subject.get(claims.sub),
        values.role.get(claims.roles[0]),
        values.audience.get(claims.aud),
      ];
      return candidates.find((entry) => entry !== undefined && iat < reach(entry));
    },
  };
}

/** A token is denied when its `iat` is before this. */
function reach(entry: DenyEntry): number {
  return entry.before ?? Number.POSITIVE_INFINITY;
}

function keepFarthest<K>(index: Map<K, DenyEntry>, key: K, entry: DenyEntry): void {
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
