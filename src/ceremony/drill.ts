import { join } from 'node:path';
import { wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { randomId } from '../base/random.ts';
import { formatTime } from '../base/time.ts';
import { openState } from '../machine/state.ts';
import { policySeconds } from '../trust/policy.ts';
import type { Dealer } from './dealer.ts';
import { catchTampering, checkTrail, checkUses } from './drill-audit.ts';
import { spoil } from './drill-faults.ts';
import { type SandboxCards, sandboxDealer } from './drill-people.ts';
import { drillCommander, holdStrip, killStrip, mintWithNewKeys, rotateKeys, useStrip } from './drill-return.ts';
import {
  type DrillOptions,
  type DrillPorts,
  type DrillRefusal,
  drillFailed,
  judge,
  mintWith,
  newDrillRequest,
  openSandbox,
  quorumCards,
  requestOf,
  type Sandbox,
  sandboxPolicy,
  sandboxPreflight,
  sandboxThreshold,
  seeMintRefused,
  seeRefused,
  tokenOf,
} from './drill-sandbox.ts';
import { init } from './init.ts';

export interface DrillPhase {
  readonly name: string;
  readonly ms: number;
  readonly ok: boolean;
  /** What was seen, or why it failed. */
  readonly detail: string;
}

export interface DrillReport {
  readonly ok: boolean;
  readonly timeToAccessMs: number;
  readonly targetMs: number;
  /** From the commander's decision to the last refusal; null when it was not reached. */
  readonly timeToKillMs: number | null;
  readonly killTargetMs: number;
  /** The way back: what was opened is closed again. */
  readonly rollback: {
    readonly tokenDenied: boolean;
    readonly oldKeyDenied: boolean;
    readonly trailComplete: boolean;
  };
  readonly phases: readonly DrillPhase[];
  readonly trail: { readonly records: number; readonly complete: boolean };
  readonly refusals: readonly DrillRefusal[];
}

/** The whole flow with fresh keys and simulated custodians: docs/ceremony.md, "drill". A phase that fails ends it. */
export async function drill(options: DrillOptions, ports: DrillPorts): Promise<DrillReport> {
  const sandbox = openSandbox(options, ports);
  const phases: DrillPhase[] = [];
  try {
    for (const [name, run] of drillPhases) {
      const started = ports.milliseconds();
      const outcome = await runPhase(run, sandbox);
      phases.push({ name, ms: Math.round(ports.milliseconds() - started), ...outcome });
      if (!outcome.ok) break;
    }
  } finally {
    await sandbox.services?.end();
    wipe(...sandbox.cards.values(), sandbox.commander.pkcs8, sandbox.responder.pkcs8);
  }
  const timeToAccessMs = phases
    .filter(({ name }) => name === 'request' || name === 'mint' || name === 'verify')
    .reduce((sum, { ms }) => sum + ms, 0);
  const targetMs = policySeconds(options.policy.drill.timeToAccess) * 1000;
  const killTargetMs = policySeconds(options.policy.drill.timeToKill) * 1000;
  const { records, complete, refusals, timeToKillMs } = sandbox;
  const rollback = { ...sandbox.rollback, trailComplete: complete };
  const ok =
    phases.length === drillPhases.length &&
    phases.every((phase) => phase.ok) &&
    refusals.every(({ code }) => code !== null) &&
    Object.values(rollback).every((done) => done) &&
    timeToKillMs !== null &&
    timeToKillMs <= killTargetMs &&
    timeToAccessMs <= targetMs;
  return {
    ok,
    timeToAccessMs,
    targetMs,
    timeToKillMs,
    killTargetMs,
    rollback,
    phases,
    trail: { records, complete },
    refusals,
  };
}

type Phase = (sandbox: Sandbox) => Promise<string>;

const drillPhases: readonly (readonly [name: string, run: Phase])[] = [
  ['init', holdInit],
  ['request', writeRequest],
  ['mint', holdMint],
  ['verify', verifyGood],
  ['expiry', verifyExpired],
  ['refusals', seeRefusals],
  ['drill token', holdDrillMint],
  ['strip', holdStrip],
  ['in use', useStrip],
  ['kill', killStrip],
  ['rotate keys', rotateKeys],
  ['mint again', mintWithNewKeys],
  ['audit-check', checkTrail],
  ['use logs', checkUses],
  ['tampered copies', catchTampering],
];

async function runPhase(run: Phase, sandbox: Sandbox): Promise<{ ok: boolean; detail: string }> {
  try {
    return { ok: true, detail: await run(sandbox) };
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    return { ok: false, detail: error.message };
  }
}

async function holdInit(sandbox: Sandbox): Promise<string> {
  const { options, ports, cards, media, stateDir } = sandbox;
  const custodians = Object.keys(options.policy.people).filter((label) =>
    options.policy.people[label]?.includes('custodian'),
  );
  const threshold = sandboxThreshold(options.policy, custodians.length);
  const { trust } = await init(
    {
      name: 'sandbox of a drill',
      issuer: 'https://sandbox.invalid',
      policy: sandboxPolicy(options.policy, media.length),
      threshold,
      custodians,
      revokers: [{ label: drillCommander, jwk: sandbox.commander.jwk }],
      alg: 'ES256',
      strength: 128,
      media: media.map((path, position) => ({
        id: randomId(ports.random),
        label: `sandbox-${position + 1}`,
        path,
        removable: false,
      })),
      mediaRule: 'fixed-allowed',
      stateDir,
      outDir: join(options.sandbox, 'out'),
      preflight: sandboxPreflight,
      clockSource: 'sandbox',
    },
    { ...ports, dealer: dealerOf(options, cards), note: () => {} },
  );
  sandbox.state = openState(stateDir);
  return `${threshold} of ${custodians.length} custodians, ${media.length} media, trust ${trust.id.slice(0, 8)}`;
}

/** The drill needs every card, whoever else reads and types them. */
function dealerOf({ people }: DrillOptions, cards: SandboxCards): Dealer {
  const kept = sandboxDealer(cards);
  if (!people) return kept;
  return {
    ...people.dealer,
    deal: async (card, trust) => {
      await kept.deal(card, trust);
      return people.dealer.deal(card, trust);
    },
  };
}

async function writeRequest(sandbox: Sandbox): Promise<string> {
  sandbox.request = newDrillRequest(sandbox, 'mint');
  return `${sandbox.request.subject} as ${sandbox.request.role}`;
}

async function holdMint(sandbox: Sandbox): Promise<string> {
  const people = sandbox.options.people?.quorum();
  const { tokens, minted } = await mintWith(sandbox, requestOf(sandbox), 'production', quorumCards(sandbox), {
    people,
  });
  sandbox.token = tokens[0] ?? '';
  sandbox.minted = minted;
  return `record ${minted.record.seq}, by ${minted.custodians.join(', ')}`;
}

async function holdDrillMint(sandbox: Sandbox): Promise<string> {
  const { tokens, minted } = await mintWith(sandbox, newDrillRequest(sandbox, 'drill'), 'drill', quorumCards(sandbox));
  const token = tokens[0] ?? '';
  seeRefused(sandbox, 'drill token in production', 'TOKEN_DRILL', () => judge(sandbox, token));
  judge(sandbox, token, { mode: 'drill' });
  return `record ${minted.record.seq}, good in a drill only`;
}

async function verifyGood(sandbox: Sandbox): Promise<string> {
  const { claims } = judge(sandbox, tokenOf(sandbox));
  return `opens ${claims.scope} at ${claims.aud}`;
}

async function verifyExpired(sandbox: Sandbox): Promise<string> {
  const { exp } = judge(sandbox, tokenOf(sandbox)).claims;
  seeRefused(sandbox, 'token at its expiry', 'TOKEN_EXPIRED', () => judge(sandbox, tokenOf(sandbox), { now: exp }));
  return `refused from ${formatTime(exp)} on`;
}

async function seeRefusals(sandbox: Sandbox): Promise<string> {
  const token = tokenOf(sandbox);
  const before = sandbox.refusals.length;
  const [signed, signature] = [token.slice(0, token.lastIndexOf('.') + 1), token.slice(token.lastIndexOf('.') + 1)];
  seeRefused(sandbox, 'token with a changed signature', 'TOKEN_SIGNATURE', () =>
    judge(sandbox, `${signed}${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`),
  );
  seeRefused(sandbox, 'token at another service', 'TOKEN_AUDIENCE', () =>
    judge(sandbox, token, { audience: 'https://other.invalid' }),
  );
  seeRefused(sandbox, 'token without a revocation list', 'REVOCATIONS_MISSING', () =>
    judge(sandbox, token, { revocations: { state: 'missing' } }),
  );
  const [first, ...others] = quorumCards(sandbox);
  if (!first) throw drillFailed('there are no cards');
  const request = newDrillRequest(sandbox, 'mint');
  await seeMintRefused(sandbox, 'card with one wrong character', 'SHARE_SLIP', request, [spoil(first)]);
  await seeMintRefused(sandbox, 'the same card twice', 'SHARE_DUPLICATE', request, [first, first]);
  await seeMintRefused(sandbox, 'the same request again', 'REQUEST_REUSED', requestOf(sandbox), [first, ...others]);
  await seeMintRefused(
    sandbox,
    'a role that the policy does not have',
    'POLICY_REFUSED',
    { ...request, role: 'no-such-role' },
    [first, ...others],
  );
  return `${sandbox.refusals.length - before} of them`;
}
