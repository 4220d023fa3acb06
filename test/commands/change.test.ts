import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keys, startPty } from '../terminal/pty.ts';
import { wordsOnScreen } from './card-screen.ts';
import { environment } from './program.ts';
import {
  audience,
  custodians,
  errorCodes,
  goodShares,
  json,
  mintFlags,
  mintToken,
  now,
  openScenes,
  payloadOf,
  policy,
  recordsOn,
  type Scene,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

const why = ['--reason', 'the yearly rotation of everything'];
const places = ['--state', 'state', '--medium', 'a', '--medium', 'b', '--allow-fixed', '--out', 'out'];
const allCards = (dir: string, labels: readonly string[] = custodians) =>
  labels.flatMap((label) => ['--card-dir', `${label}=${dir}`]);

/** Prepares the request of a change and holds it, all by flags. */
async function change(scene: Scene, args: readonly string[], shares: readonly string[] = goodShares) {
  const file = `${args.slice(0, 2).join('-').replaceAll('/', '-')}.json`;
  const prepared = await scene.run([...args, ...why, '--prepare', file, '--state', 'state', '--json']);
  expect(prepared.stderr).toBe('');
  const { fingerprint } = json(prepared) as { fingerprint: { words: string[] } };
  return scene.run([
    ...[...args, '--request', file, '--confirm', fingerprint.words.join(' '), '--head', 'none', '--clock', now()],
    ...[...shares.flatMap((share) => ['--share', share]), ...places, '--json'],
  ]);
}

function verified(scene: Scene, token: string) {
  writeFileSync(scene.path('presented'), `${token}\n`);
  const by = ['--trust', 'out/trust.jws', '--audience', audience, '--revocations', 'out/revocations.jws'];
  return scene.run(['verify', 'presented', ...by, '--state', 'desk', '--json']);
}

const sharesOfSet = (scene: Scene, dir: string, setId: string) =>
  readdirSync(scene.path(dir))
    .filter((name) => name.endsWith(`.${setId}.share`))
    .map((name) => `${dir}/${name}`);

describe('without a terminal', () => {
  test('rotate keys: JSON, published files, and the token of before is refused', async () => {
    const scene = scenes.origin.copy();
    const { token } = await mintToken(scene);
    const run = await change(scene, ['rotate', 'keys']);
    expect(run.status).toBe(0);
    expect(json(run)).toMatchObject({
      v: 1,
      kind: 'rotate.keys',
      run: 'first',
      trust: { version: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/), words: expect.any(Array) },
      epoch: 2,
      record: { seq: 3 },
      headCode: { seq: 3, words: expect.any(Array) },
      custodians: ['alice', 'bob', 'carol'],
      retiredSet: null,
      ended: [{ incident: 'inc-1', subject: 'dana', role: 'db-admin' }],
    });
    expect(payloadOf(readFileSync(scene.path('out/trust.jws'), 'utf8'))).toMatchObject({ version: 2, epoch: 2 });
    expect(json(await verified(scene, token))).toMatchObject({ valid: false, code: 'TOKEN_KEY_RETIRED' });
    const fresh = await mintToken(scene);
    expect((await verified(scene, fresh.token)).status).toBe(0);
  });

  test('rotate shares: new files beside the old ones, other people, another threshold', async () => {
    const scene = scenes.origin.copy();
    const people = ['alice', 'bob', 'frank'];
    const labels = people.flatMap((label) => ['--custodian', label]);
    const args = ['rotate', 'shares', '--threshold', '2', ...labels, ...allCards('cards', people)];
    const run = await change(scene, [...args, '--destroyed', 'carol']);
    expect(run.status).toBe(0);
    const { cards } = json(run) as { cards: { setId: string; threshold: number; custodians: string[] } };
    expect(cards).toMatchObject({ threshold: 2, custodians: people });
    const dealt = sharesOfSet(scene, 'cards', cards.setId);
    expect(dealt).toHaveLength(3);
    for (const file of dealt) expect(statSync(scene.path(file)).mode & 0o777).toBe(0o600);
    const old = await scene.run([...mintFlags(await writeRequest(scene)), '--json']);
    expect([old.status, errorCodes(old)]).toEqual([5, ['SHARE_RETIRED_SET']]);
    expect(old.stderr).toContain("alice's old card");
    const minted = await scene.run([...mintFlags(await writeRequest(scene), dealt.slice(0, 2)), '--json']);
    expect(minted.status).toBe(0);
    expect(recordsOn(scene, 'b').find(({ type }) => type === 'share.checked')).toMatchObject({
      custodian: 'carol',
      code: 'DESTROYED',
    });
  });

  test('rotate seed: the trust file bears both roots, and a verifier that pinned the old one follows', async () => {
    const scene = scenes.origin.copy();
    expect((await scene.run(['trust', 'pin', 'out/trust.jws', '--state', 'desk'])).status).toBe(0);
    const run = await change(scene, ['rotate', 'seed', ...allCards('cards')]);
    expect(run.status).toBe(0);
    expect(readFileSync(scene.path('out/trust.jws'), 'utf8').trimEnd().split('\n')).toHaveLength(2);
    expect((await scene.run(['trust', 'pin', 'out/trust.jws', '--state', 'desk'])).status).toBe(0);
    const { cards } = json(run) as { cards: { setId: string } };
    const dealt = sharesOfSet(scene, 'cards', cards.setId).slice(0, 3);
    expect((await scene.run([...mintFlags(await writeRequest(scene), dealt), '--json'])).status).toBe(0);
  });

  test('policy apply: a revoker comes with a sealed key, another policy counts at once', async () => {
    const scene = scenes.origin.copy();
    writeFileSync(scene.path('next.toml'), policy.replace('maxPerDay = 12', 'maxPerDay = 1'));
    writeFileSync(scene.path('pass'), 'correct horse\n');
    const args = ['policy', 'apply', 'next.toml', '--add-revoker', 'erin'];
    const prepared = await scene.run([...args, ...why, '--prepare', 'p.json', '--state', 'state', '--json']);
    const { fingerprint } = json(prepared) as { fingerprint: { words: string[] } };
    const run = await scene.run(
      [
        ...[...args, '--request', 'p.json', '--confirm', fingerprint.words.join(' '), '--head', 'none'],
        ...['--clock', now(), ...goodShares.flatMap((share) => ['--share', share]), ...places, '--json'],
        ...['--passphrase-fd', '3'],
      ],
      { passphrases: 'correct horse\n' },
    );
    expect(run.stderr).not.toContain('breakglass:');
    expect(run.status).toBe(0);
    expect(existsSync(scene.path('out/erin.revoker.age'))).toBe(true);
    expect(payloadOf(readFileSync(scene.path('out/trust.jws'), 'utf8'))).toMatchObject({
      revokers: [{ label: 'erin' }],
      policy: { limits: { maxPerDay: 1 } },
    });
    await mintToken(scene);
    const second = await scene.run([...mintFlags(await writeRequest(scene)), '--json']);
    expect(errorCodes(second)).toEqual(['limits-max-per-day']);
  });

  const bad: readonly [
    what: string,
    args: readonly string[],
    shares: readonly string[],
    status: number,
    code: string,
  ][] = [
    ['one custodian is missing', ['rotate', 'keys'], goodShares.slice(0, 2), 5, 'SHARE_TOO_FEW'],
    ['a threshold above the number of people', ['rotate', 'shares', '--threshold', '6'], goodShares, 4, 'threshold'],
    [
      'a custodian whom the policy does not know',
      ['rotate', 'shares', '--custodian', 'alice', '--custodian', 'bob', '--custodian', 'mallory'],
      goodShares,
      4,
      'custodian-unknown',
    ],
    ['a revoker who is none', ['policy', 'apply', 'policy.toml', '--retire-revoker', 'bob'], goodShares, 4, 'people'],
  ];
  test.each(bad)('%s: refused, on the record, and nothing changed', async (_, args, shares, status, code) => {
    const scene = scenes.origin.copy();
    const dealt = args.includes('--custodian') ? ['alice', 'bob', 'mallory'] : custodians;
    const cards = args[1] === 'shares' ? allCards('cards', dealt) : [];
    const run = await change(scene, [...args, ...cards], shares);
    expect([run.status, errorCodes(run)]).toEqual([status, [code]]);
    expect(run.stderr).toMatch(/Nothing was changed/);
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ type: 'mint.refused', codes: [code] });
    expect(readdirSync(scene.path('state', 'trust'))).toEqual(['T0000001.TXT']);
    expect(readdirSync(scene.path('cards'))).toHaveLength(5);
    expect((await scene.run([...mintFlags(await writeRequest(scene)), '--json'])).status).toBe(0);
  });

  test('a request that was confirmed for one change is not taken for another', async () => {
    const scene = scenes.origin.copy();
    const prepared = await scene.run(['rotate', 'keys', ...why, '--prepare', 'p.json', '--state', 'state', '--json']);
    const { fingerprint } = json(prepared) as { fingerprint: { words: string[] } };
    const run = await scene.run([
      ...['rotate', 'seed', '--request', 'p.json', '--confirm', fingerprint.words.join(' '), '--head', 'none'],
      ...['--clock', now(), ...goodShares.flatMap((share) => ['--share', share]), ...places, '--json'],
      ...allCards('cards'),
    ]);
    expect(errorCodes(run)).toEqual(['REQUEST_INVALID']);
  });

  test('a folder for a card that is not there is found before anybody gives a share', async () => {
    const scene = scenes.origin.copy();
    const run = await change(scene, [
      'rotate',
      'shares',
      ...allCards('cards', custodians.slice(1)),
      '--card-dir',
      'alice=gone',
    ]);
    expect([run.status, errorCodes(run)]).toEqual([2, ['NOT_FOUND']]);
    expect(recordsOn(scene, 'a')).toHaveLength(1);
  });

  test('what is missing is named at once', async () => {
    const scene = scenes.origin.copy();
    const run = await scene.run(['rotate', 'shares', ...places, '--json', ...allCards('cards', custodians.slice(1))]);
    expect(run.status).toBe(2);
    const { errors } = json(run) as { errors: { rule: string }[] };
    expect(errors.map(({ rule }) => rule)).toEqual([
      ...['--request', '--share', '--confirm', '--clock', '--head', '--card-dir alice=DIR'],
    ]);
  });
});

