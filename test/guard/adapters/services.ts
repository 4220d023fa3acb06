import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import express, { type NextFunction, type Request, type Response } from 'express';
import express4 from 'express4';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import fastify4 from 'fastify4';
import { type Context, Hono, type Next } from 'hono';
import { accessOf } from '../../../src/guard/adapters/attach.ts';
import type { AdapterOptions, Checker } from '../../../src/guard/adapters/decide.ts';
import { expressGuard } from '../../../src/guard/adapters/express.ts';
import { fastifyGuard } from '../../../src/guard/adapters/fastify.ts';
import { fetchGuard } from '../../../src/guard/adapters/fetch.ts';
import { nodeGuard } from '../../../src/guard/adapters/node.ts';
import type { Access } from '../../../src/guard/decision.ts';

/** What ran for the requests of a service, in order. */
export type Ran = string[];

export interface Service {
  readonly port: number;
  readonly ran: Ran;
  close(): Promise<void>;
}

export interface ServiceOptions extends AdapterOptions<object> {
  /** Something before the guard has begun to answer. */
  readonly begun?: true;
  /** Something before the guard has given the request a member `breakglass` that nobody can change. */
  readonly taken?: true;
}

/**
 * The same service in each framework. `/rows`: break-glass db:read, or normal RBAC, which the field `x-role` stands for: `reader` passes,
 * `throws` makes RBAC fail, `throws nothing` with an error that looks like none, anything else is 403. `/two` has a second function, to
 * which `first` is nobody (`first, 0` is passed on with an error that is none), and which `late` makes fail a while later; `/open` has none; of `/broken` the handler fails; in Fastify
 * `/wrapped` and `/promised` have the second alone. Mounted at `/api`
 * and, two levels deep, at `/deep/api` too.
 */
export type StartService = (checker: Checker, options?: ServiceOptions) => Promise<Service>;

const mounted = /^(\/deep)?\/api(?=\/)/;

/** RBAC that does not decide, but fails. */
function failFor(role: unknown): void {
  if (role === 'throws') throw new Error('rbac is broken');
  if (role === 'throws nothing') throw '';
}

function take(request: object, taken: true | undefined): void {
  if (taken) Object.defineProperty(request, 'breakglass', { value: { subject: 'eve' } });
}

const rows = (access: Access | undefined, member: unknown, body: string) =>
  JSON.stringify({ by: access?.subject ?? 'rbac', member: member === undefined ? null : member === access, body });

export const startNode: StartService = async (checker, { begun, taken, ...options } = {}) => {
  const ran: Ran = [];
  const breakglass = nodeGuard(checker, options);
  const handler = async (request: IncomingMessage, response: ServerResponse) => {
    ran.push('handler');
    const body = await textOf(request);
    response.end(rows(accessOf(request), Reflect.get(request, 'breakglass'), body));
  };
  const rbac = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => {
    ran.push('rbac');
    failFor(request.headers['x-role']);
    if (request.headers['x-role'] === 'first, 0') return next(0);
    if (/reader|first|late/.test(String(request.headers['x-role']))) return next();
    response.statusCode = 403;
    response.end('no role');
  };
  const second = async (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    await late(ran, request.headers['x-role']);
    if (request.headers['x-role'] === 'reader') return next();
    response.statusCode = 403;
    response.end('no role');
  };
  const routes = new Map([
    ['/rows', breakglass.listener('db:read', handler, rbac)],
    ['/two', breakglass.listener({ scope: 'db:read', action: 'read' }, handler, rbac, second)],
    ['/open', breakglass.listener('db:read', handler)],
  ]);
  const server = createServer((request, response) => {
    if (begun) response.write('begun ');
    take(request, taken);
    routes.get((request.url ?? '').replace(mounted, '').replace(/\?.*/, ''))?.(request, response);
  });
  return serve(server, ran);
};

export const startExpress: StartService = (checker, options) => serveExpress(express, checker, options);

/** Its types differ from those of 5 in places that this service does not touch. */
export const startExpress4: StartService = (checker, options) =>
  serveExpress(express4 as unknown as typeof express, checker, options);

async function serveExpress(
  framework: typeof express,
  checker: Checker,
  { begun, taken, ...options }: ServiceOptions = {},
): Promise<Service> {
  const ran: Ran = [];
  const breakglass = expressGuard(checker, options);
  const rbac = (request: Request, response: Response, next: NextFunction) => {
    ran.push('rbac');
    failFor(request.get('x-role'));
    if (request.get('x-role') === 'first, 0') next(0);
    else if (/reader|first|late/.test(request.get('x-role') ?? '')) next();
    else response.status(403).send('no role');
  };
  const second = async (request: Request, response: Response, next: NextFunction) => {
    await late(ran, request.get('x-role'));
    if (request.get('x-role') === 'reader') next();
    else response.status(403).send('no role');
  };
  const handler = (request: Request, response: Response) => {
    ran.push('handler');
    // Where there is no body, 4 says {} and 5 undefined.
    const text = typeof request.body === 'string' ? request.body : '';
    response.send(rows(accessOf(request), Reflect.get(request, 'breakglass'), text));
  };
  const body = framework.text({ limit: '10mb', type: '*/*' });
  const router = framework.Router();
  router.use((request, response, next) => {
    if (begun) response.write('begun ');
    take(request, taken);
    next();
  });
  router.all('/rows', breakglass.require('db:read', rbac), body, handler);
  router.all('/two', breakglass.require({ scope: 'db:read', action: 'read' }, rbac, second), body, handler);
  router.all('/open', breakglass.require('db:read'), body, handler);
  router.all('/broken', breakglass.require('db:read'), broken);
  const app = framework();
  app.use('/deep', framework().use('/api', router));
  app.use('/api', router);
  app.use(router);
  app.use((_error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    response.status(500).end();
  });
  return serve(createServer(app), ran);
}

