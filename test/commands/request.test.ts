import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  changeRequest,
  errorCodes,
  mintFlags,
  openScenes,
  recordsOn,
  type Scene,
  type WrittenRequest,
  waitingRecords,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

/** Mints for this request: it must refuse with `codes`, all at once, and nothing but that may have happened. */
async function refusedBy(scene: Scene, request: WrittenRequest, codes: readonly string[]) {
  const before = recordsOn(scene, 'a').length;
  const run = await scene.run([...mintFlags(request), '--out', 'token', '--json']);
  expect(errorCodes(run)).toEqual(codes);
  expect(run.status).toBe(4);
  expect(run.stderr).toMatch(/hint: .*[Nn]o token was issued/);
  expect(existsSync(scene.path('token'))).toBe(false);
  for (const medium of ['a', 'b']) {
    expect(recordsOn(scene, medium).slice(before)).toMatchObject([{ type: 'mint.refused', codes }]);
  }
  expect(waitingRecords(scene)).toEqual([]);
  return run;
}

const hour = 3600_000;
const ago = (milliseconds: number) => new Date(Date.now() - milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');

test('a request that was edited after its words were read out is refused', async () => {
  const scene = scenes.origin.copy();
  const request = await writeRequest(scene);
  const edited = changeRequest(scene, request, { reason: 'the identity provider is up again, but well' }, 'old');
  await refusedBy(scene, edited, ['REQUEST_CHANGED']);
});

test('a request that a token was issued for is refused, and the record says so', async () => {
  const scene = scenes.origin.copy();
  const request = await writeRequest(scene);
  expect((await scene.run([...mintFlags(request), '--out', 'first'])).status).toBe(0);
  await refusedBy(scene, request, ['REQUEST_REUSED']);
});

test.each([
  ['older than 24 hours', 24 * hour + 60_000],
  ['from the future', -hour],
])('a request %s is refused', async (_what, age) => {
  const scene = scenes.origin.copy();
  const old = changeRequest(scene, await writeRequest(scene), { createdAt: ago(age) }, 'new');
  await refusedBy(scene, old, ['REQUEST_EXPIRED']);
});

test('a request of another trust is refused', async () => {
  const scene = scenes.origin.copy();
  const foreign = changeRequest(scene, await writeRequest(scene), { trust: 'ab'.repeat(32) }, 'new');
  await refusedBy(scene, foreign, ['REQUEST_INVALID']);
});

test('a drill request mints no production token, and a production request no drill token', async () => {
  const scene = scenes.origin.copy();
  await refusedBy(scene, await writeRequest(scene, ['--drill']), ['REQUEST_INVALID']);
  const run = await scene.run([...mintFlags(await writeRequest(scene)), '--drill', '--json']);
  expect(errorCodes(run)).toEqual(['REQUEST_INVALID']);
});

describe('the policy is held against the request, every broken rule at once', () => {
  test.each([
    ['an unknown role', { role: 'god' }, ['request-role']],
    ['a stranger', { subject: 'mallory' }, ['request-subject']],
    ['somebody who is no responder', { subject: 'alice' }, ['request-subject']],
    ['a circumstance of no role', { circumstance: 'boredom' }, ['request-circumstance']],
    ['a reason too short', { reason: 'because' }, ['reason-min-length']],
    ['a lifetime over the role', { lifetimeSeconds: 901 }, ['role-max-lifetime']],
    ['a strip over the role', { durationSeconds: 7201 }, ['role-max-duration']],
    [
      'three at once',
      { subject: 'mallory', reason: 'because', lifetimeSeconds: 901 },
      ['request-subject', 'role-max-lifetime', 'reason-min-length'],
    ],
  ])('%s', async (_what, change, rules) => {
    const scene = scenes.origin.copy();
    await refusedBy(scene, changeRequest(scene, await writeRequest(scene), change, 'new'), rules);
  });
});

describe('a file that is no request is refused before anything else', () => {
  test.each([
    ['not JSON', () => 'hello'],
    ['an unknown member', (text: string) => text.replace('{', '{"aaa":1,')],
    ['a space', (text: string) => text.replace('{', '{ ')],
    ['no final line feed', (text: string) => text.trimEnd()],
    ['a missing member', (text: string) => text.replace(/"reason":"[^"]*",/, '')],
    ['a member twice', (text: string) => text.replace('{', '{"v":1,')],
    ['an invisible character in the reason', (text: string) => text.replace('identity', 'iden\u200btity')],
  ])('%s', async (_what, change) => {
    const scene = scenes.origin.copy();
    const request = await writeRequest(scene);
    writeFileSync(scene.path(request.file), change(readFileSync(scene.path(request.file), 'utf8')));
    const run = await scene.run([...mintFlags(request), '--out', 'token', '--json']);
    expect(errorCodes(run)).toEqual(['FORMAT']);
    expect(run.status).toBe(1);
    expect(existsSync(scene.path('token'))).toBe(false);
    expect(recordsOn(scene, 'b').at(-1)).toMatchObject({ type: 'mint.refused', codes: ['FORMAT'], request: null });
  });
});

test('request refuses what the policy would refuse, before the responder walks to the vault', async () => {
  const scene = scenes.origin.copy();
  const run = await scene.run([
    ...['request', '--trust', 'out/trust.jws', '--incident', 'inc-1', '--subject', 'mallory', '--circumstance', 'rain'],
    ...['--reason', 'short', '--lifetime', '2h', '--out', 'r.json', '--json'],
  ]);
  expect(run.status).toBe(4);
  expect(errorCodes(run).sort()).toEqual([
    'reason-min-length',
    'request-circumstance',
    'request-subject',
    'role-max-lifetime',
  ]);
  expect(existsSync(scene.path('r.json'))).toBe(false);
});

test('request overwrites no file', async () => {
  const scene = scenes.origin.copy();
  writeFileSync(scene.path('r.json'), 'mine');
  const run = await scene.run([
    ...['request', '--trust', 'out/trust.jws', '--incident', 'inc-1', '--subject', 'dana', '--circumstance', 'outage'],
    ...['--reason', 'the identity provider is down since noon', '--out', 'r.json', '--json'],
  ]);
  expect(run.status).toBe(2);
  expect(errorCodes(run)).toEqual(['EXISTS']);
  expect(readFileSync(scene.path('r.json'), 'utf8')).toBe('mine');
});
