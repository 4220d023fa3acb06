import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatBase64url, formatHex, sha256Hex, wipe } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { type Clock, formatTime } from '../base/time.ts';
import { deriveKey, ed25519JwkOf, type KeyOrigin, type KeyRole, type SigningKey } from '../key/derive.ts';
import type { KeyAlg } from '../key/public.ts';
import { createRecorder } from '../machine/recorder.ts';
import { createState, openState, type State } from '../machine/state.ts';
import type { MediumHost } from '../medium/medium.ts';
import { sealStatement } from '../revocation/statement.ts';
import { type Deal, dealShares, wipeDeal } from '../share/deal.ts';
import { createTree, sealCheckpoint } from '../trail/checkpoint.ts';
import { checkpointName, recordName } from '../trail/layout.ts';
import type { Anomaly, PreflightEntry } from '../trail/record.ts';
import { sealRecord } from '../trail/record-file.ts';
import { checkPolicyForSet, type Policy } from '../trust/policy.ts';
import { openTrust, sealTrust, type Trust, type TrustPayload } from '../trust/trust-file.ts';
import {
  clearVoidDeal,
  type InitJournal,
  readInitJournal,
  refuseOccupied,
  removeInitJournal,
  writeInitJournal,
} from './init-journal.ts';
import { fillNewMedia, type NewMedium } from './init-media.ts';
import { refuseFailedPreflight } from './mint-checks.ts';
import { publishTrust, trustFilesFor } from './publish.ts';
import { commonMembers, type TrailHead } from './trail-writer.ts';

export interface InitPlan {
  readonly name: string;
  readonly issuer: string;
  readonly policy: Policy;
  readonly threshold: number;
  readonly custodians: readonly string[];
  readonly revokers: readonly { readonly label: string; readonly jwk: Ed25519Jwk }[];
  readonly alg: KeyAlg;
  readonly strength: 128 | 256;
  readonly media: readonly NewMedium[];
  readonly mediaRule: 'removable' | 'fixed-allowed';
  readonly stateDir: string;
  readonly outDir: string;
  readonly preflight: PreflightEntry;
  readonly clockSource: 'people' | 'flag' | 'none' | 'sandbox';
}

/** Who hands the shares to their custodians and has them read back. */
export interface Dealer {
  /** Share files that this deal will write, so that an interrupted one can be cleared away. */
  readonly shareFiles: readonly string[];
  /** Called once the journal stands, before the first card: writes the revoker keys. */
  begin(): Promise<void>;
  /** Shows or writes one share and reads it back; resolves with false when the reading back was left out. */
  deal(card: DealtCard, trust: Trust): Promise<'read-back' | 'not-read-back'>;
  /** Takes back the files that were written; cards that were copied by hand are void. */
  undo(): void;
}

export interface DealtCard {
  readonly custodian: string;
  readonly share: Deal['shares'][number]['share'];
  readonly number: number;
  readonly count: number;
}

export interface InitPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly dealer: Dealer;
  readonly host: MediumHost;
  note(text: string): void;
}

export interface Initialized {
  readonly trust: Trust;
  readonly trustFile: string;
  readonly media: readonly { readonly label: string; readonly path: string }[];
  readonly head: TrailHead;
  /** `again`: this run only finished an interrupted one. */
  readonly run: 'first' | 'again';
}

/** The key ceremony; its steps are those of docs/ceremony.md. The caller holds the lock of the state directory. */
export async function init(plan: InitPlan, ports: InitPorts): Promise<Initialized> {
  // 2. An unfinished init
  const journal = readInitJournal(plan.stateDir);
  if (journal?.phase === 'writing') return finishInit(plan.stateDir, journal, ports, 'again');
  if (journal) {
    clearVoidDeal(plan.stateDir, journal);
    ports.note(
      `an init of ${journal.startedAt} was interrupted while it dealt set ${journal.setId}. Nothing trusts that set: destroy its cards. Starting afresh.`,
    );
  }

  // 1. The plan (again here, so that no caller can leave it out), before anything is written
  checkInitPlan(plan);
  refuseFailedPreflight(plan.preflight);
  refuseOccupied(plan.stateDir);
  const setId = formatHex(ports.random(3)).slice(0, 5);

  // 3. The journal
  const dealing: InitJournal = {
    v: 1,
    phase: 'dealing',
    startedAt: formatTime(ports.clock.now()),
    setId,
    outDir: plan.outDir,
    shareFiles: [...ports.dealer.shareFiles],
    media: plan.media.map(({ path, label, id }) => ({ path, label, medium: id })),
  };
  writeInitJournal(plan.stateDir, dealing);
  try {
    await ports.dealer.begin();
    await establish(plan, ports, setId);
  } catch (error) {
    ports.dealer.undo();
    clearVoidDeal(plan.stateDir, dealing);
    ports.note(`no trust was made. Cards of set ${setId} that were copied already are void: destroy them.`);
    throw error;
  }

  // 8. From here on the trust exists
  const writing: InitJournal = { ...dealing, phase: 'writing', shareFiles: [] };
  writeInitJournal(plan.stateDir, writing);
  return finishInit(plan.stateDir, writing, ports, 'first');
}

