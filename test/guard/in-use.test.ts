import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/base/bytes.ts';
import type { Guard } from '../../src/guard/guard.ts';
import type { GuardRequest } from '../../src/guard/request.ts';
import { deriveKey, type SigningKey } from '../../src/key/derive.ts';
import { sealProof } from '../../src/token/proof.ts';
import { openUseLine } from '../../src/use/use-line.ts';
import type { Use } from '../../src/use/use-record.ts';
import { audience, denial, exampleRequest, type Fixture, makeFixture, midnight } from '../token/fixture.ts';
import { bearer, GuardScene, requestOf, type TestRequest, verdictOf } from './fixture.ts';

let fixture: Fixture;
let holder: SigningKey;
let scene: GuardScene;
beforeAll(async () => {
  fixture = await makeFixture('ES256');
  holder = await holderKey('dana');
});
beforeEach(() => {
  scene = new GuardScene(fixture);
});
afterEach(() => scene.end());

function holderKey(name: string): Promise<SigningKey> {
  const origin = { trustName: name, nonce: new Uint8Array(16) };
  return deriveKey(new Uint8Array(16).fill(1), origin, { role: 'token', alg: 'ES256', epoch: 1 });
}

function boundToken(): Promise<string> {
  return scene.token({ request: exampleRequest(fixture.trust, { holder: holder.public.jwk }) });
}

let count = 0;
function proofFor(
  token: string,
  {
    key = holder,
    ...change
  }: { key?: SigningKey; htm?: string; htu?: string; iat?: number; jti?: string; nonce?: string } = {},
) {
  const ath = Buffer.from(sha256(token)).toString('base64url');
  return sealProof(
    {
      jti: `proof-${count++}`,
      htm: 'GET',
      htu: `${audience}/rows`,
      iat: Math.floor(scene.clocks.wallMs() / 1000),
      ath,
      ...change,
    },
    key,
  );
}

function bound(token: string, proof: string | readonly string[], more: TestRequest = {}): GuardRequest {
  return requestOf({ ...more, headers: { authorization: `DPoP ${token}`, dpop: proof } });
}

async function check(guard: Guard, request: GuardRequest): Promise<string> {
  return verdictOf(await guard.check(request, 'db:read'));
}

/** What the use log of this guard says. */
async function uses(guard: Guard): Promise<Use[]> {
  await guard.close();
  return readFileSync(scene.path('uses.jws'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const { record } = openUseLine(Buffer.from(`${line}\n`), 'a line');
      return record.type === 'uses' ? record.uses : [];
    });
}

const useLog = () => ({ path: scene.path('uses.jws'), name: 'orders-1' });

