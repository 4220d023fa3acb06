import type { Part } from './policy.ts';
import { missingVersions, setsOfEarlierSeeds, setsOfLiveSeed } from './seed-sets.ts';
import type { ShareSet, TrustPayload } from './trust-schema.ts';

/** What must be changed when somebody leaves, in rising order: a new seed is new shares and new keys as well. */
export type Need = 'nothing' | 'shares' | 'keys' | 'seed';

export interface DepartureFacts {
  /** The trust versions at hand, ascending, at least one; the last is the newest. */
  readonly versions: readonly [TrustPayload, ...TrustPayload[]];
  /** Who leaves now, together. */
  readonly leaving: readonly [string, ...string[]];
  /** Re-deals of the live seed that a record tells of: their cards may exist. Those that a version lists are passed over. */
  readonly begun: readonly BegunDeal[];
  /** Those of `leaving` who hold a token that is still valid; null when no trail is at hand to tell. */
  readonly tokenHolders: readonly string[] | null;
  /** Why what is at hand may not be all, in words. */
  readonly doubts: readonly string[];
}

export interface BegunDeal {
  readonly setId: string;
  readonly threshold: number;
  readonly custodians: readonly string[];
}

/** People who have left and hold cards of one set of the live seed. */
export interface DepartedHolders {
  readonly setId: string;
  readonly status: ShareSet['status'] | 'begun';
  readonly threshold: number;
  readonly labels: readonly string[];
  /** Those among them who leave now. */
  readonly leaving: readonly string[];
  readonly certain: boolean;
}

/** What a departure comes to. The words for it are those of `departure-advice.ts`. */
export interface Departure {
  readonly leaving: readonly string[];
  readonly needs: Need;
  /** False: what is not at hand could make the answer another one. What is said is the stronger of the two. */
  readonly decided: boolean;
  readonly missingVersions: readonly number[];
  readonly doubts: readonly string[];
  /** Sets of which the departed hold at least the threshold. */
  readonly open: readonly DepartedHolders[];
  /** Sets of which they hold one card less. */
  readonly nearlyOpen: readonly DepartedHolders[];
  /** Sets of the live seed, not yet open, of which somebody who leaves now holds a card. */
  readonly held: readonly DepartedHolders[];
  /** Sets of an earlier seed of which somebody who leaves now holds a card: harmless. */
  readonly harmless: readonly string[];
  readonly stay: Remaining;
  readonly parts: ReadonlyMap<string, readonly Part[]>;
  /** Who leaves and has a revoker key in the newest version. */
  readonly revokers: readonly string[];
  /** Who stays and has one. */
  readonly revokersLeft: readonly string[];
  readonly auditors: readonly string[];
  readonly tokenHolders: readonly string[] | null;
}

/** The custodians of the active set who stay, and what they are still enough for. */
export interface Remaining {
  readonly setId: string;
  readonly threshold: number;
  readonly labels: readonly string[];
  /** Shares that are missing for the threshold when they are alone. */
  readonly missing: number;
  /** Roles that ask for more shares than there are custodians left. */
  readonly roles: readonly { readonly role: string; readonly minShares: number }[];
  /** With `separation`: responders for whose token too few others would be left to give a share. */
  readonly separated: readonly { readonly role: string; readonly subject: string; readonly needed: number }[];
}

/**
 * Works out who could still combine their cards when `leaving` have left, and what must be changed. Departed is whoever ever
 * held a card of a set of the live seed and holds none of the active set, and whoever leaves now.
 *
 * `seed`: the departed hold the threshold of one set of the live seed; or both `shares` and `keys` are needed.
 * `keys`: somebody who leaves holds a token that is valid now, and nobody who stays has a revoker key to deny it with.
 * `shares`: somebody who leaves holds a card of the active set, or of a re-deal that is not finished.
 */
