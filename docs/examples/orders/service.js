// The service: a small API with normal RBAC, and the guard. This is all that a service owner writes.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { accessOf, createGuard, nodeGuard } from 'breakglass/guard';
import { WebSocketServer } from 'ws';

/** Normal RBAC: who has which key, and which role. dana has an account, and no role that sees orders. */
const accounts = new Map([
  ['key-of-dana', { name: 'dana', roles: ['support'] }],
  ['key-of-olga', { name: 'olga', roles: ['support', 'orders'] }],
]);

function rbac(role) {
  return (request, response, next) => {
    const account = accounts.get(request.headers['x-api-key']);
    if (account?.roles.includes(role)) return next();
    return answer(response, account ? 403 : 401, { error: 'not permitted' });
  };
}

/** Starts the service over `folder`, where trust.jws and revocations.jws lie and where it keeps what is its own. */
export async function startOrders(folder) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const guard = await createGuard({
    trust: join(folder, 'trust.jws'),
    audience: 'https://orders.example.com',
    mode: 'production',
    revocations: join(folder, 'revocations.jws'),
    state: join(folder, 'state'),
    useLog: { path: join(folder, 'uses.jws'), name: 'orders-1', secondSink: join(folder, 'elsewhere.jws') },
    origin,
    onEvent: () => {},
  });
  const breakglass = nodeGuard(guard);
  const routes = {
    'GET /orders': breakglass.listener('orders:read', listOrders, rbac('orders')),
    'DELETE /orders': breakglass.listener('orders:write', deleteOrders, rbac('orders')),
  };
  server.on('request', (request, response) => {
    const route = routes[`${request.method} ${request.url.split('?')[0]}`];
    return route ? route(request, response) : answer(response, 404, { error: 'not found' });
  });

  const sockets = new WebSocketServer({ noServer: true });
  server.on(
    'upgrade',
    breakglass.upgrade('orders:read', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (connection) => {
        // What is started with a token ends with it: at its expiry, and when somebody kills it.
        guard.sessions.open(accessOf(request), { onEnd: (reason) => connection.close(4401, `break-glass ${reason}`) });
        connection.send('live');
      });
    }),
  );
  return {
    origin,
    guard,
    close: async () => {
      await guard.close();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listOrders(request, response) {
  const access = accessOf(request);
  answer(response, 200, { orders: [{ id: 1, total: 42 }], openedBy: access ? access.incident : null });
}

function deleteOrders(_request, response) {
  answer(response, 200, { deleted: 1 });
}

function answer(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
