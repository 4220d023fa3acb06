import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGuard } from '../../src/guard/guard.ts';
import { denyEntrySha256 } from '../../src/revocation/list.ts';
import { openTrust, sealTrust } from '../../src/trust/trust-file.ts';
import { tokenFaults } from '../token/faults.ts';
import { denial, type Fixture, makeFixture, midnight } from '../token/fixture.ts';
import { bearer, GuardScene, requestOf, verdictOf } from './fixture.ts';

let fixture: Fixture;
let scene: GuardScene;
let token: string;
beforeAll(async () => {
  fixture = await makeFixture('ES256');
});
beforeEach(async () => {
  scene = new GuardScene(fixture);
  token = await scene.token();
});
afterEach(() => scene.end());

describe('a request', () => {
  test('without break-glass credentials is none of its business', async () => {
    const guard = await scene.guard();
    const jwt = `${Buffer.from('{"alg":"RS256","typ":"JWT"}').toString('base64url')}.${Buffer.from('{"sub":"dana"}').toString('base64url')}.c2ln`;
    for (const headers of [
      {},
      { authorization: 'Basic ZGFuYTpzZWNyZXQ=' },
      { authorization: `Bearer ${jwt}` },
      { authorization: [`Bearer ${jwt}`, `Bearer ${jwt}`] },
      { authorization: 'x'.repeat(20_000) },
      { cookie: 'session=abc; __Host-other=1' },
      { dpop: 'something' },
    ])
      expect(await guard.check(requestOf({ headers, target: '/rows?access_token=abc&x=%zz' }))).toEqual({
        outcome: 'none',
      });
    expect(scene.eventsOf('use')).toEqual([]);
  });

  test('with a token opens its scopes and no others', async () => {
    const guard = await scene.guard();
    const decision = await guard.check(bearer(token), 'db:read');
    expect(decision).toMatchObject({
      outcome: 'allowed',
      access: {
        subject: 'dana',
        incident: 'inc-2026-001',
        role: 'db-admin',
        drill: false,
        holder: null,
        session: null,
      },
    });
    expect(verdictOf(await guard.check(bearer(token), { scope: 'db:write', action: 'restart' }))).toBe('allowed');
    const refused = await guard.check(bearer(token), 'db:admin');
    expect(verdictOf(refused)).toBe('SCOPE_MISSING');
    expect(refused).toMatchObject({ answer: { status: 403 } });
    expect(verdictOf(await guard.require({ action: 'erase' })(bearer(token)))).toBe('SCOPE_MISSING');
  });

  test.each([
    ['odd case of the scheme', (t: string) => ({ authorization: `bEARER ${t}` }), 'allowed'],
    ['two spaces behind the scheme', (t: string) => ({ authorization: `Bearer  ${t}` }), 'allowed'],
    ['two fields', (t: string) => ({ authorization: [`Bearer ${t}`, 'Bearer abc'] }), 'CREDENTIALS_TWICE'],
    ['the second of two fields', (t: string) => ({ authorization: ['Basic abc', `Bearer ${t}`] }), 'CREDENTIALS_TWICE'],
    [
      'two in one field, as a proxy joins them',
      (t: string) => ({ authorization: `Bearer ${t}, Bearer ${t}` }),
      'CREDENTIALS_TWICE',
    ],
    ['something behind it', (t: string) => ({ authorization: `Bearer ${t} x` }), 'CREDENTIALS_SCHEME'],
    ['another scheme', (t: string) => ({ authorization: `Token ${t}` }), 'CREDENTIALS_SCHEME'],
    ['no scheme', (t: string) => ({ authorization: t }), 'CREDENTIALS_SCHEME'],
    [
      'the scheme of tokens that are bound to a key',
      (t: string) => ({ authorization: `DPoP ${t}` }),
      'CREDENTIALS_SCHEME',
    ],
    ['a proof that nobody asked for', (t: string) => ({ authorization: `Bearer ${t}`, dpop: 'x' }), 'allowed'],
  ])('with %s', async (_, headers, expected) => {
    const guard = await scene.guard();
    expect(verdictOf(await guard.check(requestOf({ headers: headers(token) })))).toBe(expected);
  });

  test.each(['access_token', 'jwt', 'x%79z'])(
    'with the token in its address (%s) is refused, whatever else it carries',
    async (name) => {
      const guard = await scene.guard();
      const target = `/rows?limit=3&${name}=${token}`;
      const refused = await guard.check(requestOf({ target }));
      expect(verdictOf(refused)).toBe('CREDENTIALS_IN_QUERY');
      expect(refused).toMatchObject({ answer: { status: 400 } });
      expect(verdictOf(await guard.check(bearer(token, { target })))).toBe('CREDENTIALS_IN_QUERY');
      expect(JSON.stringify(scene.eventsOf('use'))).not.toContain(token);
    },
  );

  test('of 20 KB that looks like a token is refused as too large', async () => {
    const guard = await scene.guard();
    expect(verdictOf(await guard.check(bearer(`${token}${'A'.repeat(20_000)}`)))).toBe('TOKEN_TOO_LARGE');
  });

  test('is denied in the same words whatever the cause', async () => {
    const guard = await scene.guard();
    const answers = [];
    for (const bad of [
      `${token.slice(0, -4)}AAAA`,
      await scene.token({}, fixture.retiredToken),
      await scene.token({ iat: midnight - 3600 }),
    ]) {
      const decision = await guard.check(bearer(bad));
      if (decision.outcome === 'denied') answers.push(decision.answer);
    }
    expect(answers).toHaveLength(3);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchInlineSnapshot(`
      {
        "body": "{"error":"invalid_token"}",
        "headers": {
          "cache-control": "no-store",
          "content-type": "application/json",
          "www-authenticate": "DPoP error="invalid_token", error_description="the break-glass credentials were not accepted", algs="ES256 Ed25519 EdDSA", Bearer error="invalid_token", error_description="the break-glass credentials were not accepted"",
        },
        "status": 401,
      }
    `);
  });
});

