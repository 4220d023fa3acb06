import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, test } from 'vitest';
import { ask } from './client.ts';
import { type Service, serveFetch } from './services.ts';

// The examples of docs/guard.md, as they stand there: only the port is another one.
const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = readFileSync(join(root, 'docs/guard.md'), 'utf8');
// Below node_modules, so that the frameworks are found.
mkdirSync(join(root, 'node_modules/.cache'), { recursive: true });
const dir = mkdtempSync(join(root, 'node_modules/.cache/guard-page-'));
const children: ChildProcess[] = [];
const services: Service[] = [];
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const service of services) await service.close();
  rmSync(dir, { recursive: true, force: true });
});

const nodeReader = `export const reader = (request, response, next) =>
  request.headers['x-role'] === 'reader' ? next() : ((response.statusCode = 403), response.end());`;
const ownRbac: Record<string, string> = {
  Express: nodeReader,
  'node:http': nodeReader,
  Fastify: `export const reader = async (request, reply) => {
    if (request.headers['x-role'] !== 'reader') return reply.code(403).send();
  };`,
  Hono: `export const reader = async (c, next) => (c.req.header('x-role') === 'reader' ? next() : c.text('', 403));`,
  'Bun, Deno, Workers': `export const normal = (request) => request.headers.get('x-role') === 'reader'
    ? Response.json({ rows: [], openedBy: null }) : new Response('', { status: 403 });`,
};

describe.each(Object.keys(ownRbac))('the example for %s', (title) => {
  test('opens to the token and to RBAC, and to nobody else', async () => {
    const port = await start(title);
    const opened = await ask(port, { authorization: 'Bearer good' });
    expect([opened.status, JSON.parse(opened.body)]).toEqual([200, { rows: [], openedBy: 'inc-1' }]);
    const reader = await ask(port, { headers: { 'x-role': 'reader' } });
    expect([reader.status, JSON.parse(reader.body)]).toEqual([200, { rows: [], openedBy: null }]);
    expect((await ask(port, {})).status).toBe(403);
    expect((await ask(port, { authorization: 'Bearer bad', headers: { 'x-role': 'reader' } })).status).toBe(401);
  });
});

async function start(title: string): Promise<number> {
  const section = page.split(/^### /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
  const [, example = ''] = /^```ts\n([\s\S]*?)^```/m.exec(section) ?? [];
  expect(example).not.toBe('');
  const port = await freePort();
  const file = join(dir, `${title.replaceAll(/\W/g, '')}.mjs`);
  await build({
    stdin: { contents: example.replace('3000', String(port)), resolveDir: root, loader: 'ts' },
    ...{ outfile: file, bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external' },
    plugins: [neighbours(title)],
  });
  if (example.includes('export default')) {
    const { default: app } = (await import(file)) as { default: { fetch(request: Request): unknown } };
    const service = await serveFetch((request) => app.fetch(request), []);
    services.push(service);
    return service.port;
  }
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(child);
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the example ended with ${child.exitCode}`);
    const listens = await ask(port, {}).catch(() => undefined);
    if (listens) return port;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What an example imports besides frameworks: the library, a guard, and the reader's own files. */
function neighbours(title: string) {
  const files: Record<string, string> = {
    'breakglass/guard': `export * from '${root}/src/guard/index.ts';`,
    './guard.js': `import { StubGuard } from '${root}/test/guard/adapters/stub-guard.ts'; export const guard = new StubGuard();`,
    './live.js': 'export const live = () => {};',
    './rbac.js': ownRbac[title] ?? '',
  };
  return {
    name: 'neighbours',
    setup(builder: import('esbuild').PluginBuild) {
      builder.onResolve({ filter: /^(breakglass\/guard|\.\/(guard|live|rbac)\.js)$/ }, ({ path }) => ({
        path,
        namespace: 'page',
      }));
      builder.onLoad({ filter: /.*/, namespace: 'page' }, ({ path }) => ({
        contents: files[path] ?? '',
        resolveDir: root,
        loader: 'ts',
      }));
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
