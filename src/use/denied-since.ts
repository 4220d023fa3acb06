import type { Seconds } from '../base/time.ts';
import { type DeniableToken, indexDenials } from '../revocation/denials.ts';
import { isPreSigned } from '../revocation/kill-file.ts';
import { denyEntrySha256, type RevocationList } from '../revocation/list.ts';
import type { DenyEntry } from '../revocation/statement.ts';

/** A denial of a token, and until when it held: null, it still does. */
export interface DeniedSince {
  readonly entry: DenyEntry;
  readonly until: Seconds | null;
}

/** Finds every denial of a token, the ones that a quorum has allowed again with the time of that. */
export class DenialTimes {
  readonly #byValue = new Map<string, DeniedSince[]>();
  readonly #epochs: DeniedSince[] = [];
  readonly #undated = new Set<string>();

  constructor({ statements, allowed }: Pick<RevocationList, 'statements' | 'allowed'>) {
    const allowedAt = new Map<string, Seconds>();
    for (const { allow, iat } of statements)
      for (const sha256 of allow) allowedAt.set(sha256, Math.min(iat, allowedAt.get(sha256) ?? iat));
    for (const { deny } of statements) {
      for (const entry of deny) {
        if (isPreSigned(entry) && entry.kind === 'family') {
          this.#undated.add(entry.value);
          continue;
        }
        const until = allowed.size === 0 ? null : (allowedAt.get(denyEntrySha256(entry)) ?? null);
        this.#add({ entry, until });
      }
    }
  }

  /** True when a kill file denies the family: nothing says since when. */
  deniedUndated({ claims }: DeniableToken): boolean {
    return this.#undated.has(claims.breakglass.family);
  }

  /** The denials that held at a time, but for what `graceSeconds` before it was not denied yet; the earliest of them. */
  deniedAt(token: DeniableToken, at: Seconds, graceSeconds: Seconds): DenyEntry | undefined {
    const { claims, kid } = token;
    const { incident, family } = claims.breakglass;
    const names = [
      ['all', null],
      ['kid', kid],
      ['jti', claims.jti],
      ['family', family],
      ['incident', incident],
      ['subject', claims.sub],
      ['role', claims.roles[0]],
      ['audience', claims.aud],
    ] as const;
    const candidates = [
      ...names.flatMap(([kind, value]) => this.#byValue.get(keyOf(kind, value)) ?? []),
      ...this.#epochs,
    ];
    const holding = candidates.filter(
      ({ entry, until }) =>
        at > entry.at + graceSeconds &&
        (until === null || at < until) &&
        indexDenials([entry]).find(token) !== undefined,
    );
    return holding.map(({ entry }) => entry).sort((a, b) => a.at - b.at)[0];
  }

  #add(denied: DeniedSince): void {
    const { kind, value } = denied.entry;
    if (kind === 'epoch') return void this.#epochs.push(denied);
    const others = this.#byValue.get(keyOf(kind, value));
    if (others) others.push(denied);
    else this.#byValue.set(keyOf(kind, value), [denied]);
  }
}

function keyOf(kind: string, value: unknown): string {
  return `${kind} ${value}`;
}
