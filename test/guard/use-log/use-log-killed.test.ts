import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openUseLog } from '../../../src/guard/use-log/use-log.ts';
import { loadPublicKey } from '../../../src/key/public.ts';
import { bundleProgram, startShell, temporaryFolder } from '../../machine/child.ts';
import { read, trustId } from '../../use/fixture.ts';

// Writes uses as fast as it can and says of each that was resolved which it is, until it is killed.
const writer = `
  import { writeSync } from 'node:fs';
  import { openUseLog } from '../guard/use-log/use-log.ts';
  const [path, secondSink, round] = process.argv.slice(2);
  const log = await openUseLog({
    path, secondSink, name: 'db', trustId: '${trustId}', audience: null, maxBytes: 30_000,
    clock: { now: () => Math.floor(Date.now() / 1000) },
  });
  let n = 0;
  const use = () => ({
    atMs: Date.now(), outcome: 'allowed', code: null, token: null, tokenSha256: null, proof: null, session: null,
    method: 'GET', route: '/' + round + '/' + n++, scope: null, action: null, client: null,
  });
  writeSync(1, 'open\\n');
  await Promise.all(Array.from({ length: 5 }, async () => {
    for (;;) {
      const one = use();
      await log.record(one);
      writeSync(1, one.route + '\\n');
    }
  }));`;

/** A fixed sequence: after how many uses to kill. When exactly in the writing of the next one that is, is the machine's own. */
function* counts(): Generator<number, never> {
  let state = 20260201;
  for (;;) {
    state = (state * 1103515245 + 12345) % 2147483648;
    yield state % 80;
  }
}

test('killed at any moment and opened again, the log has every use that was resolved, in one whole chain', async () => {
  const dir = temporaryFolder();
  const program = bundleProgram(dir, 'writer', writer);
  const path = join(dir, 'uses.jws');
  const copy = join(dir, 'copy.jws');
  const resolved: string[] = [];
  const after = counts();
  for (let round = 0; round < 12; round++) {
    const child = startShell(`exec "$NODE" ${program} ${path} ${copy} ${round}`);
    let said = '';
    let errors = '';
    child.stderr?.on('data', (chunk) => {
      errors += chunk;
    });
    const lines = after.next().value;
    child.stdout?.on('data', (chunk) => {
      said += chunk;
      if (said.split('\n').length > lines + 1) child.kill('SIGKILL');
    });
    await once(child, 'close');
    expect(errors).toBe('');
    resolved.push(...said.split('\n').slice(1, -1));
  }
  const log = await openUseLog({
    path,
    secondSink: copy,
    name: 'db',
    trustId,
    audience: null,
    clock: { now: () => 1 },
  });
  await log.close();
  for (const stem of ['uses', 'copy']) {
    const names = readdirSync(dir).filter((name) => name.startsWith(stem) && name.endsWith('.jws'));
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name))]));
    const { codes, routes, logs } = read(files, [loadPublicKey(log.publicJwk, 'the guard')]);
    expect(codes.filter((code) => code !== 'USE_LINE_MENDED')).toEqual([]);
    expect(logs).toHaveLength(1);
    expect(new Set(routes).size).toBe(routes.length);
    const written = new Set(routes);
    expect(resolved.filter((route) => !written.has(route))).toEqual([]);
  }
  expect(resolved.length).toBeGreaterThan(100);
});
