import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BreakglassError, type ErrorCode, isBreakglassError } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { type Clock, formatTime } from '../base/time.ts';
import { newHolderKey, newRevokerKey, type PersonalKey } from '../machine/personal-key.ts';
import { openState, type State } from '../machine/state.ts';
import type { MediumHost } from '../medium/medium.ts';
import { readRevocations } from '../revocation/list.ts';
import { noSignals, type Signals } from '../terminal/signals.ts';
import type { Claims } from '../token/claims.ts';
import { type VerifyOptions, verifyToken } from '../token/verify.ts';
import { type Policy, policySeconds } from '../trust/policy.ts';
import type { Request } from '../trust/request.ts';
import type { Dealer } from './dealer.ts';
import { type SandboxCards, sandboxPeople } from './drill-people.ts';
import type { DrillServices } from './drill-services.ts';
import { type Minted, mint } from './mint.ts';
import type { QuorumPeople } from './people.ts';

export interface DrillOptions {
  readonly policy: Policy;
  /** An empty directory; the caller removes or keeps it. */
  readonly sandbox: string;
  /** Real people: they read their cards and type them. Without them the custodians are simulated. */
  readonly people?: DrillPeople;
}

/** People at a terminal, who deal and type the cards of the sandbox. */
export interface DrillPeople {
  readonly dealer: Dealer;
  quorum(): QuorumPeople;
}

export interface DrillPorts {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly host: MediumHost;
  /** Monotonic milliseconds. */
  milliseconds(): number;
}

/** Something that must be refused, and the code that it was refused with; null when it was not. */
export interface DrillRefusal {
  readonly name: string;
  readonly code: string | null;
}

export interface StripToken {
  readonly token: string;
  readonly claims: Claims;
}

/** What the phases hand on; each fills in its part. */
export interface Sandbox {
  readonly options: DrillOptions;
  /** Nothing of a sandbox has to be recorded: signals end the process. */
  readonly ports: DrillPorts & { readonly signals: Signals };
  readonly cards: SandboxCards;
  readonly media: readonly string[];
  readonly stateDir: string;
  readonly refusals: DrillRefusal[];
  /** The commander's key; wiped at the end. */
  readonly commander: PersonalKey<Ed25519Jwk>;
  /** The responder's key for proof of possession; wiped at the end. */
  readonly responder: PersonalKey;
  readonly rollback: { tokenDenied: boolean; oldKeyDenied: boolean };
  timeToKillMs: number | null;
  strip?: readonly StripToken[];
  services?: DrillServices;
  state?: State;
  request?: Request;
  token?: string;
  minted?: Minted;
  /** SHA-256 of the last ceremony record. */
  headSha256: string;
  records: number;
  complete: boolean;
}

export function openSandbox(options: DrillOptions, ports: DrillPorts): Sandbox {
  const media = ['sandbox-a', 'sandbox-b'].map((name) => join(options.sandbox, name));
  for (const path of media) mkdirSync(path, { recursive: true });
  const stateDir = join(options.sandbox, 'state');
  mkdirSync(stateDir, { mode: 0o700 });
  return {
    options,
    ports: { ...ports, signals: noSignals },
    cards: new Map(),
    media,
    stateDir,
    refusals: [],
    commander: newRevokerKey(),
    responder: newHolderKey(),
    rollback: { tokenDenied: false, oldKeyDenied: false },
    timeToKillMs: null,
    headSha256: '',
    records: 0,
    complete: false,
  };
}

/** The policy, but for what counts media and issuances: a drill has two media and mints several times in a row. */
export function sandboxPolicy(policy: Policy, media: number): Policy {
  return { ...policy, copies: Math.min(policy.copies, media), limits: { cooldown: '0s', maxPerDay: 1000 } };
}

/** As ceremonies usually have it, and no more than the shares that any role is content with. */
export function sandboxThreshold({ roles }: Policy, custodians: number): number {
  const least = Object.values(roles).flatMap(({ minShares }) => minShares ?? []);
  return Math.min(3, Math.max(2, custodians - 1), ...least);
}

export const sandboxPreflight = { mode: 'sandbox' as const, checks: [] };

