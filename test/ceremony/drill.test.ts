import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { drill } from '../../src/ceremony/drill.ts';
import type { DrillPorts } from '../../src/ceremony/drill-sandbox.ts';
import { realHost } from '../../src/medium/real-host.ts';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { fixedRandom } from '../share/fixture.ts';
import { goodPolicy, noon } from '../trust/fixture.ts';
import { scratch } from './fixture.ts';

const { dir, remove } = scratch('drill');
afterAll(remove);

let count = 0;
/** Drills under the starting policy with one piece of its text replaced; every look at the stopwatch takes `tickMs`. */
async function drillWith(from = '', to = '', tickMs = 1) {
  const sandbox = join(dir, String(count++));
  mkdirSync(sandbox);
  let milliseconds = 0;
  const ports: DrillPorts = {
    clock: { now: () => noon },
    random: fixedRandom(sandbox),
    host: realHost,
    milliseconds: () => (milliseconds += tickMs),
  };
  if (!startingPolicy.includes(from)) throw new Error(`the starting policy has no ${from}`);
  const report = await drill({ policy: goodPolicy(startingPolicy.replace(from, to)), sandbox }, ports);
  return { report, sandbox };
}

describe('a drill', () => {
  test('goes through every phase, and everything that must be refused is', async () => {
    const { report, sandbox } = await drillWith();
    expect(report).toMatchObject({ ok: true, targetMs: 900_000, trail: { complete: true } });
    expect(report.phases.map(({ name, ok }) => [name, ok])).toEqual(
      [
        ...['init', 'request', 'mint', 'verify', 'expiry', 'refusals', 'drill token', 'strip', 'in use', 'kill'],
        ...['rotate keys', 'mint again', 'audit-check', 'use logs', 'tampered copies'],
      ].map((name) => [name, true]),
    );
    expect(report.refusals.map(({ code }) => code)).toEqual([
      'TOKEN_EXPIRED',
      'TOKEN_SIGNATURE',
      'TOKEN_AUDIENCE',
      'REVOCATIONS_MISSING',
      'SHARE_SLIP',
      'SHARE_DUPLICATE',
      'REQUEST_REUSED',
      'POLICY_REFUSED',
      'TOKEN_DRILL',
      'PROOF_MISSING',
      'TOKEN_REVOKED',
      'TOKEN_REVOKED',
      'TOKEN_KEY_RETIRED',
      'USE_LINE_MISSING',
      'TRAIL_TAMPERED',
      'TRAIL_TAMPERED',
      'TRAIL_TAMPERED',
    ]);
    expect(report.rollback).toEqual({ tokenDenied: true, oldKeyDenied: true, trailComplete: true });
    expect(readdirSync(sandbox).filter((name) => !name.startsWith('verifier-'))).toEqual(
      expect.arrayContaining(['out', 'revocations.jws', 'sandbox-a', 'sandbox-b', 'state']),
    );
  });

  test.each([
    ['a cooldown', 'cooldown = "0s"', 'cooldown = "1h"'],
    ['one issuance a day', 'maxPerDay = 12', 'maxPerDay = 1'],
    ['five copies', 'copies = 2', 'copies = 5'],
    ['a preflight that is required', 'preflight = "record"', 'preflight = "require"'],
    ['a role of two shares', 'holder = "optional"', 'holder = "optional"\nminShares = 2'],
    ['a role of all shares', 'holder = "optional"', 'holder = "optional"\nminShares = 5'],
    ['a holder key', 'holder = "optional"', 'holder = "required"'],
    ['a responder who is a custodian', 'dana = ["responder"]', 'dana = ["responder", "custodian"]'],
  ])('is held under a policy with %s', async (_, from, to) => {
    const { report } = await drillWith(from, to);
    expect(report.phases.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.refusals.filter(({ code }) => code === null)).toEqual([]);
    expect(report.ok).toBe(true);
  });

  test('fails when access takes longer than the policy wants, and says how long', async () => {
    const { report } = await drillWith('timeToAccess = "15m"', 'timeToAccess = "1s"', 400);
    expect(report.phases.every(({ ok }) => ok)).toBe(true);
    expect([report.ok, report.targetMs, report.timeToAccessMs > 1000]).toEqual([false, 1000, true]);
  });

  test('fails when the kill takes longer than the policy wants', async () => {
    const { report } = await drillWith('timeToKill = "60s"', 'timeToKill = "1s"', 1500);
    expect(report.phases.every(({ ok }) => ok)).toBe(true);
    expect([report.ok, report.killTargetMs, (report.timeToKillMs ?? 0) >= 1500]).toEqual([false, 1000, true]);
  });

  test('ends at the phase that fails and names the reason', async () => {
    const { report } = await drillWith('dana = ["responder"]', 'dana = ["auditor"]');
    expect(report.phases.map(({ name, ok }) => [name, ok])).toEqual([
      ['init', true],
      ['request', false],
    ]);
    expect(report.phases[1]?.detail).toMatch(/no responder/);
    expect(report.ok).toBe(false);
  });
});