export function judgeDeparture(facts: DepartureFacts): Departure {
  const { versions, leaving } = facts;
  const newest = versions.at(-1) ?? versions[0];
  const active = newest.sets.find(({ status }) => status === 'active');
  if (!active) throw new TypeError('every trust file has an active set');
  const holders = departedHolders(facts, active);
  const open = holders.filter(({ labels, threshold }) => labels.length >= threshold);
  const revokers = labelsOf(newest.revokers).filter((label) => leaving.includes(label));
  const revokersLeft = labelsOf(newest.revokers).filter((label) => !leaving.includes(label));
  const responders = leaving.filter((label) => partsOf(newest, label).includes('responder'));
  const undeniable = revokersLeft.length === 0;
  const answer = (sets: readonly DepartedHolders[]): Need =>
    strongest({
      opens: sets.some(({ labels, threshold }) => labels.length >= threshold),
      holdsLiveCard: sets.some(({ leaving: now, status }) => now.length > 0 && isDealt(status)),
      holdsToken: undeniable && (facts.tokenHolders ?? []).length > 0,
    });
  const needs = answer(holders);
  const tokensUnknown = undeniable && facts.tokenHolders === null && responders.length > 0 && needs !== 'seed';
  return {
    leaving,
    needs,
    decided: needs === answer(holders.filter(({ certain }) => certain)) && facts.doubts.length === 0 && !tokensUnknown,
    missingVersions: missingVersions(versions),
    doubts: facts.doubts,
    open,
    nearlyOpen: holders.filter(({ labels, threshold }) => labels.length === threshold - 1),
    held: holders.filter((set) => set.leaving.length > 0 && !open.includes(set)),
    harmless: setsOfEarlierSeeds(versions)
      .filter(({ shares }) => shares.some(({ custodian }) => leaving.includes(custodian)))
      .map(({ setId }) => setId),
    stay: remaining(newest, active, leaving),
    parts: new Map(leaving.map((label) => [label, partsOf(newest, label)])),
    revokers,
    revokersLeft,
    auditors: labelsOf(newest.auditors).filter((label) => leaving.includes(label)),
    tokenHolders: facts.tokenHolders,
  };
}

/** Everybody whom any version names: people of the policies, holders of cards, revokers, auditors. */
export function knownLabels(versions: readonly TrustPayload[]): string[] {
  const labels = versions.flatMap(({ policy, sets, revokers, auditors }) => [
    ...Object.keys(policy.people),
    ...sets.flatMap(({ shares }) => shares.map(({ custodian }) => custodian)),
    ...labelsOf(revokers),
    ...labelsOf(auditors),
  ]);
  return [...new Set(labels)].sort();
}

function strongest(found: {
  readonly opens: boolean;
  readonly holdsLiveCard: boolean;
  readonly holdsToken: boolean;
}): Need {
  const { opens, holdsLiveCard, holdsToken } = found;
  if (opens || (holdsLiveCard && holdsToken)) return 'seed';
  if (holdsToken) return 'keys';
  return holdsLiveCard ? 'shares' : 'nothing';
}

function departedHolders({ versions, leaving, begun }: DepartureFacts, active: ShareSet): DepartedHolders[] {
  const present = new Set(active.shares.map(({ custodian }) => custodian).filter((label) => !leaving.includes(label)));
  const listed = setsOfLiveSeed(versions).map(({ set, certain }) => ({
    setId: set.setId,
    status: set.status,
    threshold: set.threshold,
    holders: set.shares.map(({ custodian }) => custodian),
    certain,
  }));
  const known = new Set(versions.flatMap(({ sets }) => sets.map(({ setId }) => setId)));
  const unlisted = begun
    .filter(({ setId }) => !known.has(setId))
    .map(({ setId, threshold, custodians }) => ({
      setId,
      status: 'begun' as const,
      threshold,
      holders: custodians,
      certain: true,
    }));
  return [...listed, ...unlisted].map(({ holders, ...set }) => {
    const labels = [...new Set(holders)].filter((label) => !present.has(label)).sort();
    return { ...set, labels, leaving: labels.filter((label) => leaving.includes(label)) };
  });
}

/** Its cards are good now, or will be when the re-deal that was begun is finished. */
function isDealt(status: DepartedHolders['status']): boolean {
  return status === 'active' || status === 'begun';
}

function remaining({ policy }: TrustPayload, active: ShareSet, leaving: readonly string[]): Remaining {
  const labels = active.shares.map(({ custodian }) => custodian).filter((label) => !leaving.includes(label));
  const roles = Object.entries(policy.roles);
  const responders = Object.keys(policy.people).filter(
    (label) => !leaving.includes(label) && policy.people[label]?.includes('responder'),
  );
  const needed = (minShares: number | undefined) => Math.max(active.threshold, minShares ?? 0);
  return {
    setId: active.setId,
    threshold: active.threshold,
    labels,
    missing: Math.max(0, active.threshold - labels.length),
    roles: roles.flatMap(([role, { minShares = 0 }]) => (minShares > labels.length ? [{ role, minShares }] : [])),
    separated: !policy.separation
      ? []
      : roles.flatMap(([role, { minShares }]) =>
          responders
            .filter((subject) => labels.includes(subject) && labels.length >= needed(minShares))
            .filter(() => labels.length - 1 < needed(minShares))
            .map((subject) => ({ role, subject, needed: needed(minShares) })),
        ),
  };
}

function partsOf({ policy }: TrustPayload, label: string): readonly Part[] {
  return Object.hasOwn(policy.people, label) ? (policy.people[label] ?? []) : [];
}

function labelsOf(keys: readonly { readonly label: string }[]): string[] {
  return keys.map(({ label }) => label);
}
