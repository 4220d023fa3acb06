import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { BreakglassError } from '../../../src/base/errors.ts';
import { expressGuard } from '../../../src/guard/adapters/express.ts';
import { fastifyGuard } from '../../../src/guard/adapters/fastify.ts';
import { fetchGuard } from '../../../src/guard/adapters/fetch.ts';
import { nodeGuard } from '../../../src/guard/adapters/node.ts';
import { ask, leave, raw } from './client.ts';
import {
  type Service,
  type ServiceOptions,
  type StartService,
  startExpress,
  startExpress4,
  startFastify,
  startFastify4,
  startHono,
  startNode,
} from './services.ts';
import { StubGuard } from './stub-guard.ts';

interface Framework {
  readonly name: string;
  readonly start: StartService;
  readonly style: 'node' | 'fetch';
}

const frameworks: readonly Framework[] = [
  { name: 'node:http', start: startNode, style: 'node' },
  { name: 'Express 5', start: startExpress, style: 'node' },
  { name: 'Express 4', start: startExpress4, style: 'node' },
  { name: 'Fastify 5', start: startFastify, style: 'node' },
  { name: 'Fastify 4', start: startFastify4, style: 'node' },
  { name: 'Hono', start: startHono, style: 'fetch' },
];

const good = 'Bearer good';
const opened: Service[] = [];
afterEach(async () => {
  for (const service of opened.splice(0)) await service.close();
});

