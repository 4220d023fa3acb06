import { mkdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audience, json, makeTrust, mintFlags, openScenes, type Scene, writeRequest } from './scene.ts';

// The shapes of issue 2 that others build on: names and types. More members are welcome.

let scenes: Awaited<ReturnType<typeof openScenes>>;
let scene: Scene;
beforeAll(async () => {
  scenes = await openScenes();
  scene = scenes.origin.copy();
});
afterAll(() => scenes.remove());

const text = expect.any(String);
const number = expect.any(Number);
const numberOrNull = expect.toSatisfy((value: unknown) => value === null || Number.isInteger(value));
const truth = expect.any(Boolean);
const id = expect.stringMatching(/^[\w-]{22}$/);
const hash = expect.stringMatching(/^[0-9a-f]{64}$/);
const words = (count: number) =>
  expect.toSatisfy(
    (list: unknown) => Array.isArray(list) && list.length === count && list.every((word) => /^[a-z]{3,8}$/.test(word)),
  );
const fingerprint = (count: number) => ({ sha256: hash, words: words(count) });
const point = { seq: number, sha256: hash };
const headCode = { seq: number, words: words(8) };

/** Every element is of this shape, and there is at least one. */
function each(shape: object) {
  return expect.toSatisfy((list: unknown) => {
    expect(list).not.toEqual([]);
    for (const element of list as unknown[]) expect(element).toMatchObject(shape);
    return true;
  });
}

test('init', async () => {
  const fresh = scenes.fresh();
  expect(json(await makeTrust(fresh))).toMatchObject({
    v: 1,
    trust: fresh.path('out/trust.jws'),
    trustId: hash,
    fingerprint: fingerprint(8),
    threshold: 3,
    custodians: each({ label: text, index: number }),
    media: each({ label: text, path: text }),
    head: point,
    headCode,
  });
});

test('request, mint, verify, audit-check', async () => {
  const run = await scene.run([
    ...['request', '--trust', 'out/trust.jws', '--incident', 'inc-1', '--subject', 'dana', '--circumstance', 'outage'],
    ...['--reason', 'the identity provider is down since noon', '--out', 'r.json', '--json'],
  ]);
  expect(json(run)).toMatchObject({ v: 1, file: 'r.json', id, fingerprint: fingerprint(12) });

  const minted = json(await scene.run([...mintFlags(await writeRequest(scene)), '--json'])) as { token: string };
  expect(minted).toMatchObject({
    v: 1,
    token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    file: null,
    family: id,
    tokens: each({ sequence: 1, jti: id, nbf: number, exp: number }),
    record: point,
    head: point,
    headCode,
    custodians: ['alice', 'bob', 'carol'],
    kill: 'inc-1.kill.jws',
    warnings: each({ code: text, message: text }),
    mended: [],
  });

  const by = ['--trust', 'out/trust.jws', '--audience', audience, '--revocations', 'out/revocations.jws', '--json'];
  expect(json(await scene.run(['verify', minted.token, ...by]))).toMatchObject({
    v: 1,
    valid: true,
    code: null,
    message: text,
    drill: false,
    claims: { sub: 'dana', aud: audience },
    remainingSeconds: number,
    revocations: { state: 'checked' },
    record: { trail: hash, seq: 1 },
  });

  expect(json(await scene.run(['audit-check', 'a', 'b', '--trust', 'out/trust.jws', '--json']))).toMatchObject({
    v: 1,
    verdict: 'not-provable',
    records: 3,
    provenThrough: numberOrNull,
    head: point,
    headCode,
    anchors: expect.any(Array),
    findings: each({ code: text, severity: text, seq: numberOrNull, message: text }),
    uses: null,
  });
});

test('strip current', async () => {
  const request = await writeRequest(scene, ['--duration', '40m']);
  await scene.run([...mintFlags(request), '--out', 'strip']);
  const token = expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  const place = { jti: id, sequence: 1, nbf: number, exp: number };
  expect(json(await scene.run(['strip', 'current', 'strip', '--json']))).toEqual({
    v: 1,
    token,
    ...place,
    next: { ...place, sequence: 2 },
  });
});

