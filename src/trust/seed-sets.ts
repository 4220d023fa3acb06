import type { ShareSet, TrustPayload } from './trust-schema.ts';

/** A set of shares whose cards still make the key, as far as the trust versions at hand tell. */
export interface SeedSet {
  readonly set: ShareSet;
  /** False: the version that would tell of which seed it is, is not at hand. It counts as one of the live seed all the same. */
  readonly certain: boolean;
}

/**
 * Every set of the seed that is live in the newest of `versions` (ascending, at least one): M cards of one of them combine,
 * active or not. The nonce changes only with the seed, so it tells one seed from another (docs/format.md §9).
 */
export function setsOfLiveSeed(versions: readonly TrustPayload[]): SeedSet[] {
  const live = versions.at(-1)?.nonce;
  return allSets(versions).flatMap((set) => {
    const nonce = nonceOf(set.setId, versions);
    if (nonce !== undefined && nonce !== live) return [];
    return [{ set, certain: nonce !== undefined }];
  });
}

/** Sets of seeds before the live one: their cards open nothing that is active. */
export function setsOfEarlierSeeds(versions: readonly TrustPayload[]): ShareSet[] {
  const live = new Set(setsOfLiveSeed(versions).map(({ set }) => set.setId));
  return allSets(versions).filter(({ setId }) => !live.has(setId));
}

/** The versions from 1 to the newest that are not at hand. */
export function missingVersions(versions: readonly TrustPayload[]): number[] {
  const there = new Set(versions.map(({ version }) => version));
  const newest = versions.at(-1)?.version ?? 0;
  return Array.from({ length: newest }, (_, index) => index + 1).filter((version) => !there.has(version));
}

/** As the newest version that lists it has it. Every version keeps all old sets; one that does not must not hide any. */
function allSets(versions: readonly TrustPayload[]): ShareSet[] {
  return [...new Map(versions.flatMap(({ sets }) => sets.map((set) => [set.setId, set] as const))).values()];
}

/** The nonce of the seed that the set is of; undefined when the versions at hand do not tell. */
function nonceOf(setId: string, versions: readonly TrustPayload[]): string | undefined {
  const statusIn = ({ sets }: TrustPayload) => sets.find((set) => set.setId === setId)?.status;
  const active = versions.find((version) => statusIn(version) === 'active');
  if (active) return active.nonce;
  const at = versions.findIndex((version) => statusIn(version) !== undefined);
  const first = versions[at];
  const before = versions[at - 1];
  if (!first) return undefined;
  // Dealt between two versions of one nonce: of one seed, whatever stood between them.
  if (before ? before.nonce === first.nonce : first.version === 1) return first.nonce;
  const follows = before?.version === first.version - 1;
  return before && follows && statusIn(first) === 'abandoned' ? before.nonce : undefined;
}
