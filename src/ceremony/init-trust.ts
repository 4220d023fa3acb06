import { formatBase64url, sha256Hex, wipe } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import { type Clock, formatTime } from '../base/time.ts';
import { deriveKey, ed25519JwkOf, type KeyOrigin, type KeyRole, type SigningKey } from '../key/derive.ts';
import type { KeyAlg } from '../key/public.ts';
import { createRecorder } from '../machine/recorder.ts';
import { createState, type State } from '../machine/state.ts';
import { sealStatement } from '../revocation/statement.ts';
import { type Deal, dealShares, wipeDeal } from '../share/deal.ts';
import { createTree, sealCheckpoint } from '../trail/checkpoint.ts';
import { checkpointName, recordName } from '../trail/layout.ts';
import type { Anomaly } from '../trail/record.ts';
import { sealRecord } from '../trail/record-file.ts';
import { openTrust, sealTrust, type Trust } from '../trust/trust-file.ts';
import type { TrustPayload } from '../trust/trust-schema.ts';
import type { Dealer } from './dealer.ts';
import type { InitPorts } from './init.ts';
import type { InitPlan } from './init-plan.ts';
import { trustFilesFor } from './publish.ts';
import { commonMembers } from './trail-writer.ts';

/** Steps 4 to 7: everything that needs the seed. What it leaves is the complete state directory. */
export async function establish(plan: InitPlan, ports: InitPorts, setId: string): Promise<void> {
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