test('proof', async () => {
  const request = await writeRequest(scene, ['--incident', 'inc-proof', '--holder', 'new', '--unsealed']);
  await scene.run([...mintFlags(request), '--out', 'bound']);
  const flags = ['--token', 'bound', '--key', 'dana-inc-proof.holder.p8', '--json'];
  const compact = '[\\w-]+\\.[\\w-]+\\.[\\w-]+';
  expect(json(await scene.run(['proof', 'GET', 'https://db.prod.example.com/rows', ...flags]))).toEqual({
    v: 1,
    headers: {
      Authorization: expect.stringMatching(new RegExp(`^DPoP ${compact}$`)),
      DPoP: expect.stringMatching(new RegExp(`^${compact}$`)),
    },
    token: { jti: id, sequence: 1, exp: number },
    proof: { jti: id, iat: number, jkt: expect.stringMatching(/^[\w-]{43}$/) },
  });
});

test('a strip of tokens leaves with every token of it', async () => {
  const request = await writeRequest(scene, ['--duration', '40m']);
  const { tokens, token } = json(await scene.run([...mintFlags(request), '--json'])) as {
    token: string;
    tokens: { sequence: number; token: string }[];
  };
  expect(tokens.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  expect(tokens[0]?.token).toBe(token);
  for (const { token: each } of tokens) {
    const run = await scene.run(['verify', each, '--trust', 'out/trust.jws', '--without-revocations', '--json']);
    expect(json(run)).toMatchObject({ claims: { sub: 'dana' } });
  }
});

test('policy check and share check', async () => {
  expect(json(await scene.run(['policy', 'check', 'policy.toml', '--json']))).toEqual({
    v: 1,
    ok: true,
    violations: [],
  });
  const share = await scene.run(['share', 'check', '--trust', 'out/trust.jws', '--share', 'cards/bob.share', '--json']);
  expect(json(share)).toEqual({
    v: 1,
    ok: true,
    code: null,
    label: 'bob',
    index: number,
    setId: expect.stringMatching(/^[0-9a-f]{5}$/),
  });
});

const dates = { last: expect.toSatisfy(textOrNull), next: expect.toSatisfy(textOrNull), overdue: truth };

function textOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string';
}

test('people, drill --due', async () => {
  expect(json(await scene.run(['people', 'leave', 'bob', '--trust', 'out/trust.jws', '--json']))).toMatchObject({
    v: 1,
    label: 'bob',
    also: [],
    canStillCombine: [],
    needs: 'shares',
    run: [expect.stringMatching(/^breakglass rotate shares --custodian alice /)],
    why: expect.arrayContaining([text]),
    decided: true,
    missingVersions: [],
    oneShort: [],
    stay: { custodians: ['alice', 'carol', 'erin', 'frank'], threshold: 3, missing: 0 },
  });
  expect(json(await scene.run(['people', 'list', '--state', 'state', '--json']))).toMatchObject({
    v: 1,
    people: each({ label: text, parts: expect.any(Array), revoker: false }),
    drill: { ...dates, state: text },
    policyReview: dates,
    overdue: [],
    findings: expect.any(Array),
  });
  const due = await scene.run(['drill', '--due', '--state', 'state', '--json']);
  expect(json(due)).toMatchObject({ v: 1, due: true, ...dates, every: '90d' });
});

test('media and share check --record', async () => {
  const own = scenes.fresh();
  await makeTrust(own);
  const run = async (...args: string[]) =>
    json(await own.run([...args, '--state', 'state', '--json', ...(args[1] === 'list' ? [] : ['--allow-fixed'])]));
  const warnings = each({ code: text, message: text });
  expect(await run('media', 'list')).toMatchObject({
    v: 1,
    head: 0,
    copies: 2,
    media: each({ id, label: text, path: text, pluggedIn: true, lastSeq: 0, state: 'in-step', problems: [] }),
  });
  mkdirSync(own.path('c'));
  const added = { medium: id, label: 'c', path: text, added: true, head: point, warnings };
  expect(await run('media', 'add', own.path('c'))).toMatchObject({ v: 1, ...added });
  expect(await run('media', 'mend')).toMatchObject({
    v: 1,
    media: ['a', 'b', 'c'],
    copied: [],
    added: [],
    setAside: [],
    failures: [],
    head: point,
    warnings,
  });
  const recorded = { record: point, waiting: false, warnings };
  const tested = { ok: true, code: null, message: null, medium: id, label: 'a', replugged: false, bytes: number };
  expect(await run('media', 'test', 'a')).toMatchObject({ v: 1, ...tested, record: point, waiting: false, warnings });
  rmSync(own.path('c'), { recursive: true });
  const lost = await run('media', 'lost', 'c', '--reason', 'gone');
  expect(lost).toMatchObject({
    v: 1,
    medium: id,
    label: 'c',
    left: ['a', 'b'],
    copies: 2,
    record: point,
    waiting: false,
  });
  const checked = await run('share', 'check', '--record', '--share', 'cards/bob.share');
  expect(checked).toMatchObject({ v: 1, ok: true, label: 'bob', ...recorded, media: ['a', 'b'] });
});