export const startFastify: StartService = (checker, options) => serveFastify(fastify, checker, options);

export const startFastify4: StartService = (checker, options) =>
  serveFastify(fastify4 as unknown as typeof fastify, checker, options);

async function serveFastify(
  framework: typeof fastify,
  checker: Checker,
  { begun, taken, ...options }: ServiceOptions = {},
): Promise<Service> {
  const ran: Ran = [];
  const breakglass = fastifyGuard(checker, options);
  const rbac = async (request: FastifyRequest, reply: FastifyReply) => {
    ran.push('rbac');
    failFor(request.headers['x-role']);
    if (!/reader|first|late/.test(String(request.headers['x-role']))) return reply.code(403).send('no role');
  };
  const second = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
    late(ran, request.headers['x-role']).then(() => {
      if (request.headers['x-role'] === 'reader') return done();
      reply.code(403).send('no role');
    }, done);
  };
  const handler = async (request: FastifyRequest) => {
    ran.push('handler');
    return rows(accessOf(request), Reflect.get(request, 'breakglass'), String(request.body ?? ''));
  };
  const app = framework({ bodyLimit: 10_000_000, forceCloseConnections: true });
  app.addContentTypeParser('*', { parseAs: 'string' }, async (_: FastifyRequest, body: string) => body);
  app.addHook('onRequest', async (request, reply) => {
    if (begun) reply.raw.write('begun ');
    take(request, taken);
  });
  const routes = async (scope: FastifyInstance) => {
    const method = ['GET', 'POST', 'OPTIONS'];
    scope.route({ method, url: '/rows', onRequest: breakglass.require('db:read', rbac), handler });
    const two = breakglass.require({ scope: 'db:read', action: 'read' }, rbac, second);
    scope.route({ method, url: '/two', onRequest: two, handler });
    scope.route({ method, url: '/open', onRequest: [breakglass.require('db:read')], handler });
    // As tracing libraries wrap hooks: no parameter is named.
    const wrapped = (...args: Parameters<typeof second>) => second(...args);
    scope.route({ method, url: '/wrapped', onRequest: breakglass.require('db:read', wrapped), handler });
    const both: typeof second = async (request, reply, done) => second(request, reply, done);
    scope.route({ method, url: '/promised', onRequest: breakglass.require('db:read', both), handler });
    scope.route({ method, url: '/broken', onRequest: breakglass.require('db:read'), handler: broken });
  };
  app.register(routes);
  app.register(routes, { prefix: '/api' });
  app.register(async (scope) => void scope.register(routes, { prefix: '/api' }), { prefix: '/deep' });
  await app.listen({ host: '127.0.0.1', port: 0 });
  return { port: (app.server.address() as AddressInfo).port, ran, close: () => app.close() };
}

export const startHono: StartService = async (checker, options = {}) => {
  const ran: Ran = [];
  const breakglass = fetchGuard(checker, options);
  const rbac = async (context: Context, next: Next) => {
    ran.push('rbac');
    failFor(context.req.header('x-role'));
    return /reader|first|late/.test(context.req.header('x-role') ?? '') ? next() : context.text('no role', 403);
  };
  const second = async (context: Context, next: Next) => {
    await late(ran, context.req.header('x-role'));
    return context.req.header('x-role') === 'reader' ? next() : context.text('no role', 403);
  };
  const app = new Hono<{ Variables: { breakglass?: Access } }>();
  const routes = new Hono<{ Variables: { breakglass?: Access } }>();
  routes.on(['GET', 'POST', 'OPTIONS'], '/rows', breakglass.require('db:read', rbac), async (context) => {
    ran.push('handler');
    return context.body(rows(accessOf(context), context.get('breakglass'), await context.req.text()));
  });
  routes.all('/two', breakglass.require({ scope: 'db:read', action: 'read' }, rbac, second), async (context) => {
    ran.push('handler');
    return context.body(rows(accessOf(context.req.raw), context.get('breakglass'), await context.req.text()));
  });
  routes.all('/open', breakglass.require('db:read'), async (context) => {
    ran.push('handler');
    return context.body(rows(accessOf(context), context.get('breakglass'), ''));
  });
  routes.all('/broken', breakglass.require('db:read'), broken);
  app.route('/', routes);
  app.route('/api', routes);
  app.route('/deep', new Hono().route('/api', routes));
  return serveFetch((request) => app.fetch(request), ran);
};

/** A server of the fetch style over node:http, for Node.js 20 has none. */
export async function serveFetch(answer: (request: globalThis.Request) => unknown, ran: Ran): Promise<Service> {
  const server = createServer(async (incoming, outgoing) => {
    const headers = new Headers();
    for (let n = 0; n < incoming.rawHeaders.length; n += 2)
      headers.append(incoming.rawHeaders[n] ?? '', incoming.rawHeaders[n + 1] ?? '');
    const bodiless = incoming.method === 'GET' || incoming.method === 'HEAD';
    const init: RequestInit = { method: incoming.method ?? 'GET', headers };
    const body = bodiless ? {} : { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' };
    const request = new globalThis.Request(`http://127.0.0.1${incoming.url}`, { ...init, ...body } as RequestInit);
    const response = (await answer(request)) as globalThis.Response;
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  return serve(server, ran);
}

export async function serve(server: Server, ran: Ran): Promise<Service> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ran,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function broken(): never {
  throw new Error('the handler is broken');
}

async function late(ran: Ran, role: unknown): Promise<void> {
  ran.push('second');
  await new Promise((resolve) => setImmediate(resolve));
  if (role === 'late') throw new Error('rbac is broken');
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
