import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { isBreakglassError } from '../../src/base/errors.ts';
import { planTokens, sealToken, type TokenPlan, tokenSha256 } from '../../src/token/mint.ts';
import { checkClaimsAgainstPolicy } from '../../src/token/over-policy.ts';
import { verifyToken } from '../../src/token/verify.ts';
import type { PolicyRole } from '../../src/trust/policy.ts';
import {
  audience,
  countingRandom,
  exampleClaims,
  exampleOptions,
  examplePlan,
  exampleRequest,
  exampleRole,
  type Fixture,
  makeFixture,
  midnight,
} from './fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture('Ed25519');
});

const strip = (lifetimeSeconds: number, durationSeconds: number | null, change: Partial<TokenPlan> = {}) =>
  planTokens(
    examplePlan(fixture, { request: exampleRequest(fixture.trust, { lifetimeSeconds, durationSeconds }), ...change }),
  );

function refusedRules(plan: () => unknown): readonly string[] {
  try {
    plan();
  } catch (error) {
    if (isBreakglassError(error, 'POLICY_REFUSED')) return error.details.map(({ name }) => name);
    throw error;
  }
  return [];
}

describe('the claims of one token', () => {
  test('are these, to the last member', () => {
    expect(planTokens(examplePlan(fixture, { startsIn: 300 }))).toEqual([
      {
        iss: 'https://breakglass.example.com',
        sub: 'dana',
        aud: audience,
        client_id: 'breakglass',
        iat: midnight,
        nbf: midnight + 300,
        exp: midnight + 1200,
        jti: 'AQEBAQEBAQEBAQEBAQEBAQ',
        scope: 'db:read db:write',
        roles: ['db-admin'],
        authorization_details: [
          {
            type: 'urn:breakglass:override:v1',
            actions: ['read', 'write', 'restart'],
            locations: [audience],
            privileges: ['db-admin'],
          },
        ],
        breakglass: {
          incident: 'inc-2026-001',
          epoch: 2,
          family: 'A'.repeat(22),
          sequence: 1,
          drill: false,
          revocations: sha256Hex(fixture.firstLine),
          trail: { id: fixture.trust.id, seq: 7, prev: sha256Hex('record 6') },
        },
      },
    ]);
  });

  test('hold the thumbprint of the holder key, and no cnf without one', () => {
    const holder = fixture.stranger.public;
    const bound = exampleClaims(fixture, { request: exampleRequest(fixture.trust, { holder: holder.jwk }) });
    expect(bound.cnf).toEqual({ jkt: holder.kid });
    expect(exampleClaims(fixture)).not.toHaveProperty('cnf');
  });

  test('say drill when the request is for a drill', () => {
    const request = exampleRequest(fixture.trust, { kind: 'drill' });
    expect(exampleClaims(fixture, { request }).breakglass.drill).toBe(true);
  });
});