/** Throws `POLICY_INVALID` with every violation at once. */
export function checkInitPlan(plan: InitPlan): void {
  const violations = checkPolicyForSet(plan.policy, plan);
  const problems = violations.map(({ rule, message }) => ({ name: rule as string, message }));
  if (plan.threshold < 2 || plan.threshold > 16)
    problems.push({ name: 'threshold', message: `the threshold must be 2 to 16, it is ${plan.threshold}` });
  if (plan.custodians.length < plan.threshold) {
    problems.push({
      name: 'threshold',
      message: `a threshold of ${plan.threshold} needs at least as many custodians, there are ${plan.custodians.length}`,
    });
  }
  if (new Set(plan.custodians).size !== plan.custodians.length)
    problems.push({ name: 'people', message: 'a custodian is named twice' });
  if (new Set(plan.revokers.map(({ label }) => label)).size !== plan.revokers.length)
    problems.push({ name: 'people', message: 'a revoker is named twice' });
  if (plan.media.length < Math.max(2, plan.policy.copies)) {
    problems.push({
      name: 'copies',
      message: `the policy wants ${plan.policy.copies} copies and an init at least 2 media, there are ${plan.media.length}`,
    });
  }
  if (problems.length === 0) return;
  throw new BreakglassError(
    'POLICY_INVALID',
    problems.length === 1 ? (problems[0]?.message ?? '') : `the plan breaks ${problems.length} rules`,
    {
      hint: 'mend the policy or the flags and run init again. No key was made and nothing was written.',
      details: problems,
    },
  );
}

/** Steps 4 to 7: everything that needs the seed. What it leaves is the complete state directory. */
async function establish(plan: InitPlan, ports: InitPorts, setId: string): Promise<void> {
  const { clock, random } = ports;

  // 4. Seed, split, recombination
  const seed = drawSeed(plan, random);
  try {
    const deal = await dealShares({
      seed,
      threshold: plan.threshold,
      custodians: plan.custodians,
      setId,
      nonce: formatBase64url(random(16)),
      random,
    });
    try {
      // 5. Keys and trust file
      const nonce = random(16);
      const origin = { trustName: plan.name, nonce };
      const root = await deriveKey(seed, origin, { role: 'root', alg: 'Ed25519', epoch: 0 });
      const keys = await deriveEpoch(seed, origin, plan.alg);
      const trust = openTrust(await sealTrust(firstTrust(plan, deal, keys, root, nonce, clock), root));

      // 6. Deal and read back
      const readBack = await dealCards(deal, trust, ports.dealer);

      // 7. First statement, genesis, checkpoint
      const recorder = await createRecorder();
      const statement = await sealStatement(
        { v: 1, trust: trust.id, iat: clock.now(), deny: [], allow: [] },
        keys.deny,
      );
      const state = createState(plan.stateDir, {
        trust,
        recorder: recorder.pkcs8,
        revocations: Buffer.from(`${statement}\n`),
      });
      await writeGenesis(plan, ports, state, { deal, trail: keys.trail, readBack, revocations: sha256Hex(statement) });
    } finally {
      wipeDeal(deal);
    }
  } finally {
    wipe(seed);
  }
}

type EpochKeys = Readonly<Record<Exclude<KeyRole, 'root'>, SigningKey>>;

async function deriveEpoch(seed: Uint8Array, origin: KeyOrigin, alg: KeyAlg): Promise<EpochKeys> {
  return {
    token: await deriveKey(seed, origin, { role: 'token', alg, epoch: 1 }),
    drill: await deriveKey(seed, origin, { role: 'drill', alg, epoch: 1 }),
    trail: await deriveKey(seed, origin, { role: 'trail', alg: 'Ed25519', epoch: 1 }),
    deny: await deriveKey(seed, origin, { role: 'deny', alg: 'Ed25519', epoch: 1 }),
  };
}

