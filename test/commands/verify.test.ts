import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Run } from './program.ts';
import { audience, json, makeTrust, mintToken, openScenes, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
let scene: Scene;
let token: string;
let drillToken: string;
let foreignToken: string;
beforeAll(async () => {
  scenes = await openScenes();
  scene = scenes.origin.copy();
  token = (await mintToken(scene)).token;
  drillToken = (await mintToken(scene, ['--drill'])).token;
  const other = scenes.fresh();
  await makeTrust(other);
  foreignToken = (await mintToken(other)).token;
});
afterAll(() => scenes.remove());

const by = ['--trust', 'out/trust.jws', '--audience', audience, '--revocations', 'out/revocations.jws'];

function verify(judged: string, flags: readonly string[] = by): Promise<Run> {
  return scene.run(['verify', judged, ...flags, '--json']);
}

test('a good token is valid, and what it opens is said in words', async () => {
  expect(await verify(token)).toMatchObject({ status: 0, stderr: '' });
  const text = await scene.run(['verify', token, ...by]);
  expect(text.status).toBe(0);
  for (const said of [
    'VALID',
    'PRODUCTION',
    'db:read db:write',
    audience,
    'dana as db-admin',
    'inc-1',
    'left',
    'record',
  ])
    expect(text.stdout).toContain(said);
});

test('the token may come from standard input or a file', async () => {
  expect(await scene.run(['verify', '-', ...by], { input: `${token}\n` })).toMatchObject({ status: 0 });
  writeFileSync(scene.path('token'), `${token}\n`);
  expect(await verify('token')).toMatchObject({ status: 0 });
});

test.each(['no-such.jwt', './no-such-token', '/tmp/no/such/token'])(
  'a file that is not there is named, not judged: %s',
  async (path) => {
    const run = await verify(path);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(`the token was not found at ${path}`);
  },
);

test('a pinned trust file needs no --trust', async () => {
  expect(await scene.run(['verify', token])).toMatchObject({ status: 3 });
  expect(await scene.run(['trust', 'pin', 'out/trust.jws'])).toMatchObject({ status: 0 });
  expect(await verify(token, by.slice(2))).toMatchObject({ status: 0 });
});

test('without an audience the token is shown and not judged', async () => {
  const run = await verify(token, ['--trust', 'out/trust.jws', '--revocations', 'out/revocations.jws']);
  expect(run.status).toBe(3);
  expect(json(run)).toMatchObject({ valid: null, code: 'NOT_JUDGED', claims: { sub: 'dana' } });
});

test('without a word about revocations it cannot be decided', async () => {
  const run = await verify(token, by.slice(0, 4));
  expect(run.status).toBe(3);
  expect(json(run)).toMatchObject({ valid: null, code: 'REVOCATIONS_MISSING', revocations: { state: 'missing' } });
  const without = await verify(token, [...by.slice(0, 4), '--without-revocations']);
  expect(without.status).toBe(0);
  expect(json(without)).toMatchObject({ valid: true, revocations: { state: 'not-checked' } });
  const absent = await verify(token, [...by.slice(0, 4), '--revocations', 'nowhere.jws']);
  expect(absent.status).toBe(3);
});

describe('each fault has its own code', () => {
  const judged: readonly [what: string, given: () => string, flags: readonly string[], code: string][] = [
    ['an empty token', () => '', by, 'TOKEN_EMPTY'],
    ['a token of 5 MB', () => 'a'.repeat(5_000_000), by, 'TOKEN_TOO_LARGE'],
    ['a word', () => 'hello', by, 'TOKEN_NOT_COMPACT'],
    [
      'a changed signature',
      () => `${token.slice(0, -10)}${token.at(-10) === 'A' ? 'B' : 'A'}${token.slice(-9)}`,
      by,
      'TOKEN_SIGNATURE',
    ],
    ['a space behind it', () => `${token} `, by, 'TOKEN_NOT_CANONICAL'],
    ['a token of another trust', () => foreignToken, by, 'TOKEN_UNKNOWN_KEY'],
    ['a drill token', () => drillToken, by, 'TOKEN_DRILL'],
    ['a production token in a drill', () => token, [...by, '--drill'], 'TOKEN_PRODUCTION'],
    ['another audience', () => token, [...by, '--audience', 'https://other.example'], 'TOKEN_AUDIENCE'],
    ['a token after its time', () => token, [...by, '--at', '2099-01-01T00:00:00Z'], 'TOKEN_EXPIRED'],
    ['a token before its time', () => token, [...by, '--at', '2020-01-01T00:00:00Z'], 'TOKEN_ISSUED_IN_FUTURE'],
  ];
  test.each(judged)('%s', async (_what, given, flags, code) => {
    const run = await scene.run(['verify', '-', ...flags, '--json'], { input: given() });
    expect(json(run)).toMatchObject({ valid: false, code });
    expect(run.status).toBe(1);
  });

  test('a drill token is valid in a drill', async () => {
    expect(await verify(drillToken, [...by, '--drill'])).toMatchObject({ status: 0 });
  });
});

test('a revocation list that lost its line is behind, and break-glass is refused', async () => {
  writeFileSync(scene.path('empty.jws'), '');
  const run = await verify(token, [...by.slice(0, 4), '--revocations', 'empty.jws', '--state', 'fresh']);
  expect(run.status).toBe(3);
  expect(json(run)).toMatchObject({ code: 'REVOCATIONS_BEHIND' });
});

test('a torn line in the list is an alarm, and the good lines count', async () => {
  const list = readFileSync(scene.path('out/revocations.jws'), 'utf8');
  writeFileSync(scene.path('torn.jws'), `${list}${list.slice(0, 50)}`);
  const run = await verify(token, [...by.slice(0, 4), '--revocations', 'torn.jws', '--state', 'fresh2']);
  expect(run.status).toBe(0);
  expect(run.stderr).toContain('alarm: line 2 of torn.jws');
});

test('a changed trust file judges nothing', async () => {
  const trust = readFileSync(scene.path('out/trust.jws'), 'utf8');
  writeFileSync(
    scene.path('changed.jws'),
    trust.replace(/.(?=\.[^.]*$)/, (letter) => (letter === 'A' ? 'B' : 'A')),
  );
  const run = await verify(token, ['--trust', 'changed.jws', ...by.slice(2)]);
  expect(run.status).not.toBe(0);
  expect(json(run)).toHaveProperty('errors');
});
