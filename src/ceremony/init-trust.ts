import { formatBase64url, sha256Hex, wipe } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { randomId } from '../base/random.ts';
import { type Clock, formatTime } from '../base/time.ts';
import { ed25519JwkOf, type SigningKey } from '../key/derive.ts';
import { createRecorder } from '../machine/recorder.ts';
import { createState, type State } from '../machine/state.ts';
import { sealStatement } from '../revocation/statement.ts';
import { type Deal, dealShares, wipeDeal } from '../share/deal.ts';
import { createTree, sealCheckpoint } from '../trail/checkpoint.ts';
import { checkpointName, recordName } from '../trail/layout.ts';
import type { Anomaly } from '../trail/record.ts';
import { sealRecord } from '../trail/record-file.ts';
import { openTrust, sealTrust } from '../trust/trust-file.ts';
import type { TrustPayload } from '../trust/trust-schema.ts';
import { dealCards } from './dealer.ts';
import { deriveEpoch, deriveRoot, drawSeed, type EpochKeys, keyEntries } from './epoch-keys.ts';
import type { InitPorts } from './init.ts';
import type { InitPlan } from './init-plan.ts';
import { commonMembers } from './trail-writer.ts';
import { trustFilesFor } from './trust-files.ts';

/** Steps 4 to 7: everything that needs the seed. What it leaves is the complete state directory. */
export async function establish(plan: InitPlan, ports: InitPorts, setId: string): Promise<void> {
  const { clock, random } = ports;

  // 4. Seed, split, recombination
  const seed = drawSeed(plan.strength, random);
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
      const root = await deriveRoot(seed, origin);
      const keys = await deriveEpoch(seed, origin, plan.alg, 1);
      const trust = openTrust(await sealTrust(firstTrust(plan, deal, keys, root, nonce, clock), root));

      // 6. Deal and read back
      const readBack = await dealCards(deal, trust, ports.dealer, ports.signals);

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

function firstTrust(
  plan: InitPlan,
  deal: Deal,
  keys: EpochKeys,
  root: SigningKey,
  nonce: Uint8Array,
  clock: Clock,
): TrustPayload {
  return {
    v: 1,
    name: plan.name,
    issuer: plan.issuer,
    nonce: formatBase64url(nonce),
    version: 1,
    previous: null,
    root: ed25519JwkOf(root),
    epoch: 1,
    keys: keyEntries(keys, 1),
    revokers: plan.revokers.map(({ label, jwk }) => ({ label, jwk })),
    sets: [deal.set],
    auditors: [],
    policy: plan.policy,
    issuedAt: formatTime(clock.now()),
  };
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
