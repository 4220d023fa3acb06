import type { Denials } from '../revocation/denials.ts';
import type { Claims } from './claims.ts';

/** A token that was issued, by its own signature or by that of its record. */
export interface IssuedToken {
  readonly kid: string;
  readonly claims: Claims;
}

/** The tokens of one family, in one ceremony or several. */
export interface Family {
  readonly family: string;
  /** By their sequence. */
  readonly tokens: readonly [IssuedToken, ...IssuedToken[]];
  /** When the last of them ends. */
  readonly exp: number;
}

/** Families, the newest first. */
export function familiesOf(tokens: readonly IssuedToken[]): Family[] {
  const families = new Map<string, IssuedToken[]>();
  for (const token of tokens) {
    const { family } = token.claims.breakglass;
    families.set(family, [...(families.get(family) ?? []), token]);
  }
  return [...families]
    .flatMap(([family, members]) => {
      const [first, ...rest] = members.sort((a, b) => a.claims.breakglass.sequence - b.claims.breakglass.sequence);
      if (!first) return [];
      return [{ family, tokens: [first, ...rest] as const, exp: Math.max(...members.map(({ claims }) => claims.exp)) }];
    })
    .sort((a, b) => b.tokens[0].claims.iat - a.tokens[0].claims.iat || recordOf(b) - recordOf(a));
}

function recordOf({ tokens: [{ claims }] }: Family): number {
  return claims.breakglass.trail.seq;
}

/** What a denial does to the tokens that are known: each is open or ended, and each open one lives, dies now or was dead. */
export interface Effect {
  readonly dying: readonly IssuedToken[];
  readonly living: readonly IssuedToken[];
  /** Denied by entries from before. */
  readonly deadBefore: readonly IssuedToken[];
  /** Ended by themselves, among those that the new entries name. */
  readonly ended: readonly IssuedToken[];
}

/** Judges every known token by the denials in force before and by those added now. */
export function effectOf(
  tokens: readonly IssuedToken[],
  denials: { readonly before: Denials; readonly added: Denials },
  now: number,
): Effect {
  const effect = {
    dying: [] as IssuedToken[],
    living: [] as IssuedToken[],
    deadBefore: [] as IssuedToken[],
    ended: [] as IssuedToken[],
  };
  for (const token of tokens) {
    const added = denials.added.find(token);
    if (token.claims.exp <= now) {
      if (added) effect.ended.push(token);
    } else if (denials.before.find(token)) effect.deadBefore.push(token);
    else if (added) effect.dying.push(token);
    else effect.living.push(token);
  }
  return effect;
}
