import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { accessOf } from '../../../src/guard/adapters/attach.ts';
import { nodeGuard } from '../../../src/guard/adapters/node.ts';
import { leave, raw } from './client.ts';
import { type Service, serve } from './services.ts';
import { StubGuard } from './stub-guard.ts';

const opened: Service[] = [];
afterEach(async () => {
  for (const service of opened.splice(0)) await service.close();
});

async function start(rbac: 'rbac' | 'none' = 'none') {
  const guard = new StubGuard();
  const breakglass = nodeGuard(guard, { onFailure: () => {} });
  const ran: string[] = [];
  const accept = (name: string) => (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    ran.push(`${name} ${accessOf(request)?.subject ?? 'nobody'} ${head.toString()}`);
    socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\nhello');
  };
  const server = createServer();
  const otherwise = rbac === 'rbac' ? accept('rbac') : undefined;
  server.on('upgrade', breakglass.upgrade('db:read', accept('socket'), otherwise));
  const service = await serve(server, ran);
  opened.push(service);
  return { guard, ran, port: service.port, server };
}

const upgrade = (authorization: string | null, more = '') =>
  [
    'GET /live HTTP/1.1',
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    ...(authorization === null ? [] : [`Authorization: ${authorization}`]),
    `\r\n${more}`,
  ].join('\r\n');

test('an allowed upgrade goes on with its first bytes, and knows its access', async () => {
  const { guard, port, ran } = await start('rbac');
  expect(await raw(port, upgrade('Bearer good', 'first'))).toContain('hello');
  expect(ran).toEqual(['socket dana first']);
  expect(guard.checked).toMatchObject([{ method: 'GET', target: '/live', client: '127.0.0.1' }]);
});

test('a denied upgrade is answered with HTTP, and the socket is closed', async () => {
  const { port, ran } = await start('rbac');
  const text = await raw(port, upgrade('Bearer bad'));
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(head.split('\r\n')[0]).toBe('HTTP/1.1 401 Unauthorized');
  expect(head).toMatch(/^www-authenticate: DPoP error="invalid_token"/m);
  expect(head).toMatch(/^connection: close/m);
  expect(head).toContain(`content-length: ${body.length}`);
  expect(JSON.parse(body)).toEqual({ error: 'invalid_token' });
  expect(ran).toEqual([]);
});

test('a client that keeps its side open is not waited for', async () => {
  const { port, server } = await start();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  socket.write(upgrade('Bearer bad'));
  socket.resume();
  const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  await once(socket, 'end');
  while ((await connections()) > 0) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
});

test('a guard that fails is a denial', async () => {
  const { port, ran } = await start('rbac');
  expect(await raw(port, upgrade('Bearer broken'))).toMatch(/^HTTP\/1\.1 503 Service Unavailable/);
  expect(ran).toEqual([]);
});

test('without break-glass credentials RBAC decides, and without RBAC nobody opens', async () => {
  const normal = await start('rbac');
  expect(await raw(normal.port, upgrade(null))).toContain('hello');
  expect(normal.ran).toEqual(['rbac nobody ']);
  const bare = await start('none');
  expect(await raw(bare.port, upgrade(null))).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  expect(bare.ran).toEqual([]);
});

test('a client that leaves while the guard thinks ends nothing but itself', async () => {
  const { guard, port, ran } = await start();
  await leave(port, upgrade('Bearer slow'), () => guard.seen(1));
  expect(await raw(port, upgrade('Bearer good'))).toContain('hello');
  guard.release();
  expect(await raw(port, upgrade('Bearer good'))).toContain('hello');
  expect(ran).toEqual(['socket dana ', 'socket dana ']);
});
