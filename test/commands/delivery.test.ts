import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { armor, Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  errorCodes,
  goodShares,
  initFlags,
  json,
  type MintJson,
  mintFlags,
  openScenes,
  recordsOn,
  type Scene,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
let identity: string;
let recipient: string;
beforeAll(async () => {
  scenes = await openScenes();
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});
afterAll(() => scenes.remove());

async function unseal(file: Uint8Array): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(file, 'text');
}

const tokenLine = /^[\w-]+\.[\w-]+\.[\w-]+\n$/;

describe('a token that the request wants sealed leaves only sealed', () => {
  const sealedRequest = (scene: Scene) => writeRequest(scene, ['--recipient', recipient]);

  test('to a file', async () => {
    const scene = scenes.origin.copy();
    const run = await scene.run([...mintFlags(await sealedRequest(scene)), '--out', 'token.age']);
    expect(run).toMatchObject({ status: 0, stdout: '' });
    expect(await unseal(readFileSync(scene.path('token.age')))).toMatch(tokenLine);
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ type: 'mint.released', release: 'sealed' });
  });

  test('to standard output, as text', async () => {
    const scene = scenes.origin.copy();
    const run = await scene.run(mintFlags(await sealedRequest(scene)));
    expect(run.stdout).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----\n/);
    expect(await unseal(armor.decode(run.stdout))).toMatch(tokenLine);
  });

  test('to JSON, in clear in none of its members', async () => {
    const scene = scenes.origin.copy();
    const run = await scene.run([...mintFlags(await sealedRequest(scene)), '--json']);
    const { token } = json(run) as MintJson;
    const clear = (await unseal(armor.decode(token))).trimEnd();
    expect(clear).toMatch(/^eyJ/);
    expect(run.stdout).not.toContain(clear.split('.')[1]);
    expect(json(run)).toMatchObject({ tokens: [{ sequence: 1, token: null }] });
  });
});

test('a recipient with one wrong character is refused before anybody gives a share, by request and by mint', async () => {
  const scene = scenes.origin.copy();
  const wrong = `${recipient.slice(0, -1)}${recipient.endsWith('q') ? 'p' : 'q'}`;
  const asked = await scene.run([
    ...['request', '--trust', 'out/trust.jws', '--incident', 'inc-1', '--subject', 'dana', '--circumstance', 'outage'],
    ...['--reason', 'the identity provider is down since noon', '--recipient', wrong, '--out', 'r.json', '--json'],
  ]);
  expect(errorCodes(asked)).toEqual(['BAD_INPUT']);
  expect(existsSync(scene.path('r.json'))).toBe(false);

  const request = await writeRequest(scene, ['--recipient', recipient]);
  const file = scene.path(request.file);
  writeFileSync(file, readFileSync(file, 'utf8').replace(recipient, wrong));
  const minted = await scene.run([...mintFlags(request), '--out', 'token', '--json']);
  expect(errorCodes(minted)).toEqual(['BAD_INPUT']);
  expect(existsSync(scene.path('token'))).toBe(false);
  expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ type: 'mint.refused', codes: ['BAD_INPUT'] });
});

test('the token file is for its owner only', async () => {
  const scene = scenes.origin.copy();
  await scene.run([...mintFlags(await writeRequest(scene)), '--out', 'token']);
  expect(statSync(scene.path('token')).mode & 0o777).toBe(0o600);
});

test('a folder for --out that is not there is refused before anybody gives a share', async () => {
  const scene = scenes.origin.copy();
  const run = await scene.run([...mintFlags(await writeRequest(scene)), '--out', 'nowhere/token', '--json']);
  expect(errorCodes(run)).toEqual(['NOT_FOUND']);
  expect(recordsOn(scene, 'a')).toHaveLength(1);
});

test('where --out cannot be written after all, the issued token is not lost, and that is recorded', async () => {
  const scene = scenes.origin.copy();
  const run = await scene.run([...mintFlags(await writeRequest(scene)), '--out', '/proc/token']);
  expect(run.status).toBe(0);
  expect(run.stdout).toMatch(tokenLine);
  expect(run.stderr).toContain('it goes to standard output instead');
  expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ type: 'mint.released', release: 'stdout' });
});

test('shares and revoker keys under passphrases that a descriptor gives', async () => {
  const scene = scenes.fresh();
  const flags = [
    ...initFlags.filter((flag) => !/^(bob|carol|frank)/.test(flag)),
    '--passphrase-fd',
    '3',
    '--revoker',
    'erin',
  ];
  const two = [
    'init',
    ...flags
      .slice(1)
      .filter(
        (flag, at, all) => (flag !== '--custodian' && flag !== '--card-dir') || /^(alice|erin)/.test(all[at + 1] ?? ''),
      ),
  ];
  const made = await scene.run([...two, '--threshold', '2', '--json'], {
    passphrases: 'revoker one\nshare one\nshare two\n',
  });
  expect(made.stderr).toBe('');
  expect(made.status).toBe(0);
  for (const file of ['cards/alice.share.age', 'cards/erin.share.age', 'out/erin.revoker.age'])
    expect(readFileSync(scene.path(file), 'latin1')).toMatch(/^age-encryption\.org\/v1\n/);

  const shares = ['cards/alice.share.age', 'cards/erin.share.age'];
  const mint = async (passphrases: string) =>
    scene.run([...mintFlags(await writeRequest(scene), shares), '--passphrase-fd', '3', '--json'], { passphrases });
  const wrong = await mint('share one\nshare three\n');
  expect(errorCodes(wrong)).toEqual(['PASSPHRASE_WRONG']);
  expect(wrong.stderr).toContain('does not open cards/erin.share.age');
  const few = await mint('share one\n');
  expect(errorCodes(few)).toEqual(['SHARE_FILE']);
  const good = await mint('share one\nshare two\n');
  expect(good.status).toBe(0);
  expect(`${good.stdout}${good.stderr}`).not.toContain('share one');
});

test('a revoker without a passphrase is refused, and nothing is dealt', async () => {
  const scene = scenes.fresh();
  const run = await scene.run([...initFlags, '--revoker', 'erin', '--json']);
  expect(errorCodes(run)).toEqual(['--passphrase-fd']);
  expect(run.status).toBe(2);
  expect(existsSync(scene.path('state', 'trust'))).toBe(false);
  expect(goodShares.some((file) => existsSync(scene.path(file)))).toBe(false);
});
