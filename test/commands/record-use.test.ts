import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { readUseLogs, useLogFile } from '../../src/use/use-chain.ts';
import type { Use } from '../../src/use/use-record.ts';
import { audience, json, mintToken, openScenes, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
let minted: Scene;
let scene: Scene;
let token: string;
beforeAll(async () => {
  scenes = await openScenes();
  minted = scenes.origin.copy();
  token = (await mintToken(minted)).token;
});
beforeEach(() => {
  scene = minted.copy();
});
afterAll(() => scenes.remove());

const by = ['--trust', 'out/trust.jws', '--audience', audience, '--revocations', 'out/revocations.jws'];

function usesIn(file: string) {
  const uses: Use[] = [];
  const { findings, logs } = readUseLogs([useLogFile(file, readFileSync(scene.path(file)))], {
    keys: [],
    onUse: ({ use }) => uses.push(use),
  });
  return { uses, logs, codes: findings.map(({ code }) => code) };
}

describe('verify --record-use', () => {
  test('records what was allowed and what was denied, in one chain, and shows the verdict as without it', async () => {
    const plain = await scene.run(['verify', token, ...by]);
    const run = await scene.run(['verify', token, ...by, '--record-use', 'uses.jws']);
    expect(run).toMatchObject({ status: 0, stderr: 'recorded in uses.jws, record 2\n' });
    expect(run.stdout.split('\n')[0]).toBe(plain.stdout.split('\n')[0]);
    const elsewhere = [...by.slice(0, 3), 'https://other.example.com', ...by.slice(4)];
    expect((await scene.run(['verify', token, ...elsewhere, '--record-use', 'uses.jws'])).status).toBe(1);
    expect((await scene.run(['verify', 'no-token', ...by, '--record-use', 'uses.jws'])).status).toBe(1);
    const { uses, logs, codes } = usesIn('uses.jws');
    expect(codes).toEqual(['USE_KEY_UNKNOWN']);
    expect(logs).toMatchObject([{ closed: true, genesis: { name: 'manual', audience: null } }]);
    const common = { method: 'MANUAL', proof: null, session: null, client: null };
    const proved = { incident: 'inc-1', subject: 'dana', role: 'db-admin', drill: false };
    expect(uses).toMatchObject([
      { ...common, outcome: 'allowed', code: null, route: audience, token: proved, tokenSha256: sha256Hex(token) },
      { ...common, outcome: 'denied', code: 'TOKEN_AUDIENCE', route: 'https://other.example.com', token: proved },
      { ...common, outcome: 'denied', code: 'TOKEN_NOT_COMPACT', token: null, tokenSha256: sha256Hex('no-token') },
    ]);
  });

  test('shows no verdict that it could not record', async () => {
    const run = await scene.run(['verify', token, ...by, '--record-use', 'nowhere/uses.jws', '--json']);
    expect(run.status).toBe(3);
    expect(json(run)).toMatchObject({ v: 1, errors: [{ code: 'USE_LOG_FAILED' }] });
    writeFileSync(scene.path('notes.txt'), 'not a log\n');
    const other = await scene.run(['verify', token, ...by, '--record-use', 'notes.txt']);
    expect(other).toMatchObject({ status: 1, stdout: '' });
    expect(readFileSync(scene.path('notes.txt'), 'utf8')).toBe('not a log\n');
  });

  test('needs a verdict, and one of now', async () => {
    const [first = '', ...rest] = by;
    for (const flags of [
      [first, rest[0] ?? ''],
      [...by, '--at', '2026-01-01T00:00:00Z'],
    ]) {
      const run = await scene.run(['verify', token, ...flags, '--record-use', 'uses.jws']);
      expect(run).toMatchObject({ status: 2, stdout: '' });
      expect(existsSync(scene.path('uses.jws'))).toBe(false);
    }
  });
});

describe('guard key', () => {
  test('prints the same key from the key file and from the log, and says which of them proves nothing', async () => {
    await scene.run(['verify', token, ...by, '--record-use', 'uses.jws', '--use-key', 'my.key']);
    const fromKey = await scene.run(['guard', 'key', 'my.key']);
    expect(fromKey).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(fromKey.stdout)).toEqual({ crv: 'Ed25519', kty: 'OKP', x: expect.any(String) });
    const fromLog = await scene.run(['guard', 'key', 'uses.jws']);
    expect(fromLog.stdout).toBe(fromKey.stdout);
    expect(fromLog.stderr).toContain('the log names itself');
    expect(json(await scene.run(['guard', 'key', 'my.key', '--json']))).toEqual({
      v: 1,
      jwk: JSON.parse(fromKey.stdout),
      kid: expect.stringMatching(/^[\w-]{43}$/),
      source: 'key',
    });
  });

  test('refuses what is neither, what is not there, and a key that others may read', async () => {
    writeFileSync(scene.path('text'), 'text');
    expect((await scene.run(['guard', 'key', 'text'])).stderr).toContain('text is neither a key file nor a use log');
    expect((await scene.run(['guard', 'key', 'out/trust.jws'])).stderr).toContain(
      'is neither a key file nor a use log',
    );
    expect((await scene.run(['guard', 'key', 'cards'])).status).toBe(2);
    expect((await scene.run(['guard', 'key', 'nowhere'])).stderr).toContain(
      'there is no key file or use log at nowhere',
    );
    await scene.run(['verify', token, ...by, '--record-use', 'uses.jws', '--use-key', 'my.key']);
    chmodSync(scene.path('my.key'), 0o644);
    expect((await scene.run(['guard', 'key', 'my.key'])).status).toBe(6);
  });

  test('does not print the key of a log whose genesis another key signed', async () => {
    await scene.run(['verify', token, ...by, '--record-use', 'uses.jws']);
    const [line = ''] = readFileSync(scene.path('uses.jws'), 'utf8').split('\n');
    const [header, payload] = line.split('.');
    writeFileSync(scene.path('forged.jws'), `${header}.${payload}.${'A'.repeat(86)}\n`);
    const run = await scene.run(['guard', 'key', 'forged.jws']);
    expect(run).toMatchObject({ status: 2, stdout: '' });
    expect(run.stderr).toContain('names another key');
  });
});
