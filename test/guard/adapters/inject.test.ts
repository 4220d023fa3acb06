import express, { type Request, type Response } from 'express';
import express4, { type Request as Request4, type Response as Response4 } from 'express4';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import fastify4, { type FastifyReply as FastifyReply4, type FastifyRequest as FastifyRequest4 } from 'fastify4';
import { type Context, Hono } from 'hono';
import { expect, test } from 'vitest';
import { expressGuard } from '../../../src/guard/adapters/express.ts';
import { fastifyGuard } from '../../../src/guard/adapters/fastify.ts';
import { fetchGuard } from '../../../src/guard/adapters/fetch.ts';
import { StubGuard } from './stub-guard.ts';

// How services test their own routes: without a socket.
const answers = [
  ['Bearer good', 200],
  ['Bearer bad', 401],
] as const;

test.each(answers)("Fastify's inject: %s → %d", async (authorization, status) => {
  const hook = { onRequest: fastifyGuard(new StubGuard()).require('db:read') };
  const apps = [fastify().get('/rows', hook, async () => 'rows'), fastify4().get('/rows', hook, async () => 'rows')];
  for (const app of apps) {
    expect((await app.inject({ url: '/rows', headers: { authorization } })).statusCode).toBe(status);
    await app.close();
  }
});

test.each(answers)("Hono's request: %s → %d", async (authorization, status) => {
  const app = new Hono().get('/rows', fetchGuard(new StubGuard()).require('db:read'), (c) => c.text('rows'));
  expect((await app.request('/rows', { headers: { authorization } })).status).toBe(status);
});

const versions = [
  ['5', fastify],
  ['4', fastify4 as unknown as typeof fastify],
] as const;

test.each(versions)('a hook of a whole context of Fastify %s stands before all its routes', async (_, framework) => {
  const app = framework();
  app.addHook('onRequest', fastifyGuard(new StubGuard()).require('db:read'));
  app.get('/rows', async () => 'rows');
  expect((await app.inject({ url: '/rows', headers: { authorization: 'Bearer bad' } })).statusCode).toBe(401);
  expect((await app.inject({ url: '/rows', headers: { authorization: 'Bearer good' } })).body).toBe('rows');
  await app.close();
});

test.each(versions)(
  'in Fastify %s hooks before it have run, and those behind a denial do not',
  async (_, framework) => {
    const ran: string[] = [];
    const note = (name: string) => async () => void ran.push(name);
    const app = framework();
    app.addHook('onRequest', note('context'));
    // An answer takes its time on the way out: nothing may run meanwhile.
    app.addHook('onSend', async (__, ___, payload) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return payload;
    });
    app.addHook('preHandler', note('preHandler'));
    const onRequest = [note('before'), fastifyGuard(new StubGuard()).require('db:read'), note('behind')];
    app.get('/rows', { onRequest }, async () => 'rows');
    const status = async (authorization: string) =>
      (await app.inject({ url: '/rows', headers: { authorization } })).statusCode;
    expect(await status('Bearer bad')).toBe(401);
    expect(ran.splice(0)).toEqual(['context', 'before']);
    expect(await status('Bearer good')).toBe(200);
    expect(ran).toEqual(['context', 'before', 'behind', 'preHandler']);
    await app.close();
  },
);

test('RBAC may be written where it stands, with the types of the framework', async () => {
  const [app, web] = [fastify(), express()];
  const guard = new StubGuard();
  const [inFastify, inExpress, inHono] = [fastifyGuard(guard), expressGuard(guard), fetchGuard(guard)];
  app.get(
    '/rows',
    {
      onRequest: [
        inFastify.require('db:read', async (request: FastifyRequest, reply: FastifyReply) =>
          request.headers['x-role'] === 'reader' ? undefined : reply.code(403).send('no role'),
        ),
      ],
    },
    async () => 'rows',
  );
  web.get(
    '/rows',
    inExpress.require('db:read', (request: Request, response: Response, next) => {
      if (request.get('x-role') === 'reader') next();
      else response.sendStatus(403);
    }),
  );
  const hono = new Hono().get(
    '/rows',
    inHono.require('db:read', async (c: Context, next) => (c.req.header('x-role') ? next() : c.text('no role', 403))),
    (c) => c.text('rows'),
  );
  expect((await app.inject({ url: '/rows' })).statusCode).toBe(403);
  expect((await app.inject({ url: '/rows', headers: { 'x-role': 'reader' } })).statusCode).toBe(200);
  expect((await hono.request('/rows')).status).toBe(403);
  expect((await hono.request('/rows', { headers: { 'x-role': 'reader' } })).status).toBe(200);
  await app.close();
});

test('and with the types of the version before', async () => {
  const [app, web] = [fastify4(), express4()];
  const guard = new StubGuard();
  const hook = fastifyGuard(guard).require('db:read', async (request: FastifyRequest4, reply: FastifyReply4) =>
    request.headers['x-role'] === 'reader' ? undefined : reply.code(403).send('no role'),
  );
  app.get('/rows', { onRequest: [hook] }, async () => 'rows');
  const middleware = expressGuard(guard, { client: (request) => request.ip ?? null }).require(
    'db:read',
    (request: Request4, response: Response4, next) => {
      if (request.get('x-role') === 'reader') next();
      else response.sendStatus(403);
    },
  );
  web.get('/rows', middleware, (_: Request4, response: Response4) => void response.send('rows'));
  expect((await app.inject({ url: '/rows' })).statusCode).toBe(403);
  expect((await app.inject({ url: '/rows', headers: { 'x-role': 'reader' } })).statusCode).toBe(200);
  await app.close();
});