describe('a token that is bound to a key', () => {
  test('opens with a proof for this request, once', async () => {
    const guard = await scene.guard();
    const token = await boundToken();
    const proof = await proofFor(token);
    const decision = await guard.check(bound(token, proof, { target: '/rows?limit=3' }), 'db:read');
    expect(decision).toMatchObject({ outcome: 'allowed', access: { holder: holder.public.kid } });
    expect(await check(guard, bound(token, proof))).toBe('PROOF_REPLAYED');
    expect(await check(guard, bound(token, await proofFor(token)))).toBe('allowed');
  });

  test.each<[string, string, () => Promise<Parameters<typeof proofFor>[1]>]>([
    ['another method', 'PROOF_METHOD', async () => ({ htm: 'POST' })],
    ['another address', 'PROOF_URL', async () => ({ htu: `${audience}/other` })],
    ['another service', 'PROOF_URL', async () => ({ htu: 'https://evil.example.com/rows' })],
    ['a time that is past', 'PROOF_TIME', async () => ({ iat: midnight - 60 })],
    ['the key of somebody else', 'PROOF_KEY', async () => ({ key: await holderKey('mallory') })],
  ])('is denied with a proof for %s', async (_, code, change) => {
    const guard = await scene.guard();
    const token = await boundToken();
    const refused = await guard.check(bound(token, await proofFor(token, await change())));
    expect(verdictOf(refused)).toBe(code);
    expect(refused).toMatchObject({
      answer: { status: 401, headers: { 'www-authenticate': expect.stringContaining('invalid_dpop_proof') } },
    });
  });

  test('is denied with the proof of another token, with two, and without', async () => {
    const guard = await scene.guard();
    const token = await boundToken();
    const other = await scene.token({
      request: exampleRequest(fixture.trust, { holder: holder.public.jwk }),
      firstSequence: 2,
    });
    expect(await check(guard, bound(token, await proofFor(other)))).toBe('PROOF_TOKEN');
    expect(await check(guard, bound(token, [await proofFor(token), await proofFor(token)]))).toBe('PROOF_TWICE');
    expect(await check(guard, bound(token, `${await proofFor(token)}, ${await proofFor(token)}`))).toBe('PROOF_TWICE');
    expect(await check(guard, bound(token, []))).toBe('PROOF_MISSING');
    expect(await check(guard, bearer(token))).toBe('PROOF_MISSING');
    expect(
      await check(guard, bearer(token, { headers: { authorization: `Bearer ${token}`, dpop: await proofFor(token) } })),
    ).toBe('PROOF_MISSING');
  });

  test('is not opened by a proof of before a restart, which the process before has seen', async () => {
    const before = await scene.guard();
    const token = await boundToken();
    const proof = await proofFor(token);
    expect(await check(before, bound(token, proof))).toBe('allowed');
    await before.close();
    scene.clocks.pass(1);
    const after = await scene.guard();
    expect(await check(after, bound(token, proof))).toBe('PROOF_TIME');
    expect(await check(after, bound(token, await proofFor(token)))).toBe('allowed');
  });

  test('opens many requests at once, each with its own proof, and one of those that share one', async () => {
    const guard = await scene.guard();
    const token = await boundToken();
    expect(await check(guard, bound(token, await proofFor(token)))).toBe('allowed');
    const proofs = await Promise.all(Array.from({ length: 400 }, () => proofFor(token)));
    const each = await Promise.all(proofs.map((proof) => check(guard, bound(token, proof))));
    expect(new Set(each)).toEqual(new Set(['allowed']));
    const shared = await proofFor(token);
    const same = await Promise.all(Array.from({ length: 400 }, () => check(guard, bound(token, shared))));
    expect(same.filter((verdict) => verdict === 'allowed')).toHaveLength(1);
    expect(same.filter((verdict) => verdict === 'PROOF_REPLAYED')).toHaveLength(399);
  });

  test('is denied by a kill that comes while its proofs are verified', async () => {
    const guard = await scene.guard();
    const token = await boundToken();
    expect(await check(guard, bound(token, await proofFor(token)))).toBe('allowed');
    const proofs = await Promise.all(Array.from({ length: 50 }, () => proofFor(token)));
    const [first, ...others] = proofs.map((proof) => check(guard, bound(token, proof)));
    const denied = guard.denySubject('dana');
    expect(await Promise.all(others)).toEqual(others.map(() => 'TOKEN_REVOKED'));
    expect(['allowed', 'TOKEN_REVOKED']).toContain(await first);
    await denied;
  });

  test('is refused for each made-up proof among good ones', async () => {
    const guard = await scene.guard();
    const token = await boundToken();
    const forged = async () => `${(await proofFor(token)).split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`;
    const proofs = await Promise.all(Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? forged() : proofFor(token))));
    const verdicts = await Promise.all(proofs.map((proof) => check(guard, bound(token, proof))));
    expect(verdicts).toEqual(proofs.map((_, n) => (n % 3 === 0 ? 'PROOF_SIGNATURE' : 'allowed')));
  });

  test('is proved for the address that clients use, behind a proxy that takes a part of it away', async () => {
    const guard = await scene.guard({ origin: 'https://api.example.com/db/' });
    const token = await boundToken();
    expect(await check(guard, bound(token, await proofFor(token)))).toBe('PROOF_URL');
    const htu = 'https://api.example.com/db/rows';
    expect(await check(guard, bound(token, await proofFor(token, { htu })))).toBe('allowed');
  });

  test('is asked for a nonce where the service wants one', async () => {
    const guard = await scene.guard({ nonces: 'required' });
    const token = await boundToken();
    const first = await guard.check(bound(token, await proofFor(token)));
    expect(verdictOf(first)).toBe('PROOF_NONCE');
    if (first.outcome !== 'denied') throw new Error('it was not denied');
    expect(first.answer.headers['www-authenticate']).toContain('use_dpop_nonce');
    const nonce = first.answer.headers['dpop-nonce'] ?? '';
    expect(await check(guard, bound(token, await proofFor(token, { nonce })))).toBe('allowed');
  });

  test('stolen: the thief has not the key, is denied, and stands in the use log', async () => {
    const guard = await scene.guard({ useLog: useLog() });
    const token = await boundToken();
    expect(await check(guard, bound(token, await proofFor(token)))).toBe('allowed');
    expect(await check(guard, bearer(token, { client: '203.0.113.9' }))).toBe('PROOF_MISSING');
    const recorded = await uses(guard);
    expect(recorded).toMatchObject([
      { outcome: 'allowed', client: '192.0.2.7', proof: holder.public.kid, scope: 'db:read', route: '/rows' },
      { outcome: 'denied', code: 'PROOF_MISSING', client: '203.0.113.9', proof: null, token: { subject: 'dana' } },
    ]);
    expect(JSON.stringify(recorded)).not.toContain(token);
  });
});

