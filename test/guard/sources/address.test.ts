import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { denial, type Fixture, makeFixture } from '../../token/fixture.ts';
import { bearer, GuardScene, verdictOf } from '../fixture.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let fixture: Fixture;
let scene: GuardScene;
let server: Server;
let address: string;
let answer: Answer;
let asked: IncomingMessage[];
beforeAll(async () => {
  fixture = await makeFixture('ES256');
});
beforeEach(async () => {
  scene = new GuardScene(fixture);
  asked = [];
  answer = sends(`${fixture.firstLine}\n`, '"1"');
  server = createServer((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/revocations.jws?key=secret`;
});
afterEach(async () => {
  await scene.end();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const sends =
  (body: string, etag?: string): Answer =>
  (request, response) => {
    if (etag !== undefined && request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    return void response.writeHead(200, etag === undefined ? {} : { etag }).end(body);
  };

const guardOf = (change = {}) => scene.guard({ revocations: address, intervalSeconds: 900, ...change });

describe('a list at an address', () => {
  test('is asked for with its tag, and a denial in it is in force', async () => {
    const guard = await guardOf();
    const token = await scene.token();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    scene.clocks.pass(200);
    await guard.refresh();
    const tags = asked.map(({ headers }) => headers['if-none-match']);
    expect([tags[0], tags.at(-1)]).toEqual([undefined, '"1"']);
    scene.clocks.pass(200);
    // Not modified is as good as read whole.
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    answer = sends(
      `${fixture.firstLine}\n${await scene.line({ deny: [denial({ kind: 'role', value: 'db-admin' })] })}\n`,
      '"2"',
    );
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('TOKEN_REVOKED');
  });

  test('is asked for every so often', async () => {
    const guard = await guardOf({ intervalSeconds: 0.05 });
    const token = await scene.token();
    answer = sends(
      `${fixture.firstLine}\n${await scene.line({ deny: [denial({ kind: 'role', value: 'db-admin' })] })}\n`,
    );
    for (const end = Date.now() + 20_000; verdictOf(await guard.check(bearer(token))) !== 'TOKEN_REVOKED'; ) {
      if (Date.now() > end) throw new Error('it never came');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  test.each<[string, () => Answer]>([
    ['a page', () => sends('<html>please log in</html>\n')],
    ['nothing', () => sends('')],
    ['a list without its end', () => sends(fixture.firstLine)],
    ['not modified, though it was not asked', () => (_, response) => response.writeHead(304).end()],
    ['a redirect', () => (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['an error', () => (_, response) => response.writeHead(503).end(`${fixture.firstLine}\n`)],
    [
      'half of what it said',
      () => (_, response) => {
        response.writeHead(200, { 'content-length': '100000' });
        response.write(`${fixture.firstLine}\n`);
        setTimeout(() => response.destroy(), 20);
      },
    ],
    ['a hung-up connection', () => (request) => request.socket.destroy()],
  ])(
    'that answers with %s keeps break-glass closed, and closes it when the last good answer is stale',
    async (_, make) => {
      const bad = make();
      answer = bad;
      const guard = await guardOf();
      const token = await scene.token();
      expect(verdictOf(await guard.check(bearer(token)))).toBe('REVOCATIONS_MISSING');
      expect(scene.eventsOf('source.failed')).toHaveLength(1);
      expect(JSON.stringify(scene.events)).not.toContain('secret');
      answer = sends(`${fixture.firstLine}\n`);
      await guard.refresh();
      expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
      expect(scene.eventsOf('source.recovered')).toHaveLength(1);
      answer = bad;
      scene.clocks.pass(301);
      await guard.refresh();
      expect(verdictOf(await guard.check(bearer(token)))).toBe('REVOCATIONS_STALE');
    },
  );

  test('that never answers holds up neither the service, nor the watched file, nor its denials', async () => {
    answer = () => {};
    const made = await scene.guard({
      revocations: [scene.path('watched/revocations.jws'), address],
      intervalSeconds: 900,
    });
    const token = await scene.token();
    expect(verdictOf(await made.check(bearer(token)))).toBe('allowed');
    await scene.deny(denial({ kind: 'subject', value: 'dana' }));
    for (const end = Date.now() + 4000; verdictOf(await made.check(bearer(token))) !== 'TOKEN_REVOKED'; ) {
      if (Date.now() > end) throw new Error('it waited for the address');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });

  test('and a trust file at one: both come from there', async () => {
    const list = answer;
    answer = (request, response) =>
      request.url?.startsWith('/trust.jws') ? void response.end(fixture.trust.bytes) : list(request, response);
    const guard = await guardOf({ trust: address.replace('revocations', 'trust') });
    expect(verdictOf(await guard.check(bearer(await scene.token())))).toBe('allowed');
  });

  test('is not needed where a file is fresh', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const guard = await scene.guard({ revocations: [address, scene.path('watched/revocations.jws')] });
    const token = await scene.token();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('allowed');
    rmSync(scene.path('watched/revocations.jws'));
    scene.clocks.pass(301);
    await guard.refresh();
    expect(verdictOf(await guard.check(bearer(token)))).toBe('REVOCATIONS_STALE');
  });
});