describe.each(frameworks)('$name', ({ name, start, style }) => {
  // In the fetch style a handler returns its answer: nobody has left, and nothing else can have begun one.
  const ifNode: (law: string, run: () => Promise<void>) => void = style === 'node' ? test : () => {};
  // node:http has nothing that would answer for a handler.
  const ifRouted: (law: string, run: () => Promise<void>) => void = name === 'node:http' ? () => {} : test;
  const run = async (options: ServiceOptions = {}) => {
    const guard = new StubGuard();
    const service = await start(guard, options);
    opened.push(service);
    return { guard, service, ran: service.ran, port: service.port };
  };

  test('an allowed request: the token decides alone, and RBAC does not run', async () => {
    const { guard, port, ran } = await run();
    const heard = await ask(port, { authorization: good });
    expect(heard.status).toBe(200);
    expect(JSON.parse(heard.body)).toEqual({ by: 'dana', member: true, body: '' });
    expect(ran).toEqual(['handler']);
    expect(guard.checked).toMatchObject([{ method: 'GET', authorization: [good], requirement: { scope: 'db:read' } }]);
  });

  test('a denied request: answered as the guard says, and nothing else runs, whatever RBAC would say', async () => {
    const { port, ran } = await run();
    const heard = await ask(port, { authorization: 'Bearer bad', headers: { 'x-role': 'reader' } });
    expect(heard.status).toBe(401);
    expect(heard.headers['www-authenticate']).toContain('error="invalid_token"');
    expect(heard.headers['cache-control']).toBe('no-store');
    expect(heard.headers['content-type']).toContain('application/json');
    expect(JSON.parse(heard.body)).toEqual({ error: 'invalid_token' });
    expect(ran).toEqual([]);
  });

  test.each(['/rows', '/api/rows', '/deep/api/rows'])(
    'without break-glass credentials RBAC decides: %s',
    async (path) => {
      const { port, ran } = await run();
      const reader = await ask(port, { path, headers: { 'x-role': 'reader' } });
      expect([reader.status, JSON.parse(reader.body)]).toEqual([200, { by: 'rbac', member: null, body: '' }]);
      const nobody = await ask(port, { path });
      expect([nobody.status, nobody.body]).toEqual([403, 'no role']);
      expect(ran).toEqual(['rbac', 'handler', 'rbac']);
    },
  );

  test('all functions of RBAC run, in order, until one says no', async () => {
    const { guard, port, ran } = await run();
    expect((await ask(port, { path: '/two', headers: { 'x-role': 'reader' } })).status).toBe(200);
    expect((await ask(port, { path: '/two' })).status).toBe(403);
    expect((await ask(port, { path: '/two', headers: { 'x-role': 'first' } })).status).toBe(403);
    // What a router takes for no error.
    expect((await ask(port, { path: '/two', headers: { 'x-role': 'first, 0' } })).status).toBe(403);
    expect(ran).toEqual(['rbac', 'second', 'handler', 'rbac', 'rbac', 'second', 'rbac', 'second']);
    expect(guard.checked[0]?.requirement).toEqual({ scope: 'db:read', action: 'read' });
  });

  test('RBAC that fails opens nothing', async () => {
    const { port, ran } = await run();
    for (const path of ['/rows', '/two'])
      expect((await ask(port, { path, headers: { 'x-role': 'throws' } })).status).toBeGreaterThanOrEqual(500);
    expect((await ask(port, { path: '/two', headers: { 'x-role': 'late' } })).status).toBeGreaterThanOrEqual(500);
    expect(ran).toEqual(['rbac', 'rbac', 'rbac', 'second']);
  });

  ifNode('RBAC that fails without saying why opens nothing', async () => {
    const { port, ran } = await run();
    for (const path of ['/rows', '/two'])
      expect((await ask(port, { path, headers: { 'x-role': 'throws nothing' } })).status).toBeGreaterThanOrEqual(500);
    expect(ran).toEqual(['rbac', 'rbac']);
  });

  ifRouted('a handler that fails behind the guard is answered by the framework', async () => {
    const { port } = await run();
    expect((await ask(port, { path: '/broken', authorization: good })).status).toBe(500);
    expect((await ask(port, { path: '/broken' })).status).toBe(500);
  });

  ifNode('a request that cannot be marked is answered, and nothing runs', async () => {
    const { port, ran } = await run({ taken: true });
    for (const asked of [{ authorization: good }, { headers: { 'x-role': 'reader' } }])
      expect((await ask(port, asked)).status).toBeGreaterThanOrEqual(500);
    expect((await ask(port, { authorization: 'Bearer bad' })).status).toBe(401);
    expect(ran).toEqual([]);
  });

  test('without RBAC a request without break-glass credentials goes on', async () => {
    const { port } = await run();
    expect(JSON.parse((await ask(port, { path: '/open' })).body)).toMatchObject({ by: 'rbac', member: null });
    expect((await ask(port, { path: '/open', authorization: 'Bearer bad' })).status).toBe(401);
  });

  test('nothing that a client sends becomes an access', async () => {
    const { port } = await run();
    const heard = await ask(port, {
      method: 'POST',
      path: '/rows?breakglass=%7B%22subject%22:%22eve%22%7D',
      headers: {
        breakglass: '{"subject":"eve"}',
        'x-breakglass': 'eve',
        'x-role': 'reader',
        'content-type': 'text/plain',
      },
      body: '{"breakglass":{"subject":"eve"},"__proto__":{"breakglass":{}}}',
    });
    expect(JSON.parse(heard.body)).toMatchObject({ by: 'rbac', member: null });
  });

  test('two Authorization fields never look like one', async () => {
    const { guard, port, ran } = await run();
    expect((await ask(port, { authorization: [good, 'Bearer good'] })).status).toBe(400);
    expect((await ask(port, { authorization: ['Basic eDp5', good, 'Bearer bad'] })).status).toBe(400);
    expect(ran).toEqual([]);
    const seen = guard.checked[0]?.authorization;
    expect(seen).toEqual(style === 'node' ? [good, good] : [`${good}, ${good}`]);
  });

  test.each(['/api', '/deep/api'])('the guard sees path and query as they came, below a router at %s', async (at) => {
    const { guard, port } = await run();
    await ask(port, { path: `${at}/rows?x=a%2Fb&y=%20`, authorization: good });
    expect(guard.checked[0]?.target).toBe(`${at}/rows?x=a%2Fb&y=%20`);
  });

  test('the client is the other end of the socket, or what the service says', async () => {
    const direct = await run();
    await ask(direct.port, { authorization: good, headers: { 'x-forwarded-for': '192.0.2.9' } });
    expect(direct.guard.checked[0]?.client).toBe(style === 'node' ? '127.0.0.1' : null);
    const told = await run({ client: () => '192.0.2.1' });
    await ask(told.port, { authorization: good });
    expect(told.guard.checked[0]?.client).toBe('192.0.2.1');
  });

  test('a guard that fails is a denial, with one text that says nothing, and the service hears why', async () => {
    const failures: unknown[] = [];
    const { port, ran } = await run({ onFailure: (error) => failures.push(error) });
    const heard = await ask(port, { authorization: 'Bearer broken', headers: { 'x-role': 'reader' } });
    expect([heard.status, heard.body]).toEqual([503, '{"error":"temporarily_unavailable"}']);
    expect(failures).toMatchObject([{ message: 'the secret words of the inside' }]);
    expect(ran).toEqual([]);
  });

  test.each([
    ['client', { client: fails }],
    ['onFailure', { client: fails, onFailure: fails }],
  ] as const)('a function %s of the service that fails is a denial', async (_, options) => {
    const { port, ran } = await run({ onFailure: () => {}, ...options });
    expect((await ask(port, { headers: { 'x-role': 'reader' } })).status).toBe(503);
    expect(ran).toEqual([]);
  });

  test('HEAD is judged as HEAD, and answered without a body', async () => {
    const { guard, port, ran } = await run();
    const deniedHead = await ask(port, { method: 'HEAD', authorization: 'Bearer bad' });
    expect([deniedHead.status, deniedHead.body]).toEqual([401, '']);
    expect((await ask(port, { method: 'HEAD', authorization: good })).status).toBe(200);
    expect(guard.checked.map(({ method }) => method)).toEqual(['HEAD', 'HEAD']);
    expect(ran).toEqual(['handler']);
  });

  test('OPTIONS carries no credentials, and RBAC decides; with a token it is judged as OPTIONS', async () => {
    const { guard, port, ran } = await run();
    expect((await ask(port, { method: 'OPTIONS', headers: { 'x-role': 'reader' } })).status).toBe(200);
    expect((await ask(port, { method: 'OPTIONS' })).status).toBe(403);
    expect((await ask(port, { method: 'OPTIONS', authorization: 'Bearer bad' })).status).toBe(401);
    expect(ran).toEqual(['rbac', 'handler', 'rbac']);
    expect(guard.checked.map(({ method }) => method)).toEqual(['OPTIONS', 'OPTIONS', 'OPTIONS']);
  });

  test('a body that comes while the guard thinks arrives whole', async () => {
    const { guard, port } = await run();
    const body = 'row\n'.repeat(500_000);
    const headers = { 'content-type': 'text/plain' };
    const heard = ask(port, { method: 'POST', authorization: 'Bearer slow', headers, body });
    await guard.seen(1);
    guard.release();
    expect(JSON.parse((await heard).body).body).toBe(body);
  });

  ifNode('a client that has left: nothing is done in its name', async () => {
    const { guard, service, port, ran } = await run();
    await leave(port, request('Bearer slow'), () => guard.seen(1));
    // The service hears of it before it hears of this one.
    await ask(port, { authorization: good });
    guard.release();
    await ask(port, { authorization: good });
    expect(ran).toEqual(['handler', 'handler']);
    await service.close();
  });

  ifNode('what something else has begun to answer is cut off, and nothing else runs', async () => {
    const { port, ran } = await run({ begun: true });
    const text = await raw(port, request('Bearer bad'));
    expect(text).toContain('begun');
    expect(text).not.toContain('0\r\n\r\n');
    expect(ran).toEqual([]);
  });
});

