import express, { type Request, type Response } from 'express';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
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
  const app = fastify();
  app.get('/rows', { onRequest: fastifyGuard(new StubGuard()).require('db:read') }, async () => 'rows');
  expect((await app.inject({ url: '/rows', headers: { authorization } })).statusCode).toBe(status);
  await app.close();
});

test.each(answers)("Hono's request: %s → %d", async (authorization, status) => {
  const app = new Hono().get('/rows', fetchGuard(new StubGuard()).require('db:read'), (c) => c.text('rows'));
  expect((await app.request('/rows', { headers: { authorization } })).status).toBe(status);
});

test('a hook of a whole Fastify context stands before all its routes', async () => {
  const app = fastify();
  app.addHook('onRequest', fastifyGuard(new StubGuard()).require('db:read'));
  app.get('/rows', async () => 'rows');
  expect((await app.inject({ url: '/rows', headers: { authorization: 'Bearer bad' } })).statusCode).toBe(401);
  expect((await app.inject({ url: '/rows', headers: { authorization: 'Bearer good' } })).body).toBe('rows');
  await app.close();
});

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
