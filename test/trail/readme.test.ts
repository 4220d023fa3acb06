import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sealJws } from '../../src/base/jws.ts';
import { recordName } from '../../src/trail/layout.ts';
import { trailReadme } from '../../src/trail/readme.ts';
import { buildTrail, changeByte, fixedEd25519, type TrailBuilder } from './build.ts';

let root: string;
let trail: TrailBuilder;
let script: string;

beforeAll(async () => {
  for (const tool of ['openssl', 'jq', 'sha256sum']) {
    if (spawnSync(tool, ['--version']).error)
      throw new Error(`this test needs ${tool}: apt-get install openssl jq coreutils`);
  }
  root = mkdtempSync(join(tmpdir(), 'bg-readme-'));
  trail = await buildTrail(2);
  await trail.plain('mint.refused');
  await trail.change('rotate');
  await trail.mint();
  script = cutScript();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Cuts the script out as the README says. */
function cutScript(): string {
  const text = trailReadme(trail.trust.id);
  writeFileSync(join(root, 'README.TXT'), text);
  const [, command = ''] = /^ {4}(sed .*) > \/tmp\/check\.sh$/m.exec(text) ?? [];
  const path = join(root, 'check.sh');
  writeFileSync(path, execFileSync('sh', ['-c', command], { cwd: root }));
  return path;
}

function runScript(files: ReadonlyMap<string, Uint8Array>, trustId = trail.trust.id) {
  const folder = mkdtempSync(join(root, 'trail-'));
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  return new Promise<{ status: number | null; stdout: string }>((resolve) => {
    const child = execFile('sh', [script, folder, trustId], (_error, stdout) =>
      resolve({ status: child.exitCode, stdout }),
    );
  });
}

test('the script of the README says OK to a good trail, over a rotation too', async () => {
  const { status, stdout } = await runScript(await trail.folder());
  expect(stdout).toMatch(/^OK/m);
  expect(stdout).toContain(`its SHA-256: 4 ${trail.prev}`);
  expect(status).toBe(0);
});

test('the script names what is wrong, and its exit status says so', async () => {
  const good = await trail.folder();
  const spoil = (change: (files: Map<string, Uint8Array>) => unknown) => {
    const files = new Map(good);
    change(files);
    return runScript(files);
  };
  const bytes = (name: string) => good.get(name) ?? new Uint8Array();
  const hostile = await sealJws(
    { ...trail.records[2], seq: 'x[$(touch OWNED)]' },
    'breakglass-record+jws',
    trail.recorder,
  );
  const last = bytes('00000004.JWS');
  const faults: readonly (readonly [string, (files: Map<string, Uint8Array>) => unknown])[] = [
    ['00000002.JWS', (files) => files.set('00000002.JWS', changeByte(bytes('00000002.JWS'), 400))],
    ['00000004.JWS is not signed', (files) => files.set('00000004.JWS', changeByte(last, last.length - 20))],
    ['a record is missing', (files) => files.delete('00000001.JWS')],
    [
      'holds record',
      (files) => files.set('00000001.JWS', bytes('00000002.JWS')).set('00000002.JWS', bytes('00000001.JWS')),
    ],
    ['does not follow', (files) => files.set('T0000002.TXT', bytes('T0000001.TXT'))],
    ['names a trust file that is not here', (files) => files.delete('T0000002.TXT')],
    ['has no number', (files) => files.set('00000001.JWS', Buffer.from(`${hostile}\n`))],
  ];
  const results = await Promise.all(faults.map(async ([message, change]) => ({ message, ...(await spoil(change)) })));
  for (const { message, status, stdout } of results) {
    expect(stdout).toContain(message);
    expect(stdout).not.toMatch(/^OK/m);
    expect(status).toBe(1);
  }
  expect(existsSync('OWNED')).toBe(false);
});

test('the script refuses a trail that another key signed, and another trust id', async () => {
  const forged = await buildTrail(3);
  forged.files.pop();
  forged.records.pop();
  await forged.mint({ signer: await fixedEd25519('forger') });
  const files = await forged.folder();
  expect((await runScript(files)).stdout).toContain(`${recordName(2)} is not signed by the trail key in force`);
  expect((await runScript(await trail.folder(), 'ab'.repeat(32))).status).toBe(1);
});
