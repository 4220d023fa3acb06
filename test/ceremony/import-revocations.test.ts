import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import type { JwsSigner } from '../../src/base/jws.ts';
import { ed25519JwkOf, type SigningKey } from '../../src/key/derive.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { type DenyEntry, sealStatement } from '../../src/revocation/statement.ts';
import { activeKey } from '../../src/trust/trust-file.ts';
import { fixedEd25519 } from '../trail/build.ts';
import { noon } from '../trust/fixture.ts';
import { changeIn, copyOf, initialized, mintIn, recordsOn, type Scene, scratch, trustOf } from './fixture.ts';

const { dir, remove } = scratch('import');
let origin: Scene;
let erin: SigningKey;
beforeAll(async () => {
  erin = await fixedEd25519('revoker erin');
  origin = await initialized(dir, { revokers: [{ label: 'erin', jwk: ed25519JwkOf(erin) }] });
});
afterAll(remove);

type Denied = Pick<DenyEntry, 'kind' | 'value'> & { readonly before?: number };

async function lineOf(denied: readonly Denied[], iat = noon, signer: JwsSigner = erin): Promise<string> {
  const deny = denied.map((entry) => ({ ...entry, at: iat, by: 'erin', reason: 'seen where it should not be' }));
  return sealStatement({ v: 1, trust: trustOf(origin).id, iat, deny: deny as DenyEntry[], allow: [] }, signer);
}

const fileOf = (...lines: readonly string[]) => [
  { name: 'list.jws', bytes: Buffer.from(lines.map((line) => `${line}\n`).join('')) },
];
const harmless: Denied = { kind: 'subject', value: 'mallory' };

function knownIn(scene: Scene) {
  return readRevocations(readFileSync(join(scene.stateDir, 'revocations.jws')), trustOf(scene));
}

describe('a list that is brought to a mint', () => {
  test('is on the record before the token, is known from then on, and its newest line is in the token', async () => {
    const scene = copyOf(origin);
    const [older, newer] = [await lineOf([harmless], noon), await lineOf([harmless], noon + 7)];
    const { minted, notes } = await mintIn(scene, { options: { revocations: fileOf(newer, older) } });
    expect(notes).toEqual([]);
    const newest = sha256Hex(newer);
    for (const medium of scene.media)
      expect(recordsOn(medium)[1]).toMatchObject({
        type: 'revocations.imported',
        statements: [newest, sha256Hex(older)],
        newest,
      });
    expect(minted?.claims[0]?.breakglass.revocations).toBe(newest);
    expect([older, newer].every((line) => knownIn(scene).hasLine(sha256Hex(line)))).toBe(true);
  });

  test('makes no record where it brings nothing new', async () => {
    const scene = copyOf(origin);
    const revocations = fileOf(await lineOf([harmless]));
    await mintIn(scene, { options: { revocations } });
    await mintIn(scene, { options: { revocations } });
    const imported = recordsOn(scene.media[0] ?? '').filter(({ type }) => type === 'revocations.imported');
    expect(imported).toHaveLength(1);
  });

  test('may have bad lines: they are told and cost nothing but themselves', async () => {
    const scene = copyOf(origin);
    const good = await lineOf([harmless]);
    const forged = await lineOf([{ kind: 'all', value: null }], noon, await fixedEd25519('mallory'));
    const { error, notes } = await mintIn(scene, { options: { revocations: fileOf('junk', forged, good) } });
    expect(error).toBeUndefined();
    expect(notes.map((text) => /line \d of list\.jws/.exec(text)?.[0])).toEqual([
      'line 1 of list.jws',
      'line 2 of list.jws',
    ]);
    expect(recordsOn(scene.media[0] ?? '')[1]).toMatchObject({ statements: [sha256Hex(good)] });
    expect(knownIn(scene).alarms).toEqual([]);
  });

  test('waits on the record when no medium is there, and denies from now on all the same', async () => {
    const scene = copyOf(origin);
    const [stick = '', away = `${scene.dir}/away`] = [scene.media[1]];
    renameSync(stick, away);
    await mintIn(scene, { options: { revocations: fileOf(await lineOf([{ kind: 'subject', value: 'dana' }])) } });
    expect(readdirSync(join(scene.stateDir, 'pending'))).toHaveLength(2);
    renameSync(away, stick);
    expect((await mintIn(scene, { minute: 2 })).error).toMatchObject({ code: 'REQUEST_REVOKED' });
    expect(recordsOn(stick).map(({ type }) => type)).toEqual([
      'genesis',
      'revocations.imported',
      'mint.refused',
      'mint.refused',
    ]);
  });

  test('of ten thousand lines makes records that each fit', async () => {
    const scene = copyOf(origin);
    const lines = await Promise.all(
      Array.from({ length: 8193 }, (_, n) => lineOf([{ kind: 'incident', value: `old-${n}` }], noon - n)),
    );
    const { error, minted } = await mintIn(scene, { options: { revocations: fileOf(...lines) } });
    expect(error).toBeUndefined();
    const imported = recordsOn(scene.media[0] ?? '').filter(({ type }) => type === 'revocations.imported');
    expect(imported.map((record) => (record['statements'] as unknown[]).length)).toEqual([8192, 1]);
    expect(minted?.claims[0]?.breakglass.revocations).toBe(imported[0]?.['newest']);
  }, 60_000);
});

