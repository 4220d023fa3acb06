import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { denial, makeFixture } from '../token/fixture.ts';
import { GuardScene } from './fixture.ts';
import type { ReplicaReport } from './replica.ts';

const names = ['replica-1', 'replica-2', 'replica-3', 'replica-4'];
const requests = 100_000;

let scene: GuardScene;
let children: ChildProcess[] = [];
beforeEach(async () => {
  scene = new GuardScene(await makeFixture('ES256'));
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await scene.end();
});

async function heard(child: ChildProcess, told: ReplicaReport['told']): Promise<ReplicaReport> {
  for (;;) {
    const [report] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`a replica ended with ${code}`))),
    ])) as [ReplicaReport];
    if (report.told === told) return report;
  }
}

test('four replicas share one list: after one revoke all deny, and no request that began after the last one knew is allowed', async () => {
  const program = scene.path('replica.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('replica.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  const token = await scene.token({ iat: Math.floor(Date.now() / 1000) });
  const perReplica = String(requests / names.length);
  children = names.map((name) => fork(program, [scene.dir, name, token, perReplica], { stdio: 'inherit' }));
  const all = (told: ReplicaReport['told']) => Promise.all(children.map((child) => heard(child, told)));
  await all('allowing');

  const accepting = all('accepted');
  await scene.deny(denial({ kind: 'incident', value: 'inc-2026-001' }));
  await accepting;
  const counted = all('counted');
  for (const child of children) child.send('count');

  for (const { acceptedAt, lastAllowedBegan, denied } of await counted) {
    expect(denied).toBeGreaterThanOrEqual(requests / names.length);
    expect(BigInt(lastAllowedBegan)).toBeLessThan(BigInt(acceptedAt));
  }
});
