import { createPublicKey, verify } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createVerifier } from 'fast-jwt';
import { importJWK, jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { formatBase64url, sha256 } from '../../src/base/bytes.ts';
import { createGuard, type Guard } from '../../src/guard/guard.ts';
import type { GuardOptions } from '../../src/guard/options.ts';
import type { GuardRequest } from '../../src/guard/request.ts';
import { sealToken } from '../../src/token/mint.ts';
import { sealProof } from '../../src/token/proof.ts';
import {
  audience,
  exampleClaims,
  exampleRequest,
  exampleToken,
  type Fixture,
  makeFixture,
  midnight,
} from '../token/fixture.ts';
import { medianTimes, type Step } from './measure.ts';
import { type Bench, type Goal, type Measurement, type Metric, metric } from './metric.ts';

const rounds = 31;
const unmeasured = 10;
/** Requests of a step, all in flight at once or one after the other. */
const batch = 200;

/** Whole checks of a guard, against other libraries' verification of the same claims, and against the signature alone. */
export const guardSpeed: Measurement = async (bench) => {
  const fixture = await makeFixture('ES256');
  const token = await exampleToken(fixture);
  const request = requestWith(token);
  const [warm, cold, logged] = await Promise.all([
    guardOf(bench, 'warm', fixture),
    guardOf(bench, 'cold', fixture, { rememberTokens: 0 }),
    guardOf(bench, 'logged', fixture, { useLog: { path: join(bench.dir, 'uses.jws'), name: 'bench' } }),
  ]);
  const checks = (guard: Guard) => () => atOnce(() => allowed(guard, request));
  const steps = {
    warm: checks(warm),
    cold: checks(cold),
    logged: checks(logged),
    alone: () => oneByOne(() => allowed(cold, request)),
    ...(await otherLibraries(fixture, token)),
  };
  const perSecond = await speeds(steps);
  // By itself: the proofs that it needs beforehand fill the memory.
  const proofs = await proofsOf(fixture);
  const bound = await speeds({
    bound: () => atOnce(() => allowed(warm, proofs.next())),
    boundAlone: () => oneByOne(() => allowed(warm, proofs.next())),
    raw: steps.raw,
    rawAlone: steps.rawAlone,
  });
  await Promise.all([warm, cold, logged].map((guard) => guard.close()));
  const against = (what: keyof typeof steps, label: string) => ({ value: perSecond[what], what: label });
  const others = [
    ['jose', 'jose.jwtVerify'],
    ['fast', 'fast-jwt, no cache'],
    ['jsonwebtoken', 'jsonwebtoken'],
  ] as const;
  const atLeast = (limit: number): Goal => ({ sign: '>=', limit });
  const rows = (what: 'warm' | 'cold' | 'alone', name: string, goals: { raw?: Goal; others?: Goal }): Metric[] => {
    const [suffix, how] = what === 'alone' ? (['Alone', ', likewise'] as const) : (['', ''] as const);
    const row = (other: Name, label: string, goal: Goal | undefined) =>
      metric(name, perSecond[what], '/s', {
        against: against(`${other}${suffix}`, `${label}${how}`),
        ...(goal ? { goal } : {}),
      });
    return [row('raw', 'crypto.verify', goals.raw), ...others.map(([other, label]) => row(other, label, goals.others))];
  };
  return [
    ...rows('warm', 'guard check, signature remembered', { others: atLeast(1) }),
    ...rows('cold', 'guard check, signature verified', { raw: atLeast(0.6), others: atLeast(1) }),
    ...rows('alone', 'the same, one after the other', { raw: atLeast(0.6) }),
    metric('guard check with a proof, token remembered', bound.bound, '/s', {
      against: { value: bound.raw, what: 'crypto.verify' },
    }),
    metric('the same, one after the other', bound.boundAlone, '/s', {
      against: { value: bound.rawAlone, what: 'crypto.verify, likewise' },
    }),
    metric('guard check, use recorded', perSecond.logged, '/s', { against: against('warm', 'without a use log') }),
  ];
};

/** Checks per second of each step. */
async function speeds<Name extends string>(steps: Readonly<Record<Name, Step>>): Promise<Record<Name, number>> {
  const names = Object.keys(steps) as Name[];
  const times = await medianTimes(Object.values<Step>(steps), rounds, { unmeasured, leadIn: 'each' });
  return Object.fromEntries(names.map((name, at) => [name, (batch * 1000) / (times[at] ?? Number.NaN)])) as Record<
    Name,
    number
  >;
}

/** Each in a turn of the event loop of its own, as requests come. */
async function oneByOne(step: () => unknown): Promise<void> {
  for (let count = 0; count < batch; count++) {
    await step();
    await turn();
  }
}

async function atOnce(step: () => unknown): Promise<void> {
  await Promise.all(Array.from({ length: batch }, step));
}

type Name = 'jose' | 'fast' | 'jsonwebtoken' | 'raw';
type Steps = Record<Name | `${Name}Alone`, () => Promise<void>>;

async function otherLibraries(fixture: Fixture, token: string): Promise<Steps> {
  const { jwk, key } = fixture.token.public;
  const issuer = fixture.trust.payload.issuer;
  const now = midnight + 60;
  const joseKey = await importJWK(jwk, 'ES256');
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  const fast = createVerifier({
    key: pem,
    algorithms: ['ES256'],
    allowedIss: issuer,
    allowedAud: audience,
    clockTimestamp: now * 1000,
    cache: false,
  });
  const publicKey = createPublicKey(pem);
  const [input, signature] = [
    Buffer.from(token.slice(0, token.lastIndexOf('.'))),
    Buffer.from(token.split('.')[2] ?? '', 'base64url'),
  ];
  // Each looks at what it got, as whoever asks a guard does.
  const joseStep = async () => {
    const { payload } = await jwtVerify(token, joseKey, {
      algorithms: ['ES256'],
      issuer,
      audience,
      typ: 'breakglass+jwt',
      currentDate: new Date(now * 1000),
    });
    expectScope(payload);
  };
  const fastStep = () => expectScope(fast(token));
  const jsonwebtokenStep = () =>
    expectScope(
      jsonwebtoken.verify(token, publicKey, { algorithms: ['ES256'], issuer, audience, clockTimestamp: now }),
    );
  const rawStep = () => {
    if (!verify('sha256', input, { key, dsaEncoding: 'ieee-p1363' }, signature)) throw new Error('it is wrong');
  };
  return {
    jose: () => atOnce(joseStep),
    fast: () => atOnce(fastStep),
    jsonwebtoken: () => atOnce(jsonwebtokenStep),
    raw: () => atOnce(rawStep),
    joseAlone: () => oneByOne(joseStep),
    fastAlone: () => oneByOne(fastStep),
    jsonwebtokenAlone: () => oneByOne(jsonwebtokenStep),
    rawAlone: () => oneByOne(rawStep),
  };
}

function expectScope(payload: unknown): void {
  const { scope } = Object(payload) as { readonly scope?: unknown };
  if (typeof scope !== 'string' || !scope.split(' ').includes('db:read')) throw new Error('it does not open db:read');
}

async function guardOf(
  bench: Bench,
  name: string,
  fixture: Fixture,
  change: Partial<GuardOptions> = {},
): Promise<Guard> {
  const dir = join(bench.dir, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'trust.jws'), fixture.trust.bytes);
  writeFileSync(join(dir, 'revocations.jws'), fixture.firstFile);
  const wallMs = () => (midnight + 60) * 1000;
  return createGuard({
    trust: join(dir, 'trust.jws'),
    audience,
    mode: 'production',
    revocations: join(dir, 'revocations.jws'),
    state: join(dir, 'state'),
    useLog: null,
    clocks: { wallMs, steadyMs: () => performance.now() },
    ...change,
  });
}

