import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mergeRevocations, readRevocations } from '../../src/revocation/list.ts';
import { verifyToken } from '../../src/token/verify.ts';
import { noon } from '../trust/fixture.ts';
import { type Attempt, copyOf, initialized, mintIn, recordsOn, type Scene, scratch, trustOf } from './fixture.ts';

const { dir, remove } = scratch('kill');
let origin: Scene;
let other: Scene;
beforeAll(async () => {
  origin = await initialized(dir);
  other = await initialized(dir, { name: 'Another trust' });
});
afterAll(remove);

function killIn(scene: Scene, name = 'inc-1.kill.jws') {
  return readRevocations(readFileSync(join(scene.dir, name)), trustOf(scene));
}

const kills = (scene: Scene) => readdirSync(scene.dir).filter((name) => name.includes('.kill'));

type Mode = 'production' | 'drill';

function judged(scene: Scene, token: string, list: Uint8Array, { mode, now }: { mode: Mode; now: number }) {
  const trust = trustOf(scene);
  return () =>
    verifyToken(token, {
      trust,
      now,
      audience: 'https://db.prod.example.com',
      mode,
      revocations: { state: 'checked', list: readRevocations(list, trust) },
    });
}

describe('the kill file of a mint', () => {
  test.each(['mint', 'drill'] as const)(
    'denies its family once it is published, and nothing else (%s)',
    async (kind) => {
      const scene = copyOf(origin);
      const mode = kind === 'drill' ? 'drill' : 'production';
      const attempt: Attempt = { request: { kind }, options: { mode } };
      const { tokens, minted } = await mintIn(scene, attempt);
      const [token = ''] = tokens;
      expect(minted?.kill).toBe(join(scene.dir, 'inc-1.kill.jws'));
      expect(statSync(minted?.kill ?? '').mode & 0o777).toBe(0o644);
      const known = readFileSync(join(scene.outDir, 'revocations.jws'));
      const kill = readFileSync(minted?.kill ?? '');
      const by = { mode, now: noon + 121 } as const;
      expect(judged(scene, token, known, by)).not.toThrow();
      expect(judged(scene, token, mergeRevocations(known, kill), by)).toThrow(/pre-signed at mint/);

      const family = minted?.claims[0]?.breakglass.family;
      const entry = { kind: 'family', value: family, at: noon + 60, by: 'quorum', reason: 'pre-signed at mint' };
      expect(killIn(scene)).toMatchObject({ alarms: [], statements: [{ iat: noon + 60, deny: [entry], allow: [] }] });

      const next = await mintIn(scene, { ...attempt, minute: 2 });
      expect(judged(scene, next.tokens[0] ?? '', mergeRevocations(known, kill), by)).not.toThrow();
    },
  );

  test('is there before the token leaves, and not before its record', async () => {
    const scene = copyOf(origin);
    let before: unknown[] = [];
    const deliver = async () => {
      before = [kills(scene), recordsOn(scene.media[0] ?? '').at(-1)?.type];
      return 'stdout' as const;
    };
    await mintIn(scene, { deliver });
    expect(before).toEqual([['inc-1.kill.jws'], 'mint.issued']);
    const refused = copyOf(origin);
    await mintIn(refused, { cards: ['alice'] });
    expect(kills(refused)).toEqual([]);
  });

  test('gets one line more for every family of the incident', async () => {
    const scene = copyOf(origin);
    const families = [];
    for (const minute of [1, 2]) families.push((await mintIn(scene, { minute })).minted?.claims[0]?.breakglass.family);
    const { entries, alarms } = killIn(scene);
    expect([entries.map(({ value }) => value), alarms]).toEqual([families, []]);
    expect(kills(scene)).toEqual(['inc-1.kill.jws']);
  });

  test('has a name that every file system takes', async () => {
    const scene = copyOf(origin);
    const { minted } = await mintIn(scene, { request: { incident: 'team/db:2026@x' } });
    expect(minted?.kill).toBe(join(scene.dir, 'team-db-2026@x.kill.jws'));
  });

  test.each<[string, (path: string) => void]>([
    ['text', (path) => writeFileSync(path, 'notes of the night\n')],
    [
      'a kill file of another trust',
      (path) => writeFileSync(path, readFileSync(join(other.outDir, 'revocations.jws'))),
    ],
    ['a folder', (path) => mkdirSync(path)],
    ['a link', (path) => symlinkSync(join(origin.outDir, 'revocations.jws'), path)],
    ['a link to nothing', (path) => symlinkSync('nowhere', path)],
    ['a pipe', (path) => void execFileSync('mkfifo', [path])],
  ])('leaves alone what has its name and is none: %s', async (_what, make) => {
    const scene = copyOf(origin);
    const path = join(scene.dir, 'inc-1.kill.jws');
    make(path);
    const before = lstatSync(path);
    const { minted, tokens } = await mintIn(scene);
    expect([minted?.kill, tokens.length]).toEqual([join(scene.dir, 'inc-1.kill.2.jws'), 1]);
    expect(killIn(scene, 'inc-1.kill.2.jws').entries).toHaveLength(1);
    const { ino, mtimeMs, size } = lstatSync(path);
    expect({ ino, mtimeMs, size }).toEqual({ ino: before.ino, mtimeMs: before.mtimeMs, size: before.size });
  });

  test('goes to the state directory where its folder takes no file, and the token leaves all the same', async () => {
    const scene = copyOf(origin);
    const { minted, tokens } = await mintIn(scene, { options: { killDir: '/proc' } });
    expect(tokens).toHaveLength(1);
    expect(minted?.kill).toBe(join(scene.stateDir, 'kill', 'inc-1.kill.jws'));
    expect(existsSync(minted?.kill ?? '')).toBe(true);
    expect(minted?.warnings.filter(({ code }) => code === 'KILL_FILE')).toHaveLength(1);
  });

  test('is a warning and no more where not even that is possible', async () => {
    const scene = copyOf(origin);
    writeFileSync(join(scene.stateDir, 'kill'), 'not a folder');
    const { minted, tokens } = await mintIn(scene, { options: { killDir: '/proc' } });
    expect([minted?.kill, tokens.length]).toEqual([null, 1]);
    expect(minted?.warnings.find(({ code }) => code === 'KILL_FILE')?.message).toContain("a commander's key");
  });
});