function drawSeed(plan: InitPlan, random: RandomBytes): Uint8Array {
  const drawn = random(plan.strength / 8);
  const seed = new Uint8Array(new ArrayBuffer(drawn.length));
  seed.set(drawn);
  wipe(drawn);
  return seed;
}

function firstTrust(
  plan: InitPlan,
  deal: Deal,
  keys: EpochKeys,
  root: SigningKey,
  nonce: Uint8Array,
  clock: Clock,
): TrustPayload {
  const uses = ['token', 'drill', 'trail', 'deny'] as const;
  return {
    v: 1,
    name: plan.name,
    issuer: plan.issuer,
    nonce: formatBase64url(nonce),
    version: 1,
    previous: null,
    root: ed25519JwkOf(root),
    epoch: 1,
    keys: uses.map((use) => ({
      use,
      alg: keys[use].public.alg,
      epoch: 1,
      status: 'active',
      jwk: keys[use].public.jwk,
    })),
    revokers: plan.revokers.map(({ label, jwk }) => ({ label, jwk })),
    sets: [deal.set],
    auditors: [],
    policy: plan.policy,
    issuedAt: formatTime(clock.now()),
  };
}

async function dealCards(deal: Deal, trust: Trust, dealer: Dealer): Promise<string[]> {
  const readBack: string[] = [];
  for (const [position, { custodian, share }] of deal.shares.entries()) {
    const outcome = await dealer.deal({ custodian, share, number: position + 1, count: deal.shares.length }, trust);
    if (outcome === 'read-back') readBack.push(custodian);
  }
  return readBack;
}

interface GenesisFacts {
  readonly deal: Deal;
  readonly trail: SigningKey;
  readonly readBack: readonly string[];
  readonly revocations: string;
}

/** Genesis and what lies beside it, in the local copy only; step 9 brings them to the media. */
async function writeGenesis(plan: InitPlan, ports: InitPorts, state: State, facts: GenesisFacts): Promise<void> {
  const { clock, random } = ports;
  const recorder = ed25519JwkOf(await state.recorder());
  const run = { session: randomId(random), clock, clockSource: plan.clockSource };
  const genesis = await sealRecord(
    {
      ...commonMembers(state.trust.id, run, null),
      type: 'genesis',
      recorder,
      anomalies: mediaAnomalies(plan),
      trust: { version: 1, sha256: state.trust.sha256 },
      setId: facts.deal.set.setId,
      m: plan.threshold,
      n: plan.custodians.length,
      strength: plan.strength,
      readBack: [...facts.readBack],
      combinations: facts.deal.combinations,
      media: plan.media.map(({ id, label, removable }) => ({ medium: id, label, removable })),
      policySha256: sha256Hex(canonicalJson(plan.policy)),
      revocations: facts.revocations,
      preflight: plan.preflight,
    },
    facts.trail,
  );
  const tree = createTree();
  tree.add(genesis);
  for (const [name, bytes] of trustFilesFor(state.trust, recorder)) state.appendLocal(name, bytes);
  state.appendLocal(recordName(0), genesis);
  state.appendLocal(checkpointName(1), await sealCheckpoint(state.trust.id, 1, tree.root(), facts.trail));
  state.setHighWater({ seq: 0, sha256: sha256Hex(genesis) });
}

function mediaAnomalies(plan: InitPlan): Anomaly[] {
  if (plan.mediaRule === 'removable') return [];
  const detail = 'media that are not removable, or that share a device, were allowed (--allow-fixed)';
  return [{ code: 'MEDIA_FIXED', detail, confirmedBy: [...plan.custodians] }];
}

/** Steps 9 and 10: nothing here needs a secret, and any part may have been done before. The caller holds the lock. */
export async function finishInit(
  stateDir: string,
  journal: InitJournal,
  ports: Pick<InitPorts, 'clock' | 'host' | 'note'>,
  run: 'first' | 'again',
): Promise<Initialized> {
  const state = openState(stateDir);
  const { highWater, trust } = state;
  if (!highWater) throw new TypeError('genesis was written before');
  const media = fillNewMedia(journal.media, { state, ...ports, copies: Math.max(2, trust.payload.policy.copies) });
  mkdirSync(journal.outDir, { recursive: true });
  publishTrust(trust, state.revocations(), journal.outDir);
  removeInitJournal(stateDir);
  return { trust, trustFile: join(journal.outDir, 'trust.jws'), media, head: highWater, run };
}