describe('a strip', () => {
  test('of 15-minute tokens over an hour has these times', () => {
    const times = strip(900, 3600).map(({ nbf, exp }) => [nbf - midnight, exp - midnight]);
    expect(times).toEqual([
      [0, 900],
      [840, 1740],
      [1680, 2580],
      [2520, 3420],
      [3360, 3600],
    ]);
  });

  test('of exactly one lifetime is one token', () => {
    expect(strip(900, 900)).toHaveLength(1);
  });

  test('leaves no gap, overlaps by 60 s, ends with its duration, and every token of it is good in its time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 61, max: 900 }),
        fc.integer({ min: 0, max: 6300 }),
        fc.integer({ min: 0, max: 1800 }),
        fc.integer({ min: 1, max: 50 }),
        async (lifetime, more, startsIn, firstSequence) => {
          fc.pre((lifetime + more) / (lifetime - 60) < 40);
          const claims = strip(lifetime, lifetime + more, { startsIn, firstSequence });
          expect(claims[0]?.nbf).toBe(midnight + startsIn);
          expect(claims.at(-1)?.exp).toBe(midnight + startsIn + lifetime + more);
          for (const [n, each] of claims.entries()) {
            expect(each.breakglass.sequence).toBe(firstSequence + n);
            expect(each.iat).toBe(midnight);
            const next = claims[n + 1];
            if (next) expect(next.nbf).toBe(each.exp - 60);
            expect(checkClaimsAgainstPolicy(each, fixture.trust.payload.policy)).toEqual([]);
          }
          expect(new Set(claims.map(({ jti }) => jti)).size).toBe(claims.length);
          const last = claims.at(-1) ?? exampleClaims(fixture);
          const token = await sealToken(last, fixture.token);
          expect(verifyToken(token, exampleOptions(fixture, { now: last.exp - 1 })).remainingSeconds).toBe(1);
        },
      ),
      { numRuns: 60, seed: 4 },
    );
  });

  test('is refused for a lifetime of 60 s, a duration below the lifetime, or one over the policy', () => {
    expect(strip(60, null)).toHaveLength(1);
    expect(refusedRules(() => strip(60, 60))).toEqual(['role-max-duration']);
    expect(refusedRules(() => strip(900, 899))).toEqual(['role-max-duration']);
    expect(refusedRules(() => strip(900, 7201))).toEqual(['role-max-duration']);
    expect(refusedRules(() => strip(900, 0))).toEqual(['role-max-duration']);
  });

  test('is refused when its record could not hold it, before a share is asked for', () => {
    expect(refusedRules(() => strip(61, 7200))).toEqual(['role-max-duration']);
    expect(refusedRules(() => strip(90, 7200))).toEqual([]);
  });
});

describe('a plan is refused', () => {
  test('for a lifetime over the policy', () => {
    expect(refusedRules(() => strip(901, null))).toEqual(['role-max-lifetime']);
    expect(refusedRules(() => strip(901, 7200))).toEqual(['role-max-lifetime']);
  });

  test('without a holder key where the role needs one', () => {
    const role: PolicyRole = { ...exampleRole(), holder: 'required' };
    expect(refusedRules(() => planTokens(examplePlan(fixture, { role })))).toEqual(['role-holder']);
  });

  test.each([-1, 1801, 0.5, Number.NaN])('when it starts in %s seconds', (startsIn) => {
    expect(() => planTokens(examplePlan(fixture, { startsIn }))).toThrow('0 to 30 minutes');
  });
});

describe('sealing', () => {
  test('makes a token that verifiers take of the largest role, names and numbers that there can be', async () => {
    const names = (prefix: string) => Array.from({ length: 32 }, (_, n) => `${prefix}${n}`.padEnd(64, 'x'));
    const role: PolicyRole = { ...exampleRole(), scopes: names('s'), actions: names('a'), audience: 'a'.repeat(256) };
    const longest = 'x'.repeat(64);
    const request = exampleRequest(fixture.trust, {
      role: longest,
      subject: longest,
      incident: longest,
      holder: fixture.stranger.public.jwk,
    });
    const claims = exampleClaims(fixture, {
      role,
      request,
      issuer: 'i'.repeat(256),
      epoch: 1_000_000,
      firstSequence: 1_000_000,
      iat: 99_999_999_999,
      trail: { id: fixture.trust.id, seq: 99_999_999, prev: sha256Hex('') },
    });
    expect((await sealToken(claims, fixture.token)).length).toBeLessThanOrEqual(8192);
  });

  test('is deterministic with Ed25519, and the hash is of the compact form', async () => {
    const claims = exampleClaims(fixture, { random: countingRandom() });
    const token = await sealToken(claims, fixture.token);
    expect(await sealToken(claims, fixture.token)).toBe(token);
    expect(tokenSha256(token)).toBe(sha256Hex(token));
  });

  test('refuses claims that no verifier would take', async () => {
    const claims = exampleClaims(fixture);
    await expect(sealToken({ ...claims, exp: claims.nbf }, fixture.token)).rejects.toThrow('ends before');
    await expect(sealToken({ ...claims, sub: 'Dana' }, fixture.token)).rejects.toThrow('sub: expected an identifier');
  });

  test('refuses a key that is not for tokens', async () => {
    await expect(sealToken(exampleClaims(fixture), fixture.trail)).rejects.toThrow('not a key for tokens');
  });
});
