import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { expressGuard } from '../../../src/guard/adapters/express.ts';
import { ask } from './client.ts';
import { type Service, startFastify, startFastify4 } from './services.ts';
import { StubGuard } from './stub-guard.ts';

const opened: Service[] = [];
afterEach(async () => {
  for (const service of opened.splice(0)) await service.close();
});

describe.each([
  ['Fastify 5', startFastify],
  ['Fastify 4', startFastify4],
] as const)('%s', (_, start) => {
  test.each(['/wrapped', '/promised'])(
    'RBAC that takes done is waited for, however it is written: %s',
    async (path) => {
      const service = await start(new StubGuard());
      opened.push(service);
      const asked = (role: string) => ask(service.port, { path, headers: { 'x-role': role } });
      expect((await asked('reader')).status).toBe(200);
      expect((await asked('nobody')).status).toBe(403);
      expect((await asked('late')).status).toBe(500);
      expect(service.ran).toEqual(['second', 'handler', 'second', 'second']);
    },
  );
});

describe('RBAC that fails with the promise of another library', () => {
  const rejects = (_: unknown, rejected: (error: Error) => void) => rejected(new Error('rbac is broken'));
  const ends = Object.fromEntries([['then', rejects]]);

  test('goes to the error handler of the router', async () => {
    const told = await new Promise((resolve) => {
      const request = { originalUrl: '/rows', method: 'GET', rawHeaders: [], headers: {}, socket: {} };
      const response = new ServerResponse(new IncomingMessage(new Socket()));
      expressGuard(new StubGuard()).require('db:read', () => ends)(request, response, resolve);
    });
    expect(told).toMatchObject({ message: 'rbac is broken' });
  });
});