// White space at the ends of a field is not part of it (RFC 9110 §5.5).
const carried = tokenFaults.filter(({ name }) => name !== 'space-before' && name !== 'space-after');

describe('every token that verify refuses', () => {
  test.each(carried.map((fault) => [fault.name, fault] as const))('is never allowed: %s', async (_, fault) => {
    const own = new GuardScene(fixture);
    try {
      own.clocks.setWall(fault.now ?? midnight + 60);
      const guard = await own.guard({ mode: fault.mode === 'drill' ? 'drill' : 'production' });
      const decision = await guard.check(bearer(await fault.make(fixture)));
      // What has nothing of a break-glass token left is another's to refuse.
      const others = ['none', 'CREDENTIALS_SCHEME', 'CREDENTIALS_TWICE'];
      const ofMode = fault.mode === 'any' ? ['TOKEN_DRILL', 'TOKEN_PRODUCTION'] : [];
      expect([fault.expect, ...others, ...ofMode]).toContain(verdictOf(decision));
    } finally {
      await own.end();
    }
  });
});

describe('a denial', () => {
  test('is in force at the next look, and in the next process with the older list', async () => {
    const guard = await scene.guard();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    await scene.deny(denial({ kind: 'incident', value: 'inc-2026-001' }));
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_REVOKED');
    scene.putLines([fixture.firstLine]);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_REVOKED');
    expect(scene.eventsOf('alarm')).toMatchObject([{ message: expect.stringContaining('lost 1 line') }]);
    await guard.close();
    const next = await scene.guard();
    expect(verdictOf(await next.check(bearer(token)))).toBe('TOKEN_REVOKED');
  });

  test('comes by a watched folder without anybody looking', async () => {
    const guard = await scene.guard();
    await scene.deny(denial({ kind: 'subject', value: 'dana' }));
    await until(async () => verdictOf(await guard.check(bearer(token))) === 'TOKEN_REVOKED');
  });

  test('comes by a kill file beside the list; what it allows does not count', async () => {
    const guard = await scene.guard();
    const entry = denial({ kind: 'incident', value: 'inc-2026-001' });
    scene.put('inc.kill.jws', `${await scene.line({ deny: [entry] }, fixture.deny)}\n`);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_REVOKED');
    const allow = await scene.line({ allow: [denyEntrySha256(entry)] }, fixture.root);
    scene.put('back.kill.jws', `${allow}\n`);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_REVOKED');
    scene.putLines([fixture.firstLine, allow]);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
  });

  test('of everything is a file named KILL, for as long as it is there', async () => {
    const guard = await scene.guard();
    scene.put('KILL', '');
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('KILLED');
    expect(guard.health()).toMatchObject({ state: 'closed', code: 'KILLED' });
    expect(await guard.check(requestOf({}))).toEqual({ outcome: 'none' });
    rmSync(scene.path('watched/KILL'));
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
  });

  test('made here counts at once, stays over a restart, and is there to be carried on', async () => {
    const guard = await scene.guard();
    let told = 0;
    const stop = guard.onKill(() => told++);
    await guard.denySubject('dana', { reason: 'left today' });
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_REVOKED');
    expect(scene.eventsOf('denied.locally')).toMatchObject([
      { entry: { kind: 'subject', value: 'dana', by: 'guard' } },
    ]);
    expect(told).toBe(1);
    stop();
    await expect(guard.deny({ kind: 'subject', value: 'No One' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await guard.close();
    writeFileSync(scene.path('state/denied-here.jsonl'), '{"torn', { flag: 'a' });
    const next = await scene.guard();
    expect(verdictOf(await next.check(bearer(token)))).toBe('TOKEN_REVOKED');
    expect(scene.eventsOf('alarm')).toHaveLength(1);
    await next.denySubject('erin');
    await next.close();
    await scene.guard();
    expect(scene.eventsOf('alarm')).toHaveLength(2);
  });

  test('is an alarm and counts for nothing when it is of a stranger', async () => {
    const guard = await scene.guard();
    const stranger = await scene
      .line({ deny: [denial({ kind: 'all', value: null })] }, fixture.stranger)
      .catch(() => 'x.y.z');
    scene.putLines([fixture.firstLine, stranger]);
    await guard.refresh();
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    expect(scene.eventsOf('alarm')).toHaveLength(1);
  });
});

describe('the sources', () => {
  test.each([
    ['nothing', ''],
    ['a list cut in the middle of a line', null],
    ['the page of a proxy', '<html>\n<body>please log in</body>\n</html>\n'],
  ])('that hold %s are no list: closed at first, and after maxStaleSeconds', async (_, content) => {
    const bytes = content ?? `${fixture.firstLine}\n${fixture.firstLine.slice(0, 50)}`;
    scene.put('revocations.jws', bytes);
    const closed = await scene.guard();
    expect(verdictOf(await closed.check(bearer(token)))).toBe('REVOCATIONS_MISSING');
    expect(await closed.check(requestOf({}))).toEqual({ outcome: 'none' });
    expect(scene.eventsOf('closed')).toMatchObject([{ code: 'REVOCATIONS_MISSING' }]);
    scene.putLines([fixture.firstLine]);
    await closed.refresh();
    expect(verdictOf(await closed.check(bearer(token)))).toBe('allowed');
    expect(scene.eventsOf('opened')).toHaveLength(1);
    scene.put('revocations.jws', bytes);
    scene.clocks.pass(299);
    await closed.refresh();
    expect(verdictOf(await closed.check(bearer(token)))).toBe('allowed');
    scene.clocks.pass(2);
    expect(verdictOf(await closed.check(bearer(token)))).toBe('REVOCATIONS_STALE');
  });

  test('may be several: one that is fresh is enough', async () => {
    const guard = await scene.guard({
      revocations: [scene.path('watched/revocations.jws'), scene.path('nowhere/revocations.jws')],
    });
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    expect(guard.health().revocations.sources).toMatchObject([
      { failure: null },
      { readAgoMs: null, failure: expect.stringContaining('is not there') },
    ]);
  });

  test('of trust: a newer version is in force at once, an older one never again, and another trust never', async () => {
    const guard = await scene.guard();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    const { id: _, ...first } = fixture.trust.payload;
    const second = await sealTrust(
      {
        ...first,
        id: fixture.trust.id,
        version: 2,
        previous: fixture.trust.sha256,
        policy: {
          ...first.policy,
          roles: { other: { ...Object.values(first.policy.roles)[0], audience: 'https://other.example.com' } },
        } as typeof first.policy,
      },
      fixture.root,
    );
    scene.putTrust(second);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_OVER_POLICY');
    scene.putTrust(fixture.trust.bytes);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_OVER_POLICY');
    scene.putTrust((await makeFixture('ES256', { name: 'Another' })).trust.bytes);
    await guard.refresh();
    expect(scene.eventsOf('trust.refused').map(({ code }) => code)).toEqual(['TRUST_OLDER', 'TRUST_OTHER']);
    await guard.close();
    const next = await scene.guard();
    expect(next.health().trust).toMatchObject({ version: 2, sha256: openTrust(second).sha256 });
  });

  test('of trust: the first file that is not the one we were told is not believed', async () => {
    const guard = await scene.guard({ trustId: 'a'.repeat(64) });
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TRUST_MISSING');
    expect(guard.health()).toMatchObject({ state: 'closed', code: 'TRUST_MISSING', trust: null });
    expect(await guard.check(requestOf({}))).toEqual({ outcome: 'none' });
  });

  test('of trust may come later', async () => {
    rmSync(scene.path('watched/trust.jws'));
    const guard = await scene.guard();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TRUST_MISSING');
    scene.putTrust(fixture.trust.bytes);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
  });
});

describe('the clock', () => {
  test('set back brings nothing back', async () => {
    const guard = await scene.guard({ maxStaleSeconds: 9000 });
    scene.clocks.pass(900);
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_EXPIRED');
    scene.clocks.setWall(midnight + 60);
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_EXPIRED');
    expect(scene.eventsOf('clock.jumped')).toMatchObject([{ seconds: 900 }]);
    expect(guard.health().clock).toBe('set-back');
    scene.clocks.setWall(midnight + 1000);
    await guard.check(bearer(token));
    expect(guard.health().clock).toBe('followed');
  });

  test('set forward ends tokens early', async () => {
    const guard = await scene.guard({ maxStaleSeconds: 9000 });
    scene.clocks.setWall(midnight + 3600);
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_EXPIRED');
  });
});

describe('a guard', () => {
  test.each([
    ['audience', { audience: '' }],
    ['mode', { mode: 'both' }],
    ['trust', { trust: [] }],
    ['revocations', { revocations: undefined }],
    ['trustId', { trustId: 'abc' }],
    ['state', { state: '' }],
    ['useLog', { useLog: undefined }],
    ['origin', { origin: 'db.example.com' }],
    ['maxStaleSeconds', { maxStaleSeconds: 0 }],
  ])('is not made with a wrong %s', async (name, change) => {
    await expect(scene.guard(change as never)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(name),
    });
  });

  test('whose state folder cannot be used is closed, and normal traffic goes on', async () => {
    writeFileSync(scene.path('state'), 'a file');
    const guard = await scene.guard();
    expect(guard.health().state).toBe('closed');
    expect(verdictOf(await guard.check(bearer(token)))).toBe('STATE_DAMAGED');
    expect(await guard.check(requestOf({}))).toEqual({ outcome: 'none' });
  });

  test('whose remembered trust is damaged is closed rather than begun anew', async () => {
    mkdirSync(scene.path('state'));
    writeFileSync(scene.path('state/trust.jws'), 'nonsense');
    const guard = await scene.guard();
    expect(guard.health()).toMatchObject({ state: 'closed', code: 'STATE_DAMAGED' });
  });

  test('that was closed denies', async () => {
    const guard = await scene.guard();
    await guard.close();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('GUARD_CLOSED');
    expect(await guard.check(requestOf({}))).toEqual({ outcome: 'none' });
  });

  test('is not hurt by an observer that throws', async () => {
    const guard = await createGuard({
      trust: scene.path('watched/trust.jws'),
      audience: 'https://db.prod.example.com',
      mode: 'production',
      revocations: scene.path('watched/revocations.jws'),
      state: scene.path('state'),
      useLog: null,
      clocks: scene.clocks,
      onEvent: () => {
        throw new Error('observer');
      },
    });
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    await guard.close();
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); ) {
    if (Date.now() > end) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
