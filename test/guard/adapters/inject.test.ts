import fastify from 'fastify';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
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
