import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readRevocations } from '../../src/revocation/list.ts';
import { planTokens, sealToken, tokenSha256 } from '../../src/token/mint.ts';
import { verifyToken } from '../../src/token/verify.ts';
import { openTrust } from '../../src/trust/trust-file.ts';
import { audience, examplePlan, exampleRequest, type Fixture, makeFixture, midnight } from './fixture.ts';

/** Frozen: no later change may alter what these tokens are made of, or refuse them. */
interface TokenVectors {
  readonly trust: string;
  readonly revocations: string;
  readonly claims: readonly unknown[];
  readonly tokens: readonly { readonly token: string; readonly sha256: string }[];
}

const file = new URL('../testdata/vectors/token.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<'ES256' | 'Ed25519', TokenVectors>>;

const plan = (fixture: Fixture) =>
  planTokens(
    examplePlan(fixture, {
      startsIn: 300,
      request: exampleRequest(fixture.trust, { durationSeconds: 1800, holder: fixture.stranger.public.jwk }),
    }),
  );

describe.each(['ES256', 'Ed25519'] as const)('the frozen strip signed with %s', (alg) => {
  const frozen = vectors[alg];
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await makeFixture(alg);
  });

  test('has the claims that the same request, clock and randomness give today', () => {
    expect(plan(fixture)).toEqual(frozen.claims);
  });

  test('still verifies under its frozen trust file and revocations', () => {
    const trust = openTrust(Buffer.from(frozen.trust));
    const list = readRevocations(Buffer.from(frozen.revocations), trust);
    expect(list.alarms).toEqual([]);
    for (const [n, { token, sha256 }] of frozen.tokens.entries()) {
      const now = midnight + 300 + n * 840 + 1;
      const verified = verifyToken(token, {
        trust,
        now,
        audience,
        mode: 'production',
        revocations: { state: 'checked', list },
      });
      expect(verified.claims).toEqual(frozen.claims[n]);
      expect(tokenSha256(token)).toBe(sha256);
    }
  });
});

// An ES256 signature is randomised: those tokens were made once.
test('the strip signed with Ed25519 is the same to the last byte', async () => {
  const fixture = await makeFixture('Ed25519');
  const tokens = await Promise.all(plan(fixture).map((claims) => sealToken(claims, fixture.token)));
  expect(tokens).toEqual(vectors.Ed25519.tokens.map(({ token }) => token));
  expect(Buffer.from(fixture.trust.bytes).toString()).toBe(vectors.Ed25519.trust);
  expect(Buffer.from(fixture.firstFile).toString()).toBe(vectors.Ed25519.revocations);
});
