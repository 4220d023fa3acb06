import { beforeAll, expect, test } from 'vitest';
import { indexDenials } from '../../src/revocation/denials.ts';
import { effectOf, familiesOf, type IssuedToken } from '../../src/token/issued.ts';
import { planTokens, type TokenPlan } from '../../src/token/mint.ts';
import { denial, examplePlan, exampleRequest, type Fixture, makeFixture, midnight, zeroId } from './fixture.ts';

let fixture: Fixture;
let random = 0;
beforeAll(async () => {
  fixture = await makeFixture('Ed25519');
});

function issue(
  incident: string,
  change: Partial<TokenPlan> = {},
  durationSeconds: number | null = null,
): IssuedToken[] {
  const request = exampleRequest(fixture.trust, { incident, durationSeconds });
  const family = Buffer.from(incident.padEnd(16)).toString('base64url');
  const plan = examplePlan(fixture, {
    request,
    family,
    random: (length) => new Uint8Array(length).fill(++random),
    ...change,
  });
  return planTokens(plan).map((claims) => ({ claims, kid: fixture.token.kid }));
}

test('a strip is one family, in the order of its sequence, and lives until its last token ends; the newest comes first', () => {
  const strip = issue('inc-a', {}, 2400);
  const later = issue('inc-b', { iat: midnight + 60 });
  expect(strip).toHaveLength(3);
  const families = familiesOf([...[...strip].reverse(), ...later]);
  expect(families.map(({ tokens }) => tokens.map(({ claims }) => claims.breakglass.sequence))).toEqual([
    [1],
    [1, 2, 3],
  ]);
  expect(families[1]?.exp).toBe(strip[2]?.claims.exp);
});

test('of tokens made in one second, that of the later record comes first', () => {
  const [first, second] = [issue('inc-a'), issue('inc-b', { trail: { ...examplePlan(fixture).trail, seq: 9 } })];
  expect(familiesOf([...first, ...second]).map(({ tokens: [token] }) => token.claims.breakglass.incident)).toEqual([
    'inc-b',
    'inc-a',
  ]);
});

test('each open token dies now, was dead, or lives on; one that has ended is told of only if it is named', () => {
  const [a, b, c, d] = ['inc-a', 'inc-b', 'inc-c', 'inc-d'].map((incident) => issue(incident));
  const [old] = issue('inc-a', { iat: midnight - 5000, family: zeroId });
  const [oldOther] = issue('inc-d', { iat: midnight - 5000, family: zeroId });
  if (!a?.[0] || !b?.[0] || !c?.[0] || !d?.[0] || !old || !oldOther) throw new Error('no tokens');
  const before = indexDenials([denial({ kind: 'incident', value: 'inc-b' })]);
  const added = indexDenials(['inc-a', 'inc-b'].map((value) => denial({ kind: 'incident', value })));
  const effect = effectOf([a[0], b[0], c[0], d[0], old, oldOther], { before, added }, midnight + 60);
  expect(effect).toEqual({ dying: [a[0]], deadBefore: [b[0]], living: [c[0], d[0]], ended: [old] });
});
