import { expect, test } from 'vitest';
import { refuseFailedPreflight, refuseOtherTrustVersion, refuseViolations } from '../../src/ceremony/mint-checks.ts';
import type { OpenTrail } from '../../src/ceremony/open-trail.ts';
import { violation } from '../../src/trust/policy.ts';
import { fiveShares, setOf, trustWith } from '../share/fixture.ts';

test('a failed preflight check refuses where the policy requires it, and is only recorded where it does not', () => {
  const checks = [
    { name: 'network', ok: false },
    { name: 'swap', ok: true },
    { name: 'core-dumps', ok: false },
  ];
  expect(() => refuseFailedPreflight({ mode: 'require', checks })).toThrow('these failed: network, core-dumps');
  for (const mode of ['record', 'sandbox'] as const)
    expect(() => refuseFailedPreflight({ mode, checks })).not.toThrow();
  expect(() => refuseFailedPreflight({ mode: 'require', checks: checks.slice(1, 2) })).not.toThrow();
});

test('a ceremony accepts only the trust file that the trail names', async () => {
  const trust = await trustWith([setOf(fiveShares('checks', 'abcde'))]);
  const naming = (named: { version: number; sha256: string } | null) => ({ facts: { trust: named } }) as OpenTrail;
  expect(() => refuseOtherTrustVersion(naming({ version: 1, sha256: trust.sha256 }), trust)).not.toThrow();
  expect(() => refuseOtherTrustVersion(naming(null), trust)).not.toThrow();
  for (const version of [1, 2])
    expect(() => refuseOtherTrustVersion(naming({ version, sha256: 'ab'.repeat(32) }), trust)).toThrow(
      `the trail names trust version ${version}, and this machine is at version 1`,
    );
});

test('one broken rule is told by its message, several by their number and each in the details', () => {
  const rules = [violation('copies', 'copies', 'too few'), violation('people', 'people', 'too many')] as const;
  expect(() => refuseViolations([])).not.toThrow();
  expect(() => refuseViolations([rules[0]])).toThrow(/^too few$/);
  expect(() => refuseViolations(rules)).toThrow(
    expect.objectContaining({
      code: 'POLICY_REFUSED',
      message: 'the request breaks 2 rules of the policy',
      details: [
        { name: 'copies', message: 'too few' },
        { name: 'people', message: 'too many' },
      ],
    }),
  );
});