export function newDrillRequest(sandbox: Sandbox, kind: 'mint' | 'drill'): Request {
  const { policy } = sandbox.options;
  const { trust } = stateOf(sandbox);
  const [role, rule] = Object.entries(policy.roles)[0] ?? [];
  const subject = Object.keys(policy.people).find((label) => policy.people[label]?.includes('responder'));
  if (role === undefined || !rule || subject === undefined)
    throw drillFailed('the policy has no role or no responder to drill with');
  return {
    v: 1,
    trust: trust.id,
    kind,
    id: randomId(sandbox.ports.random),
    incident: 'drill',
    subject,
    role,
    circumstance: rule.circumstances[0] ?? '',
    reason: 'a drill in a sandbox, to measure and to see refusals refused'.padEnd(policy.reason.minLength, '.'),
    lifetimeSeconds: policySeconds(rule.maxLifetime),
    durationSeconds: null,
    // The key of another sandbox role would do as well: nobody proves possession in a drill of issuance.
    holder: rule.holder === 'required' ? trust.root.jwk : null,
    recipient: null,
    createdAt: formatTime(sandbox.ports.clock.now()),
    parameters: null,
  };
}

export async function mintWith(
  sandbox: Sandbox,
  request: Request,
  mode: 'production' | 'drill',
  cards: readonly Uint8Array[],
  options: { readonly onRefusal?: (error: BreakglassError) => void; readonly people?: QuorumPeople | undefined } = {},
): Promise<{ tokens: readonly string[]; minted: Minted }> {
  const { ports } = sandbox;
  let tokens: readonly string[] = [];
  const started = ports.milliseconds();
  const minted = await mint(
    {
      state: openState(sandbox.stateDir),
      mode,
      mediaPaths: sandbox.media,
      mediaRule: 'fixed-allowed',
      startsInSeconds: 0,
      renews: null,
      revocations: [],
      reviews: [],
      killDir: join(sandbox.options.sandbox, 'out'),
      preflight: sandboxPreflight,
      anomalies: [],
    },
    {
      ...ports,
      people: options.people ?? sandboxPeople(cards, options.onRefusal ?? (() => {})),
      request: async () => request,
      elapsedMs: () => Math.round(ports.milliseconds() - started),
      prepareDelivery: () => {},
      deliver: async (released) => {
        tokens = released;
        return 'stdout';
      },
      note: () => {},
    },
  );
  sandbox.headSha256 = minted.headCode.sha256;
  return { tokens, minted };
}

export async function seeMintRefused(
  sandbox: Sandbox,
  name: string,
  expected: ErrorCode,
  request: Request,
  cards: readonly Uint8Array[],
): Promise<void> {
  const seen: string[] = [];
  try {
    await mintWith(sandbox, request, 'production', cards, { onRefusal: (error) => void seen.push(error.code) });
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    seen.push(error.code);
  }
  sandbox.refusals.push({ name, code: seen.includes(expected) ? expected : null });
}

export function seeRefused(sandbox: Sandbox, name: string, expected: ErrorCode, attempt: () => unknown): void {
  try {
    attempt();
    sandbox.refusals.push({ name, code: null });
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    sandbox.refusals.push({ name, code: error.code === expected ? expected : null });
  }
}

export function judge(sandbox: Sandbox, token: string, changes: Partial<VerifyOptions> = {}) {
  const { trust } = stateOf(sandbox);
  const audience = Object.values(sandbox.options.policy.roles)[0]?.audience ?? '';
  return verifyToken(token, {
    trust,
    now: sandbox.ports.clock.now(),
    audience,
    mode: 'production',
    revocations: { state: 'checked', list: readRevocations(stateOf(sandbox).revocations(), trust) },
    ...changes,
  });
}

export function quorumCards({ cards }: Sandbox): Uint8Array[] {
  return [...cards.values()];
}

export function stateOf({ state }: Sandbox): State {
  if (!state) throw new TypeError('init comes first');
  return state;
}

export function requestOf({ request }: Sandbox): Request {
  if (!request) throw new TypeError('the request comes first');
  return request;
}

export function tokenOf({ token }: Sandbox): string {
  if (token === undefined) throw new TypeError('mint comes first');
  return token;
}

export function drillFailed(why: string): BreakglassError {
  return new BreakglassError('DRILL_FAILED', why, {
    hint: 'see which phase failed. Nothing outside the sandbox was touched.',
  });
}