test('at a terminal: the panel says what changes, a card is typed back, and the old cards are asked for', async () => {
  const scene = scenes.origin.copy();
  const shown = allCards('cards', custodians.slice(1));
  const session = startPty(
    join(scene.program.bin, 'breakglass'),
    ['rotate', 'shares', ...why, ...places, ...shown, ...goodShares.flatMap((share) => ['--share', share])],
    { cwd: scene.dir, env: environment(scene.program, scene.dir) },
  );
  await session.shows('First three words of the head code');
  session.type(keys.enter);
  await session.shows('Does a watch say the same');
  session.type('y');
  await session.shows('Is this what is meant to be done?');
  expect(session.screen).toContain('NEW CARDS for the same seed');
  expect(session.screen).toContain('any 3 of 5: alice, bob, carol, erin, frank');
  session.type('y');
  await session.shows('alice comes to the screen, alone');
  session.type(keys.enter);
  await session.shows('Copy the words to your card');
  const words = wordsOnScreen(session.screen);
  session.type(keys.enter);
  await session.shows('0 of 17');
  session.type(`${words.join(' ')} `);
  for (const label of custodians.slice(1)) {
    await session.shows(`New passphrase for the share of ${label}`);
    session.type(keys.enter);
  }
  await session.shows('Whose OLD card was destroyed');
  session.type(`all${keys.enter}`);
  expect(await session.ended()).toEqual({ status: 0, signal: 0 });
  expect(session.screen).toContain('DESTROY EVERY CARD OF SET');
  const destroyed = recordsOn(scene, 'a').filter(({ type }) => type === 'share.checked');
  expect(destroyed.map((record) => record['custodian'])).toEqual([...custodians]);
});