describe('the use log', () => {
  test('has every use and attempt; the query of an address and odd characters are not in it', async () => {
    const guard = await scene.guard({ useLog: useLog() });
    const token = await scene.token();
    expect(
      await check(guard, bearer(token, { target: '/a"b\\ü\u0007?secret=1', method: 'GET', client: 'fe80::1%eth0\n' })),
    ).toBe('allowed');
    expect(await check(guard, bearer(`${token.slice(0, -4)}AAAA`))).toBe('TOKEN_SIGNATURE');
    expect(await guard.check(requestOf({}))).toEqual({ outcome: 'none' });
    const recorded = await uses(guard);
    expect(recorded.map(({ outcome, code, route, token: used }) => [outcome, code, route, used?.subject])).toEqual([
      ['allowed', null, '/a?b???', 'dana'],
      ['denied', 'TOKEN_SIGNATURE', '/rows', undefined],
    ]);
  });

  test('takes a route that wants what no policy can name: denied, never an error', async () => {
    const guard = await scene.guard({ useLog: useLog() });
    const decision = await guard.check(bearer(await scene.token()), { scope: 'DB Admin', action: '' });
    expect(verdictOf(decision)).toBe('SCOPE_MISSING');
    expect(await uses(guard)).toMatchObject([{ code: 'SCOPE_MISSING', scope: null, action: null }]);
  });

  test('that cannot be begun denies break-glass, and is tried again', async () => {
    const path = scene.path('later/uses.jws');
    const guard = await scene.guard({ useLog: { path, name: 'orders-1', keyFile: scene.path('uses.key') } });
    const token = await scene.token();
    expect(await check(guard, bearer(token))).toBe('USE_LOG_FAILED');
    expect(guard.health()).toMatchObject({ state: 'closed', code: 'USE_LOG_FAILED' });
    expect(await guard.check(requestOf({}))).toEqual({ outcome: 'none' });
    mkdirSync(scene.path('later'));
    await guard.refresh();
    expect(await check(guard, bearer(token))).toBe('allowed');
    expect(guard.health()).toMatchObject({ state: 'open', useLog: { writable: true } });
  });

  test('a second guard on the same file is closed, not mixed in', async () => {
    await scene.guard({ useLog: useLog() });
    const second = await scene.guard({ useLog: useLog() });
    expect(await check(second, bearer(await scene.token()))).toBe('USE_LOG_FAILED');
    expect(scene.eventsOf('use-log.failed')).toHaveLength(1);
  });
});

describe('a kill', () => {
  test('with thousands of requests in flight: none that began after it is allowed', async () => {
    const guard = await scene.guard({ useLog: useLog() });
    const token = await scene.token();
    const early = Array.from({ length: 2000 }, () => check(guard, bearer(token)));
    await guard.denySubject('dana');
    const late = Array.from({ length: 2000 }, () => check(guard, bearer(token)));
    expect(new Set(await Promise.all(late))).toEqual(new Set(['TOKEN_REVOKED']));
    // Those whose record was being written when it came are refused too.
    expect(new Set(await Promise.all(early))).toEqual(new Set(['TOKEN_REVOKED']));
  });

  test('ends sessions of the family and of nobody else; the cookie of one that is over is taken away', async () => {
    const guard = await scene.guard();
    const [mine, other] = await Promise.all(
      ['A', 'B'].map(async (name) => {
        const decision = await guard.check(
          bearer(
            await scene.token({
              family: `${name.repeat(21)}A`,
              request: exampleRequest(fixture.trust, { incident: `inc-${name.toLowerCase()}` }),
            }),
          ),
        );
        if (decision.outcome !== 'allowed') throw new Error(verdictOf(decision));
        return guard.sessions.open(decision.access);
      }),
    );
    if (!mine || !other) throw new Error('two sessions');
    const cookie = guard.sessions.cookie(mine).split(';')[0] ?? '';
    const withCookie = (more: Record<string, string> = {}) =>
      requestOf({ headers: { cookie: `a=b; ${cookie}`, ...more } });
    const decision = await guard.check(withCookie(), 'db:read');
    expect(decision).toMatchObject({
      outcome: 'allowed',
      access: { session: mine, subject: 'dana', incident: 'inc-a' },
    });
    expect(verdictOf(await guard.check(withCookie(), 'db:admin'))).toBe('SCOPE_MISSING');

    await scene.deny(denial({ kind: 'incident', value: 'inc-a' }));
    await guard.refresh();
    expect(mine.signal.aborted).toBe(true);
    expect(other.signal.aborted).toBe(false);
    expect(scene.eventsOf('killed')).toMatchObject([{ sessions: 1 }]);
    const over = await guard.check(withCookie(), 'db:read');
    expect(verdictOf(over)).toBe('SESSION_UNKNOWN');
    expect(over).toMatchObject({
      answer: { headers: { 'set-cookie': expect.stringMatching(/^__Host-breakglass=;.*Max-Age=0/) } },
    });
    await guard.close();
    expect(other.signal.aborted).toBe(true);
  });

  test('by the file KILL, and revocations that become stale, end sessions', async () => {
    const guard = await scene.guard();
    const token = await scene.token();
    const open = async () => {
      const decision = await guard.check(bearer(token));
      if (decision.outcome !== 'allowed') throw new Error(verdictOf(decision));
      return guard.sessions.open(decision.access);
    };
    const first = await open();
    scene.put('KILL', '');
    await guard.refresh();
    expect(first.signal.aborted).toBe(true);
    rmSync(scene.path('watched/KILL'));
    await guard.refresh();
    const second = await open();
    rmSync(scene.path('watched/revocations.jws'));
    scene.clocks.pass(301);
    await guard.refresh();
    expect(second.signal.aborted).toBe(true);
    expect(scene.eventsOf('closed').map(({ code }) => code)).toEqual(['KILLED', 'REVOCATIONS_STALE']);
  });
});
