import fc from 'fast-check';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { BreakglassError } from '../../src/base/errors.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { sealStatement } from '../../src/revocation/statement.ts';
import { sealToken } from '../../src/token/mint.ts';
import { readToken, type VerifyOptions, verifyToken } from '../../src/token/verify.ts';
import { tokenFaults } from './faults.ts';
import {
  audience,
  denial,
  exampleClaims,
  exampleOptions,
  exampleRequest,
  exampleToken,
  type Fixture,
  makeFixture,
  midnight,
  statement,
} from './fixture.ts';

function refusal(token: string | Uint8Array, options: VerifyOptions): BreakglassError {
  try {
    verifyToken(token, options);
  } catch (error) {
    if (error instanceof BreakglassError) return error;
    throw error;
  }
  throw new Error('the token was accepted');
}

describe.each(['ES256', 'Ed25519'] as const)('a token signed with %s', (alg) => {
  let fixture: Fixture;
  let good: string;
  beforeAll(async () => {
    fixture = await makeFixture(alg);
    good = await exampleToken(fixture);
  });

  test('is accepted, and jose accepts it with the same claims', async () => {
    const verified = verifyToken(good, exampleOptions(fixture));
    expect(verified).toMatchObject({ kid: fixture.token.kid, drill: false, remainingSeconds: 840, unjudged: [] });
    expect(verified.claims).toEqual(exampleClaims(fixture));
    const jwks = createLocalJWKSet({ keys: [{ ...fixture.token.public.jwk, alg, kid: fixture.token.kid }] });
    const oracle = await jwtVerify(good, jwks, {
      issuer: fixture.trust.payload.issuer,
      audience,
      typ: 'breakglass+jwt',
      currentDate: new Date((midnight + 60) * 1000),
    });
    expect(oracle.payload).toEqual(verified.claims);
  });

  test('is accepted as bytes, and with the claims of a holder key', async () => {
    expect(verifyToken(Buffer.from(good), exampleOptions(fixture)).drill).toBe(false);
    const bound = exampleClaims(fixture, {
      request: exampleRequest(fixture.trust, { holder: fixture.stranger.public.jwk }),
    });
    const token = await sealToken(bound, fixture.token);
    expect(verifyToken(token, exampleOptions(fixture)).claims.cnf).toEqual({ jkt: fixture.stranger.kid });
  });

  test('is accepted from 5 seconds before nbf to the last second before exp', () => {
    expect(verifyToken(good, exampleOptions(fixture, { now: midnight - 5 })).remainingSeconds).toBe(905);
    expect(verifyToken(good, exampleOptions(fixture, { now: midnight + 899 })).remainingSeconds).toBe(1);
  });

  test('by the drill key is accepted as a drill, and anywhere where the caller takes both', async () => {
    const drill = await sealToken(
      exampleClaims(fixture, { request: exampleRequest(fixture.trust, { kind: 'drill' }) }),
      fixture.drill,
    );
    expect(verifyToken(drill, exampleOptions(fixture, { mode: 'drill' })).drill).toBe(true);
    expect(verifyToken(drill, exampleOptions(fixture, { mode: 'any' })).drill).toBe(true);
    expect(verifyToken(good, exampleOptions(fixture, { mode: 'any' })).drill).toBe(false);
  });

  test('says what nobody judged', () => {
    const options = exampleOptions(fixture, { audience: null, revocations: { state: 'not-checked' } });
    expect(verifyToken(good, options).unjudged).toEqual(['audience', 'revocations']);
  });

  test('is undecided when the revocations are not at hand', () => {
    expect(refusal(good, exampleOptions(fixture, { revocations: { state: 'missing' } })).code).toBe(
      'REVOCATIONS_MISSING',
    );
  });

  test.each(tokenFaults.filter(({ only }) => only !== 'ES256' || alg === 'ES256'))(
    'with $name is refused: $expect',
    async ({ expect: code, make, now, mode }) => {
      const options = exampleOptions(fixture, {
        now: now ?? midnight + 60,
        mode: mode ?? 'production',
      });
      const token = await make(fixture);
      const error = refusal(token, options);
      expect(error.code).toBe(code);
      expect(error.hint).not.toBe('');
      expect(error.message).toMatch(/^[ -~…]{1,300}$/);
      expect(refusal(Buffer.from(token), options).code).toBe(code);
    },
  );

  test('is refused when any one character is changed', () => {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n';
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom(...characters), (at, character) => {
        fc.pre(good[at] !== character);
        const changed = good.slice(0, at) + character + good.slice(at + 1);
        expect(refusal(changed, exampleOptions(fixture)).code).toMatch(/^TOKEN_/);
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('is refused when any one byte is changed, taken out or put in', () => {
    const bytes = Buffer.from(good);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ by;
        const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
        const longer = Buffer.concat([bytes.subarray(0, at), Buffer.of(by), bytes.subarray(at)]);
        for (const each of [changed, shorter, longer])
          expect(refusal(each, exampleOptions(fixture)).code).toMatch(/^TOKEN_/);
      }),
      { numRuns: 150, seed: 2 },
    );
  });

  test('never makes the verifier throw anything but a refusal, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string({ unit: 'binary' })), (bytes) => {
        expect(refusal(bytes, exampleOptions(fixture)).code).toMatch(/^TOKEN_/);
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  test('that expired still shows its claims', () => {
    expect(refusal(good, exampleOptions(fixture, { now: midnight + 900 })).message).toContain(
      '2026-01-01T00:15:00Z, 0 s ago',
    );
    expect(readToken(good).claims.sub).toBe('dana');
  });

  test('is judged by the policy of the verifier: a narrowed policy narrows it', async () => {
    const narrowed = await makeFixture(alg, {
      policy: (policy) =>
        ({ ...policy, roles: { 'db-admin': { ...policy.roles['db-admin'], holder: 'required' } } }) as typeof policy,
    });
    const claims = exampleClaims(fixture);
    const token = await sealToken(
      { ...claims, breakglass: { ...claims.breakglass, trail: { ...claims.breakglass.trail, id: narrowed.trust.id } } },
      narrowed.token,
    );
    const error = refusal(token, exampleOptions(narrowed, { revocations: { state: 'not-checked' } }));
    expect(error.code).toBe('TOKEN_OVER_POLICY');
    expect(error.details.map(({ name }) => name)).toEqual(['role-holder']);
  });

  test('that a commander denied is refused, and the refusal says who and why', async () => {
    const line = await sealStatement(
      statement(fixture, { deny: [denial({ kind: 'incident', value: 'inc-2026-001' })] }),
      fixture.revoker,
    );
    const list = readRevocations(Buffer.from(`${fixture.firstLine}\n${line}\n`), fixture.trust);
    const error = refusal(good, exampleOptions(fixture, { revocations: { state: 'checked', list } }));
    expect(error.code).toBe('TOKEN_REVOKED');
    expect(error.message).toContain('by erin (incident inc-2026-001: the incident is over)');
  });

  test('whose line is missing is undecided, even where an older line denies it: the missing one may allow again', async () => {
    const line = await sealStatement(
      statement(fixture, { deny: [denial({ kind: 'all', value: null })] }),
      fixture.revoker,
    );
    const list = readRevocations(Buffer.from(`${line}\n`), fixture.trust);
    expect(refusal(good, exampleOptions(fixture, { revocations: { state: 'checked', list } })).code).toBe(
      'REVOCATIONS_BEHIND',
    );
  });
});

test('LIMIT: an ES256 token has many spellings, for the signature (r, n - s) is right too; its jti is the same, and denial is keyed on that', async () => {
  const fixture = await makeFixture('ES256');
  const token = await exampleToken(fixture);
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const [first, second, third] = token.split('.');
  const signature = Buffer.from(third ?? '', 'base64url');
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`);
  const mirrored = Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex'),
  ]);
  const twin = `${first}.${second}.${mirrored.toString('base64url')}`;
  expect(sha256Hex(twin)).not.toBe(sha256Hex(token));
  const { jti } = verifyToken(twin, exampleOptions(fixture)).claims;
  expect(jti).toBe(verifyToken(token, exampleOptions(fixture)).claims.jti);

  const line = await sealStatement(
    statement(fixture, { deny: [denial({ kind: 'jti', value: jti })] }),
    fixture.revoker,
  );
  const list = readRevocations(Buffer.from(`${fixture.firstLine}\n${line}\n`), fixture.trust);
  for (const each of [token, twin])
    expect(refusal(each, exampleOptions(fixture, { revocations: { state: 'checked', list } })).code).toBe(
      'TOKEN_REVOKED',
    );
});
