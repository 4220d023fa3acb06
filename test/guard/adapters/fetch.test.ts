import { afterEach, describe, expect, test } from 'vitest';
import { fetchGuard } from '../../../src/guard/adapters/fetch.ts';
import { ask } from './client.ts';
import { type Service, serveFetch } from './services.ts';
import { access, StubGuard } from './stub-guard.ts';

const good = 'Bearer good';
const opened: Service[] = [];
afterEach(async () => {
  for (const service of opened.splice(0)) await service.close();
});

describe('fetch', () => {
  const start = async () => {
    const guard = new StubGuard();
    const breakglass = fetchGuard(guard, { onFailure: () => {} });
    const handler = breakglass.handler(
      'db:read',
      (_, { subject }, more: string) => new Response(`${subject} ${more}`),
      async (_, more) => new Response(`rbac ${more}`),
    );
    const service = await serveFetch((incoming) => handler(incoming, 'env'), []);
    opened.push(service);
    return { guard, breakglass, port: service.port };
  };

  test('a handler of Bun, Deno or a Worker: allowed, denied, without credentials, and a guard that fails', async () => {
    const { port } = await start();
    const heard = async (authorization?: string) => {
      const { status, body } = await ask(port, authorization === undefined ? {} : { authorization });
      return [status, body];
    };
    expect(await heard(good)).toEqual([200, 'dana env']);
    expect(await heard('Bearer bad')).toEqual([401, '{"error":"invalid_token"}']);
    expect(await heard()).toEqual([200, 'rbac env']);
    expect(await heard('Bearer broken')).toEqual([503, '{"error":"temporarily_unavailable"}']);
  });

  test('a denied HEAD has no body', async () => {
    const handler = fetchGuard(new StubGuard()).handler(
      'db:read',
      () => new Response(),
      () => new Response(),
    );
    const headers = { authorization: 'Bearer bad' };
    const response = await handler(new Request('http://db.example.com/rows', { method: 'HEAD', headers }));
    expect([response.status, response.body]).toEqual([401, null]);
  });

  test('the decision alone; a guard that fails rejects', async () => {
    const { breakglass } = await start();
    const from = (authorization: string) => new Request('http://db.example.com/rows', { headers: { authorization } });
    expect(await breakglass.check(from(good), 'db:read')).toEqual({ outcome: 'allowed', access });
    await expect(breakglass.check(from('Bearer broken'), 'db:read')).rejects.toThrow('inside');
  });
});
