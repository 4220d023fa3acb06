import { formatBase64url, parseBase64url, wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Seconds } from '../base/time.ts';
import type { KeyOrigin, SigningKey } from '../key/derive.ts';
import type { State } from '../machine/state.ts';
import { denyEntrySha256, readRevocations } from '../revocation/list.ts';
import { signedBy } from '../revocation/signed-by.ts';
import { type DenyEntry, type Statement, sealStatement } from '../revocation/statement.ts';
import { type Deal, dealShares, wipeDeal } from '../share/deal.ts';
import { activeKey, keyOrigin, openTrust, sealTrust, type Trust } from '../trust/trust-file.ts';
import type { Change } from './change-plan.ts';
import { deriveEpoch, deriveRoot, drawSeed, type EpochKeys } from './epoch-keys.ts';
import { nextTrust, type TrustChange } from './next-trust.ts';
import type { OpenTrail } from './open-trail.ts';
import { pinnedKey } from './pinned-key.ts';

/** Everything of a change that needed a seed: public bytes, a trail key that cannot be exported, and the new shares. */
export interface Prepared {
  /** The key of before: it signs the record of the change. */
  readonly trailKey: SigningKey;
  /** The next trust version; null when the trust stays as it is. */
  readonly trust: Trust | null;
  /** Statement lines, without LF. */
  readonly statements: readonly string[];
  /** SHA-256 of the entries that a reset allows. */
  readonly allow: readonly string[];
  /** Secret; the caller wipes it. */
  readonly deal: Deal | null;
}

export interface PrepareOptions {
  readonly state: State;
  readonly change: Change;
  readonly setId: string;
  readonly trail: OpenTrail;
  readonly now: Seconds;
}

/** Step 10 of a change. `seed` stays the caller's; a new one is drawn and wiped here. */
export async function prepareChange(
  seed: Uint8Array,
  options: PrepareOptions,
  { random }: { readonly random: RandomBytes },
): Promise<Prepared> {
  const { state, change } = options;
  const { trust } = state;
  const root = await pinnedRoot(seed, trust);
  const trailKey = await pinnedKey(seed, trust, 'trail');
  const deny = await pinnedKey(seed, trust, 'deny');
  if (change.kind === 'revocations.reset') {
    const allow = change.entries.map(denyEntrySha256).sort();
    const line = await sealStatement({ ...statementOf(trust, options.now), allow }, root);
    return { trailKey, trust: null, statements: [line], allow, deal: null };
  }
  const made = await contentsOf(seed, options, random);
  try {
    const next = await sealNext(trust, made.trustChange, root);
    const statements = await statementsFor(options, deny, made.trustChange.seed?.root);
    return { trailKey, trust: next, statements, allow: [], deal: made.deal };
  } catch (error) {
    if (made.deal) wipeDeal(made.deal);
    throw error;
  }
}

async function pinnedRoot(seed: Uint8Array, trust: Trust): Promise<SigningKey> {
  const root = await deriveRoot(seed, keyOrigin(trust.payload));
  if (root.kid === trust.root.kid) return root;
  throw new BreakglassError('KEY_MISMATCH', 'the rebuilt root key is not the one that the trust file pins', {
    hint: 'every share was proved, so the trust file or this program is at fault. Nothing was signed.',
  });
}

interface Contents {
  readonly trustChange: TrustChange;
  readonly deal: Deal | null;
}