test('trust show', async () => {
  expect(json(await scene.run(['trust', 'show', 'out/trust.jws', '--json']))).toMatchObject({
    v: 1,
    trustId: hash,
    fingerprint: fingerprint(8),
    version: 1,
    epoch: 1,
    keys: each({ use: text, alg: text, epoch: 1, status: 'active', kid: text }),
    threshold: 3,
    custodians: ['alice', 'bob', 'carol', 'erin', 'frank'],
    revokers: [],
  });
});

test('preflight', async () => {
  const run = await scene.run(['preflight', '--json']);
  const { ok, checks } = json(run) as { ok: boolean; checks: unknown };
  expect(run.status).toBe(ok ? 0 : 7);
  expect(checks).toEqual(each({ name: text, ok: truth, message: text, hint: text }));
});

test('revoke, and revocations check, show and merge', async () => {
  const killed = scene.copy();
  const minted = json(
    await killed.run([...mintFlags(await writeRequest(killed, ['--incident', 'inc-k'])), '--json']),
  ) as { kill: string };
  const by = ['--trust', 'out/trust.jws', '--state', 'desk', '--json'];
  const list = ['--list', 'out/revocations.jws', '--send-to', 'home'];
  expect(json(await killed.run(['revoke', '--kill', minted.kill, '--trail', 'a', ...list, ...by]))).toMatchObject({
    v: 1,
    added: each({ kind: 'family', value: id, at: number, by: text, reason: text, closed: false }),
    statements: 2,
    entries: 1,
    list: 'out/revocations.jws',
    written: { ok: true, code: null, message: null },
    seen: { ok: true },
    sent: [{ dir: 'home', ok: true, code: null, message: null }],
    lines: [hash],
    killed: each({
      jti: id,
      family: id,
      sequence: 1,
      incident: 'inc-k',
      subject: 'dana',
      role: 'db-admin',
      exp: number,
    }),
    alive: expect.any(Array),
    deniedBefore: [],
    allowedAgain: [],
    frozenUntil: number,
    lost: 0,
    alarms: [],
    problems: [],
  });
  const check = ['revocations', 'check', 'out/revocations.jws', ...by];
  expect(json(await killed.run(check))).toEqual({ v: 1, valid: true, statements: 2, entries: 1, alarms: [] });
  expect(json(await killed.run(['revocations', 'show', 'out/revocations.jws', ...by]))).toMatchObject({
    v: 1,
    file: 'out/revocations.jws',
    statements: 2,
    entries: each({ kind: 'family', value: id, closed: false }),
    alarms: [],
  });
  const merge = ['revocations', 'merge', 'out/revocations.jws', minted.kill, '--out', 'm.jws', '--json'];
  expect(json(await killed.run(merge))).toEqual({ v: 1, file: 'm.jws', lines: 2 });
});

test('drill', async () => {
  const run = await scene.run(['drill', '--json']);
  expect(run.status).toBe(0);
  expect(json(run)).toMatchObject({
    v: 1,
    ok: true,
    timeToAccessMs: number,
    targetMs: number,
    timeToKillMs: number,
    killTargetMs: number,
    rollback: { tokenDenied: true, oldKeyDenied: true, trailComplete: true },
    phases: each({ name: text, ms: number, ok: true }),
    trail: { records: number, complete: true },
    refusals: each({ name: text, code: text }),
  });
});

test('verify --record-use and guard key', async () => {
  const by = ['--trust', 'out/trust.jws', '--audience', audience, '--without-revocations', '--json'];
  const run = await scene.run(['verify', 'not-a-token', ...by, '--record-use', 'uses.jws', '--use-key', 'uses.key']);
  expect(json(run)).toMatchObject({ v: 1, valid: false, code: 'TOKEN_NOT_COMPACT' });
  for (const [file, source] of [
    ['uses.key', 'key'],
    ['uses.jws', 'log'],
  ] as const)
    expect(json(await scene.run(['guard', 'key', file, '--json']))).toMatchObject({
      v: 1,
      jwk: { crv: 'Ed25519', kty: 'OKP', x: text },
      kid: text,
      source,
    });
});