describe('what is denied already is not minted:', () => {
  const tokenKid = () => activeKey(trustOf(origin), 'token').public.kid;
  test.each<[string, () => Denied, RegExp]>([
    [
      'everything',
      () => ({ kind: 'all', value: null }),
      /^everything is denied since 2026-01-31T12:00:00Z, by erin: seen/,
    ],
    ['an epoch', () => ({ kind: 'epoch', value: 1 }), /^epoch 1 with those before it/],
    ['the key', () => ({ kind: 'kid', value: tokenKid() }), /^key [\w-]{43} is/],
    ['the incident', () => ({ kind: 'incident', value: 'inc-1' }), /^incident inc-1 is/],
    ['the subject', () => ({ kind: 'subject', value: 'dana' }), /^subject dana is/],
    ['the role', () => ({ kind: 'role', value: 'db-admin' }), /^role db-admin is/],
    ['the audience', () => ({ kind: 'audience', value: 'https://db.prod.example.com' }), /^audience https:/],
    [
      'everything issued before a time to come',
      () => ({ kind: 'all', value: null, before: noon + 3600 }),
      /^everything \(tokens issued before 2026-01-31T13:00:00Z\) is/,
    ],
  ])('%s', async (_what, denied, message) => {
    const scene = copyOf(origin);
    const { error, asked, tokens } = await mintIn(scene, {
      options: { revocations: fileOf(await lineOf([denied()])) },
    });
    expect([asked, tokens]).toEqual([[], []]);
    expect(error).toMatchObject({
      code: 'REQUEST_REVOKED',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('revocations reset'),
    });
    for (const medium of scene.media)
      expect(recordsOn(medium).slice(1)).toMatchObject([
        { type: 'revocations.imported' },
        { type: 'mint.refused', codes: ['REQUEST_REVOKED'] },
      ]);
  });

  test.each<[string, Denied]>([
    ['what was issued before now', { kind: 'all', value: null, before: noon + 60 }],
    ['another incident', { kind: 'incident', value: 'inc-2' }],
  ])('but it is, where the denial is of %s', async (_what, denied) => {
    const { error } = await mintIn(copyOf(origin), { options: { revocations: fileOf(await lineOf([denied])) } });
    expect(error).toBeUndefined();
  });

  test('a drill, by the key of drills and not by that of tokens', async () => {
    const drill = { request: { kind: 'drill' as const } };
    const kids = (['token', 'drill'] as const).map((use) => activeKey(trustOf(origin), use).public.kid);
    const codes = [];
    for (const value of kids) {
      const revocations = fileOf(await lineOf([{ kind: 'kid', value }]));
      const { error } = await mintIn(copyOf(origin), { ...drill, options: { mode: 'drill', revocations } });
      codes.push(error instanceof Error && 'code' in error ? error.code : undefined);
    }
    expect(codes).toEqual([undefined, 'REQUEST_REVOKED']);
  });

  test("until a quorum has taken the denial back; the newest line is then the quorum's", async () => {
    const scene = copyOf(origin);
    const denied = await lineOf([{ kind: 'subject', value: 'dana' }]);
    expect((await mintIn(scene, { options: { revocations: fileOf(denied) } })).error).toMatchObject({
      code: 'REQUEST_REVOKED',
    });
    const { error } = await changeIn(scene, { kind: 'revocations.reset', entries: knownIn(scene).entries });
    expect(error).toBeUndefined();
    const { minted } = await mintIn(scene, { minute: 11, options: { revocations: fileOf(denied) } });
    expect(minted?.claims[0]?.breakglass.revocations).toBe(knownIn(scene).newest);
    expect(knownIn(scene).newest).not.toBe(sha256Hex(denied));
  });

  test('a kill line signed before a rotation of keys still kills, and a family goes on in the new epoch', async () => {
    const scene = copyOf(origin);
    const before = (await mintIn(scene)).minted?.claims[0]?.breakglass;
    expect((await changeIn(scene, { kind: 'rotate.keys' })).error).toBeUndefined();
    const after = (await mintIn(scene, { minute: 11, options: { renews: 'last' } })).minted?.claims[0]?.breakglass;
    expect(after).toMatchObject({ family: before?.family, sequence: 2, epoch: 2 });
    const kill = readFileSync(join(scene.dir, 'inc-1.kill.jws'));
    expect(readRevocations(kill, trustOf(scene))).toMatchObject({ alarms: [], lines: { length: 2 } });
  });

  test('by what this machine knew before, with no list brought', async () => {
    const scene = copyOf(origin);
    writeFileSync(join(scene.stateDir, 'revocations.jws'), `${await lineOf([{ kind: 'role', value: 'db-admin' }])}\n`);
    expect((await mintIn(scene)).error).toMatchObject({ code: 'REQUEST_REVOKED' });
  });
});