async function contentsOf(seed: Uint8Array, options: PrepareOptions, random: RandomBytes): Promise<Contents> {
  const { state, change, trail, now } = options;
  const { payload } = state.trust;
  const common = {
    begun: trail.facts.begunSets,
    now,
    ...('policy' in change && change.policy ? { policy: change.policy } : {}),
  };
  const alg = activeKey(state.trust, 'token').public.alg;
  const epoch = payload.epoch + 1;
  switch (change.kind) {
    case 'rotate.keys': {
      const keys = await deriveEpoch(seed, keyOrigin(payload), alg, epoch);
      return { trustChange: { ...common, keys }, deal: null };
    }
    case 'rotate.shares': {
      const deal = await split(seed, change.deal, options.setId, random);
      return { trustChange: { ...common, set: deal.set }, deal };
    }
    case 'rotate.seed': {
      const fresh = drawSeed(change.strength, random);
      try {
        const nonce = formatBase64url(random(16));
        const origin: KeyOrigin = { trustName: payload.name, nonce: parseBase64url(nonce) ?? new Uint8Array(16) };
        const keys: EpochKeys = await deriveEpoch(fresh, origin, alg, epoch);
        const root = await deriveRoot(fresh, origin);
        const deal = await split(fresh, change.deal, options.setId, random);
        return { trustChange: { ...common, keys, seed: { nonce, root }, set: deal.set }, deal };
      } finally {
        wipe(fresh);
      }
    }
    case 'policy': {
      const kept = payload.revokers.filter(({ label }) => !change.retireRevokers.includes(label));
      const revokers = [...kept, ...change.addRevokers.map(({ label, jwk }) => ({ label, jwk }))];
      const left = payload.auditors.filter(({ label }) => !change.retireAuditors.includes(label));
      const auditors = [...left, ...change.addAuditors.map(({ label, jwk }) => ({ label, jwk }))];
      return { trustChange: { ...common, revokers, auditors }, deal: null };
    }
    case 'revocations.reset':
      throw new TypeError('a reset makes no trust version');
  }
}

function split(
  seed: Uint8Array,
  { threshold, custodians }: { readonly threshold: number; readonly custodians: readonly string[] },
  setId: string,
  random: RandomBytes,
): Promise<Deal> {
  return dealShares({ seed, threshold, custodians, setId, nonce: formatBase64url(random(16)), random });
}

async function sealNext(before: Trust, change: TrustChange, root: SigningKey): Promise<Trust> {
  const payload = nextTrust(before, change);
  return openTrust(change.seed ? await sealTrust(payload, change.seed.root, root) : await sealTrust(payload, root));
}

/** How many entries one statement carries: it stays far below the longest line. */
const entriesPerStatement = 2000;

/**
 * The statements that go with a change. Denials are signed by the `deny` key of before, which trust versions before and after
 * know; what the old root had allowed is allowed again by the new one, for the old one's word lapses with it.
 */
async function statementsFor(
  { state, change, now }: PrepareOptions,
  deny: SigningKey,
  newRoot: SigningKey | undefined,
): Promise<string[]> {
  const { trust } = state;
  const known = readRevocations(state.revocations(), trust);
  const base = statementOf(trust, now);
  const denied: DenyEntry[] = [];
  if (change.kind === 'rotate.keys' || change.kind === 'rotate.seed') {
    const reason = `rotated: epoch ${trust.payload.epoch + 1} begins`;
    denied.push({ kind: 'epoch', value: trust.payload.epoch, at: now, by: 'quorum', reason });
  }
  if (change.kind === 'policy') {
    const kids = trust.revokers
      .filter(({ label }) => change.retireRevokers.includes(label))
      .map((key) => key.public.kid);
    const theirs = new Set(
      known.lines.flatMap((line, at) =>
        kids.some((kid) => signedBy(line, kid)) ? (known.statements[at]?.deny ?? []) : [],
      ),
    );
    denied.push(...known.entries.filter((entry) => theirs.has(entry)));
  }
  const lines: string[] = [];
  for (let from = 0; from < denied.length; from += entriesPerStatement)
    lines.push(await sealStatement({ ...base, deny: denied.slice(from, from + entriesPerStatement) }, deny));
  const allowed = newRoot ? [...new Set(known.statements.flatMap(({ allow }) => allow))] : [];
  for (let from = 0; newRoot && from < allowed.length; from += entriesPerStatement)
    lines.push(await sealStatement({ ...base, allow: allowed.slice(from, from + entriesPerStatement) }, newRoot));
  return lines;
}

function statementOf(trust: Trust, now: Seconds): Statement {
  return { v: 1, trust: trust.id, iat: now, deny: [], allow: [] };
}