describe('a route that would be open by mistake is not made', () => {
  const guard = new StubGuard();
  const node = nodeGuard(guard);
  const makers: Record<string, (wanted: never, ...otherwise: never[]) => unknown> = {
    node: node.require,
    'node, a listener': (wanted) => node.listener(wanted, () => {}),
    'node, an upgrade': (wanted) => node.upgrade(wanted, () => {}),
    express: expressGuard(guard).require,
    fastify: fastifyGuard(guard).require,
    hono: fetchGuard(guard).require,
    fetch: (wanted) =>
      fetchGuard(guard).handler(
        wanted,
        () => new Response(),
        () => new Response(),
      ),
  };
  const nothing = [
    '',
    'DB Read',
    undefined,
    null,
    {},
    { scope: undefined },
    { scope: 5 },
    { scopes: ['db:read'] },
    () => {},
  ];
  test.each(Object.entries(makers))('%s', (_, make) => {
    for (const wanted of nothing) expect(() => make(wanted as never)).toThrow(withCode('BAD_INPUT'));
    expect(() => make('db:read' as never)).not.toThrow();
  });

  test.each(['node', 'express', 'fastify', 'hono'])('%s: RBAC that is no function', (name) => {
    expect(() => makers[name]?.('db:read' as never, undefined as never)).toThrow(withCode('BAD_INPUT'));
  });
});

test('no adapter imports anything but this project', () => {
  const folder = new URL('../../../src/guard/adapters/', import.meta.url);
  const imports = readdirSync(folder).flatMap((name) => [
    ...readFileSync(new URL(name, folder), 'utf8').matchAll(
      /\bfrom '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm,
    ),
  ]);
  expect(imports.length).toBeGreaterThan(10);
  for (const found of imports) expect(found[1] ?? found[2] ?? found[3]).toMatch(/^\.\.?\//);
});

const request = (authorization: string) =>
  `GET /rows HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`;

function fails(): never {
  throw new Error('it fails');
}

function withCode(code: BreakglassError['code']) {
  return expect.objectContaining({ code });
}
