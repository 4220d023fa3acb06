import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatHex } from '../base/bytes.ts';
import { isBreakglassError } from '../base/errors.ts';
import { randomId } from '../base/random.ts';
import { formatTime } from '../base/time.ts';
import { importSigningKey } from '../key/derive.ts';
import { openState } from '../machine/state.ts';
import { readRevocations } from '../revocation/list.ts';
import { verifyToken } from '../token/verify.ts';
import { policySeconds } from '../trust/policy.ts';
import { openTrust, type Trust } from '../trust/trust-file.ts';
import { changeTrust } from './change.ts';
import { type Change, changeParameters } from './change-plan.ts';
import { sandboxDealer, sandboxPeople } from './drill-people.ts';
import {
  drillFailed,
  mintWith,
  newDrillRequest,
  type Sandbox,
  sandboxPreflight,
  seeRefused,
  stateOf,
  tokenOf,
} from './drill-sandbox.ts';
import { audienceOf, DrillServices } from './drill-services.ts';
import { revoke } from './revoke.ts';

/** The way back: what was opened is closed again, as an incident ends or a token is stolen. */

export const drillCommander = 'drill-commander';
const verifiers = ['verifier-1', 'verifier-2', 'verifier-3'];

/** A strip under another incident, bound to the responder's key, and services that watch their own copies of trust file and list. */
export async function holdStrip(sandbox: Sandbox): Promise<string> {
  const { policy } = sandbox.options;
  const request = newDrillRequest(sandbox, 'mint');
  const role = policy.roles[request.role ?? ''];
  if (!role || request.lifetimeSeconds === null) throw drillFailed('the policy has no role to drill with');
  const durationSeconds = Math.min(policySeconds(role.maxDuration), 4 * request.lifetimeSeconds);
  const strip = request.lifetimeSeconds > 60 && durationSeconds > request.lifetimeSeconds;
  const { tokens, minted } = await mintWith(
    sandbox,
    {
      ...request,
      incident: 'drill-strip',
      durationSeconds: strip ? durationSeconds : null,
      holder: sandbox.responder.jwk,
    },
    'production',
    [...sandbox.cards.values()],
  );
  sandbox.strip = minted.claims.map((claims, at) => ({ token: tokens[at] ?? '', claims }));
  for (const name of verifiers) mkdirSync(join(sandbox.options.sandbox, name), { recursive: true });
  publishTo(sandbox);
  const services = await DrillServices.open(sandbox, sandbox.responder);
  sandbox.services = services;
  for (const name of verifiers) await services.start(name);
  return `${tokens.length} tokens, ${verifiers.length} services`;
}

/** At every moment one token of the strip is good, two in the overlap; in use now, with proof of possession, at every service. */
export async function useStrip(sandbox: Sandbox): Promise<string> {
  const strip = sandbox.strip ?? [];
  const token = strip[0]?.token ?? '';
  const services = servicesOf(sandbox);
  for (const name of services.names) await services.connect(name, token);
  const stolen = await services.refusal(services.names[0] ?? '', token, 'thief');
  sandbox.refusals.push({ name: 'stolen token, without its key', code: stolen === 'PROOF_MISSING' ? stolen : null });
  let moments = 0;
  for (const { claims } of strip) {
    for (const now of [claims.nbf, claims.exp - 1]) {
      const good = strip.filter(({ token }) => accepted(sandbox, token, now)).length;
      if (good < 1 || good > 2) throw drillFailed(`at ${formatTime(now)} ${good} tokens of the strip are good`);
      moments++;
    }
  }
  return `one token at a time at ${moments} moments, two in the overlap`;
}

/** One commander, one command; the clock stops when the last service refuses the last token. */
export async function killStrip(sandbox: Sandbox): Promise<string> {
  const { ports, options } = sandbox;
  const started = ports.milliseconds();
  const key = await importSigningKey(sandbox.commander.pkcs8, { alg: 'Ed25519', role: 'deny' });
  const done = await revoke(
    {
      trust: stateOf(sandbox).trust,
      closing: {
        kind: 'signed',
        revoker: { label: drillCommander, key },
        selectors: [{ kind: 'incident', value: 'drill-strip' }],
        before: null,
        reason: 'drill: the strip is stolen',
      },
      list: join(options.sandbox, 'revocations.jws'),
      sendTo: verifiers.map((name) => join(options.sandbox, name)),
      stateDir: join(options.sandbox, 'commander'),
    },
    ports,
  );
  const failed = done.sent.find(({ error }) => error !== null);
  if (failed) throw drillFailed(`the denial did not reach ${failed.path}`);
  const open = await servicesOf(sandbox).closed(sandbox.strip?.[0]?.token ?? '');
  sandbox.timeToKillMs = Math.round(ports.milliseconds() - started);
  if (open > 0) throw drillFailed(`${open} services or sessions are still open`);
  const alive = verifiers.flatMap((name) =>
    (sandbox.strip ?? []).filter(
      ({ token, claims }) => refusal(() => judgeAt(sandbox, name, token, undefined, claims.nbf)) !== 'TOKEN_REVOKED',
    ),
  );
  sandbox.rollback.tokenDenied = alive.length === 0;
  if (alive.length > 0) throw drillFailed(`${alive.length} tokens are still accepted`);
  seeRefused(sandbox, 'killed token at every service', 'TOKEN_REVOKED', () =>
    judgeAt(sandbox, verifiers.at(-1) ?? '', sandbox.strip?.[0]?.token ?? ''),
  );
  return `${(sandbox.strip ?? []).length} tokens refused at ${verifiers.length} services, and their sessions ended`;
}

