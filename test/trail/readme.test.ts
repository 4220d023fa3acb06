import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordName } from '../../src/trail/layout.ts';
import { trailReadme } from '../../src/trail/readme.ts';
import { buildTrail, changeByte, fixedEd25519, type TrailBuilder } from './build.ts';

let root: string;
let trail: TrailBuilder;

beforeAll(async () => {
  for (const tool of ['openssl', 'jq', 'sha256sum']) {
    if (spawnSync(tool, ['--version']).error)
      throw new Error(`this test needs ${tool}: apt-get install openssl jq coreutils`);
  }
  root = mkdtempSync(join(tmpdir(), 'bg-readme-'));
  trail = await buildTrail(8);
  await trail.change('rotate');
  await trail.mint();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Cuts the script out as the README says, and runs it on a folder with these files. */
function runScript(files: ReadonlyMap<string, Uint8Array>, trustId = trail.trust.id) {
  const folder = mkdtempSync(join(root, 'trail-'));
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
  writeFileSync(join(root, 'README.TXT'), trailReadme(trail.trust.id));
  const [, command = ''] = /^ {4}(sed .*) > \/tmp\/check\.sh$/m.exec(trailReadme(trail.trust.id)) ?? [];
  writeFileSync(join(root, 'check.sh'), execFileSync('sh', ['-c', command], { cwd: root }));
  const { status, stdout } = spawnSync('sh', [join(root, 'check.sh'), folder, trustId], { encoding: 'utf8' });
  return { status, stdout };
}

test('the script of the README says OK to a good trail, over a rotation too', async () => {
  const { status, stdout } = runScript(await trail.folder());
  expect(stdout).toMatch(/^OK/m);
  expect(stdout).toContain(`its SHA-256: 9 ${trail.prev}`);
  expect(status).toBe(0);
});

test('the script names what is wrong, and its exit status says so', async () => {
  const good = await trail.folder();
  const spoil = (change: (files: Map<string, Uint8Array>) => void) => {
    const files = new Map(good);
    change(files);
    return runScript(files);
  };
  const bytes = (name: string) => good.get(name) ?? new Uint8Array();
  const faults: readonly (readonly [string, { status: number | null; stdout: string }])[] = [
    ['00000003.JWS', spoil((files) => files.set('00000003.JWS', changeByte(bytes('00000003.JWS'), 400)))],
    [
      '00000009.JWS is not signed',
      spoil((files) => files.set('00000009.JWS', changeByte(bytes('00000009.JWS'), bytes('00000009.JWS').length - 20))),
    ],
    ['a record is missing', spoil((files) => files.delete('00000004.JWS'))],
    [
      'holds record',
      spoil((files) => files.set('00000004.JWS', bytes('00000005.JWS')).set('00000005.JWS', bytes('00000004.JWS'))),
    ],
    ['does not follow', spoil((files) => files.set('T0000002.TXT', bytes('T0000001.TXT')))],
    ['is not signed by the trail key', spoil((files) => files.delete('T0000002.TXT'))],
  ];
  for (const [message, { status, stdout }] of faults) {
    expect(stdout).toContain(message);
    expect(stdout).not.toMatch(/^OK/m);
    expect(status).toBe(1);
  }
});

test('the script refuses a trail that another key signed, and another trust id', async () => {
  const forged = await buildTrail(3);
  forged.files.pop();
  forged.records.pop();
  await forged.mint({ signer: await fixedEd25519('forger') });
  const files = await forged.folder();
  expect(runScript(files).stdout).toContain(`${recordName(2)} is not signed by the trail key in force`);
  expect(runScript(await trail.folder(), 'ab'.repeat(32)).status).toBe(1);
});
