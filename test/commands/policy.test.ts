import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { errorCodes, initFlags, json, openScenes } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

const fresh = () => scenes.fresh();

const broken: readonly [what: string, change: (text: string) => string, rules: readonly string[]][] = [
  ['a key named twice', (text) => text.replace('copies = 2', 'copies = 2\ncopies = 2'), ['toml']],
  ['an unknown key', (text) => `colour = "red"\n${text}`, ['unknown-key']],
  [
    'a lifetime over the cap',
    (text) => text.replace('maxLifetime = "15m"', 'maxLifetime = "61m"'),
    ['role-max-lifetime'],
  ],
  ['a role without audience', (text) => text.replace(/audience = .*\n/, ''), ['role-audience']],
  ['no copies', (text) => text.replace('copies = 2', 'copies = 0'), ['copies']],
  ['a person with an unknown part', (text) => text.replace('"auditor"', '"king"'), ['people']],
  [
    'three faults at once',
    (text) =>
      text
        .replace('copies = 2', 'copies = 0')
        .replace('"15m" }', '"x" }')
        .replace(/audience = .*\n/, ''),
    ['copies', 'role-audience'],
  ],
];

describe('policy check names every rule that is broken, with the place', () => {
  test.each(broken)('%s', async (_what, change, rules) => {
    const scene = fresh();
    writeFileSync(scene.path('policy.toml'), change(startingPolicy));
    const run = await scene.run(['policy', 'check', 'policy.toml', '--json']);
    const { ok, violations } = json(run) as {
      ok: boolean;
      violations: { rule: string; path: string; message: string }[];
    };
    expect(violations.map(({ rule }) => rule)).toEqual(rules);
    expect({ ok, status: run.status }).toEqual({ ok: false, status: 4 });
  });

  test('a key named twice is given with its line', async () => {
    const scene = fresh();
    writeFileSync(scene.path('policy.toml'), startingPolicy.replace('copies = 2', 'copies = 2\ncopies = 2'));
    const run = await scene.run(['policy', 'check', 'policy.toml']);
    expect(run.stderr).toMatch(/line 5, column \d+/);
  });
});

describe('init refuses a broken plan and leaves nothing', () => {
  const plans: readonly [what: string, flags: readonly string[], policy: string, codes: readonly string[]][] = [
    ['a threshold of 1', ['--threshold', '1'], startingPolicy, ['threshold']],
    ['a threshold over the custodians', ['--threshold', '6'], startingPolicy, ['threshold']],
    [
      'a custodian whom the policy does not know',
      ['--custodian', 'mallory', '--card-dir', 'mallory=cards'],
      startingPolicy,
      ['custodian-unknown'],
    ],
    ['a custodian named twice', ['--custodian', 'alice'], startingPolicy, ['people']],
    ['a policy with a fault', [], startingPolicy.replace('copies = 2', 'copies = 0'), ['copies']],
    ['fewer media than copies', [], startingPolicy.replace('copies = 2', 'copies = 3'), ['copies']],
  ];
  test.each(plans)('%s', async (_what, flags, policy, codes) => {
    const scene = fresh();
    writeFileSync(scene.path('policy.toml'), policy);
    const run = await scene.run([...initFlags, ...flags, '--json']);
    expect(errorCodes(run)).toEqual(codes);
    expect(run.status).toBe(4);
    expect(run.stderr).toMatch(/hint: .*(nothing was written|Nothing was done)/);
    for (const folder of ['a', 'b', 'cards']) expect(readdirSync(scene.path(folder))).toEqual([]);
    expect(existsSync(scene.path('out', 'trust.jws'))).toBe(false);
    expect(existsSync(scene.path('state', 'trust'))).toBe(false);
  });
});

test('init on media that are not removable is refused without --allow-fixed', async () => {
  const scene = fresh();
  const run = await scene.run([...initFlags.filter((flag) => flag !== '--allow-fixed'), '--json']);
  expect(errorCodes(run)[0]).toMatch(/^MEDIUM_(NOT_REMOVABLE|SAME_DEVICE)$/);
  expect(run.status).toBe(6);
  for (const folder of ['a', 'b', 'cards']) expect(readdirSync(scene.path(folder))).toEqual([]);
});

test('init on a medium that holds a trail already is refused, and the trail stays', async () => {
  const scene = scenes.origin.copy();
  const before = readdirSync(scene.path('a', 'BGTRAIL'));
  const run = await scene.run([...initFlags, '--state', 'state2', '--out', 'out2', '--json']);
  expect(run.status).toBe(6);
  expect(readdirSync(scene.path('a', 'BGTRAIL'))).toEqual(before);
});

test('init with a state directory that belongs to a trust is refused', async () => {
  const run = await scenes.origin.copy().run([...initFlags, '--json']);
  expect(errorCodes(run)).toEqual(['EXISTS']);
  expect(run.status).toBe(2);
});