/** The next epoch: the token that was never denied by name ends with its key. */
export async function rotateKeys(sandbox: Sandbox): Promise<string> {
  const { ports, options } = sandbox;
  const before = stateOf(sandbox).trust;
  const old = tokenOf(sandbox);
  const change: Change = { kind: 'rotate.keys' };
  const { record, trust } = await changeTrust(
    {
      state: openState(sandbox.stateDir),
      change,
      // The commander's list comes back to the ceremony machine.
      reviews: [],
      revocations: [{ name: 'revocations.jws', bytes: readFileSync(join(options.sandbox, 'revocations.jws')) }],
      setId: formatHex(ports.random(3)).slice(0, 5),
      outDir: join(options.sandbox, 'out'),
      mediaPaths: sandbox.media,
      mediaRule: 'fixed-allowed',
      preflight: sandboxPreflight,
      anomalies: [],
    },
    {
      ...ports,
      people: sandboxPeople([...sandbox.cards.values()], () => {}),
      dealer: sandboxDealer(new Map()),
      request: async () => ({
        ...newDrillRequest(sandbox, 'mint'),
        ...{ kind: change.kind, incident: null, subject: null, role: null, circumstance: null, holder: null },
        ...{ id: randomId(ports.random), lifetimeSeconds: null, parameters: changeParameters(change) },
      }),
      destroyed: async () => [],
      note: () => {},
    },
  );
  sandbox.state = openState(sandbox.stateDir);
  sandbox.headSha256 = record.sha256;
  publishTo(sandbox);
  await servicesOf(sandbox).refresh();
  const service = verifiers[0] ?? '';
  const refusedBy = [before, trust].map((version) => refusal(() => judgeAt(sandbox, service, old, version)));
  sandbox.rollback.oldKeyDenied = refusedBy[0] === 'TOKEN_REVOKED' && refusedBy[1] === 'TOKEN_KEY_RETIRED';
  seeRefused(sandbox, 'token of the old key, old trust file', 'TOKEN_REVOKED', () =>
    judgeAt(sandbox, service, old, before),
  );
  seeRefused(sandbox, 'token of the old key, new trust file', 'TOKEN_KEY_RETIRED', () =>
    judgeAt(sandbox, service, old, trust),
  );
  if (!sandbox.rollback.oldKeyDenied) throw drillFailed('a token of the old key is still accepted');
  return `epoch ${trust.payload.epoch}, record ${record.seq}`;
}

/** Closing is not the end: the next incident opens as before. */
export async function mintWithNewKeys(sandbox: Sandbox): Promise<string> {
  const request = { ...newDrillRequest(sandbox, 'mint'), holder: sandbox.responder.jwk };
  const { tokens, minted } = await mintWith(sandbox, request, 'production', [...sandbox.cards.values()]);
  publishTo(sandbox);
  const services = servicesOf(sandbox);
  await services.refresh();
  for (const name of services.names) {
    const code = await services.refusal(name, tokens[0] ?? '', 'responder');
    if (code !== undefined) throw drillFailed(`${name} refuses the new token: ${code}`);
  }
  return `record ${minted.record.seq}, accepted at ${verifiers.length} services`;
}

export function servicesOf({ services }: Sandbox): DrillServices {
  if (!services) throw new TypeError('the services were started');
  return services;
}

/** What each service has: its own trust file and list. */
function publishTo({ options }: Sandbox): void {
  for (const name of ['trust.jws', 'revocations.jws']) {
    const bytes = readFileSync(join(options.sandbox, 'out', name));
    for (const verifier of verifiers) writeFileSync(join(options.sandbox, verifier, name), bytes);
  }
}

function judgeAt(sandbox: Sandbox, verifier: string, token: string, trusted?: Trust, now = sandbox.ports.clock.now()) {
  const dir = join(sandbox.options.sandbox, verifier);
  const trust = trusted ?? openTrust(readFileSync(join(dir, 'trust.jws')));
  return verifyToken(token, {
    trust,
    now,
    audience: audienceOf(sandbox),
    mode: 'production',
    revocations: { state: 'checked', list: readRevocations(readFileSync(join(dir, 'revocations.jws')), trust) },
  });
}

function accepted(sandbox: Sandbox, token: string, now: number): boolean {
  return refusal(() => judgeAt(sandbox, verifiers[0] ?? '', token, undefined, now)) === undefined;
}

function refusal(judge: () => unknown): string | undefined {
  try {
    judge();
    return undefined;
  } catch (error) {
    if (isBreakglassError(error)) return error.code;
    throw error;
  }
}