function requestWith(token: string, proof?: string): GuardRequest {
  const authorization = [proof === undefined ? `Bearer ${token}` : `DPoP ${token}`];
  const dpop = proof === undefined ? [] : [proof];
  const none: readonly string[] = [];
  return {
    method: 'GET',
    target: '/rows?limit=3',
    client: '192.0.2.7',
    header: (name) => (name === 'authorization' ? authorization : name === 'dpop' ? dpop : none),
  };
}

/** Requests with a token that is bound to a key, each with a proof of its own, as many as the steps want. */
async function proofsOf(fixture: Fixture): Promise<{ readonly next: () => GuardRequest }> {
  const holder = fixture.stranger;
  const claims = exampleClaims(fixture, { request: exampleRequest(fixture.trust, { holder: holder.public.jwk }) });
  const token = await sealToken(claims, fixture.token);
  const ath = formatBase64url(sha256(token));
  const requests: GuardRequest[] = [];
  for (let count = 0; count < 4 * batch * (rounds + unmeasured); count++) {
    const about = { htm: 'GET', htu: `${audience}/rows`, iat: midnight + 60, ath };
    requests.push(requestWith(token, await sealProof({ jti: `proof-${count}`, ...about }, holder)));
  }
  const next = () => {
    const request = requests.pop();
    if (!request) throw new Error('there are no proofs left');
    return request;
  };
  return { next };
}

async function allowed(guard: Guard, request: GuardRequest): Promise<void> {
  const { outcome } = await guard.check(request, 'db:read');
  if (outcome !== 'allowed') throw new Error(`it was ${outcome}`);
}
