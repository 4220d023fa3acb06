import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';

/** A running HAProxy in front of a service that says yes to everything that it hears. */
export interface Gateway {
  ask(request: Ask): Promise<{ readonly status: number; readonly body: string }>;
  close(): Promise<void>;
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  /** Values of `Authorization` fields, one field each. */
  readonly authorization: readonly string[];
}

/** Starts HAProxy with the configuration of the page, in `dir`; only places and ports are put in. */
export async function startHaproxy(configuration: string, dir: string): Promise<Gateway> {
  const service = createServer((_, response) => response.end('service'));
  const [servicePort, port] = [await listen(service), await freePort()];
  const file = join(dir, 'haproxy.cfg');
  writeFileSync(
    file,
    configuration
      .replaceAll('/etc/haproxy/breakglass', dir)
      .replace('/run/haproxy/admin.sock', join(dir, 'admin.sock'))
      .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replace('127.0.0.1:3000', `127.0.0.1:${servicePort}`),
  );
  const checked = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
  if (checked.status !== 0) throw new Error(`haproxy refuses the configuration of the page: ${checked.stderr}`);
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'ignore'] });
  const ended = once(child, 'exit');
  await listening(port, child);
  return {
    ask: (ask) => send(port, ask),
    close: async () => {
      child.kill('SIGKILL');
      await ended;
      service.close();
      service.closeAllConnections();
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`haproxy ended at once, with ${child.exitCode}`);
    try {
      await send(port, { authorization: [] });
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function send(port: number, { method = 'GET', path = '/rows', authorization }: Ask) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    if (authorization.length > 0) request.setHeader('authorization', authorization);
    request.on('error', reject);
    request.end();
  });
}
