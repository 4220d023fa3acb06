import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGuard } from '../../src/guard/guard.ts';
import { bearer, verdictOf } from '../guard/fixture.ts';
import { audience, json, mintToken, openScenes, payloadOf, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

/** What a guard of the command's own files says of requests with these tokens; its log goes on from call to call. */
async function verdicts(scene: Scene, requests: readonly (readonly [token: string, scope: string])[]) {
  const guard = await createGuard({
    trust: scene.path('out/trust.jws'),
    audience,
    mode: 'production',
    revocations: scene.path('out/revocations.jws'),
    state: scene.path('guard-state'),
    useLog: { path: scene.path('uses.jws'), name: 'db-1', secondSink: scene.path('copy.jws') },
    onEvent: () => {},
  });
  const said: string[] = [];
  for (const [token, scope] of requests) said.push(verdictOf(await guard.check(bearer(token), { scope })));
  await guard.close();
  return said;
}

interface Uses {
  readonly verdict: string;
  readonly allowed: number;
  readonly denied: number;
  readonly findings: readonly { readonly code: string }[];
}

async function audit(scene: Scene, files: readonly string[]): Promise<Uses> {
  const [genesis = ''] = readFileSync(scene.path('copy.jws'), 'utf8').split('\n');
  writeFileSync(scene.path('guard.jwk'), JSON.stringify((payloadOf(genesis) as { guard: object }).guard));
  const logs = files.flatMap((file) => ['--uses', file]);
  const by = ['--uses-key', 'guard.jwk', '--revocations', 'out/revocations.jws', '--trust', 'out/trust.jws', '--json'];
  return (json(await scene.run(['audit-check', 'a', 'b', ...logs, ...by])) as { uses: Uses }).uses;
}

test('what a guard let through and refused is in its log, and an auditor finds it complete, with its second copy too', async () => {
  const scene = scenes.origin.copy();
  const { token } = await mintToken(scene);
  expect(
    await verdicts(scene, [
      [token, 'db:read'],
      [token, 'db:drop'],
    ]),
  ).toEqual(['allowed', 'SCOPE_MISSING']);
  await scene.run(['revoke', '--kill', 'inc-1.kill.jws', '--list', 'out/revocations.jws', '--trust', 'out/trust.jws']);
  expect(await verdicts(scene, [[token, 'db:read']])).toEqual(['TOKEN_REVOKED']);
  expect(readdirSync(scene.dir)).toContain('uses.jws');
  for (const files of [['uses.jws'], ['copy.jws'], ['copy.jws', 'uses.jws']])
    expect(await audit(scene, files)).toMatchObject({ verdict: 'complete', allowed: 1, denied: 2, findings: [] });
});

test('a trail that lost the record of a token shows what the guard saw', async () => {
  const scene = scenes.origin.copy();
  const before = scene.copy();
  const { token } = await mintToken(scene);
  await verdicts(scene, [[token, 'db:read']]);
  for (const file of ['uses.jws', 'copy.jws']) writeFileSync(before.path(file), readFileSync(scene.path(file)));
  const { verdict, findings } = await audit(before, ['uses.jws']);
  expect([verdict, findings.map(({ code }) => code)]).toEqual(['misuse', ['USE_NOT_ISSUED']]);
});
