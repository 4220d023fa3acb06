import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRecorder } from '../../src/machine/recorder.ts';
import { createState, openState, type State } from '../../src/machine/state.ts';
import { defaultStateDir } from '../../src/machine/state-dir.ts';
import type { Trust } from '../../src/trust/trust-file.ts';
import { temporaryFolder } from './child.ts';
import { checkedShare, firstTrust, nextTrust, refusal, refusalOf } from './fixture.ts';

const revocations = Buffer.from('first.statement.line\n');
const mark = { seq: 4, sha256: 'a'.repeat(64) };
let trust: Trust;
let other: Trust;
let pkcs8: Uint8Array;
beforeAll(async () => {
  [trust, other] = [await firstTrust(), await firstTrust('Other Corp')];
  pkcs8 = (await createRecorder((length) => new Uint8Array(length).fill(9))).pkcs8;
});

let dir: string;
beforeEach(() => {
  dir = join(temporaryFolder(), 'state');
});
const create = (): State => createState(dir, { trust, recorder: pkcs8, revocations });
const path = (...names: readonly string[]) => join(dir, ...names);

describe('the default state directory', () => {
  test.each([
    [{ XDG_STATE_HOME: '/x', HOME: '/home/a' }, '/x/breakglass'],
    [{ HOME: '/home/a' }, '/home/a/.local/state/breakglass'],
    [{ XDG_STATE_HOME: 'relative', HOME: '/home/a' }, '/home/a/.local/state/breakglass'],
    [{ XDG_STATE_HOME: '', HOME: '/home/a' }, '/home/a/.local/state/breakglass'],
  ])('of %j is %s', (env, expected) => {
    expect(defaultStateDir(env)).toBe(expected);
  });

  test('is asked for when the environment says nothing', () => {
    expect(refusal(() => defaultStateDir({})).code).toBe('USAGE');
  });
});

describe('a new state', () => {
  test('opens again as it was made, and only its owner can enter it', async () => {
    create();
    const state = openState(dir);
    expect(state.trust.id).toBe(trust.id);
    expect(state.trustFiles()).toEqual([new Uint8Array(trust.bytes)]);
    expect(Buffer.from(state.revocations())).toEqual(revocations);
    expect([state.highWater, state.media, state.readPending().records, state.damage]).toEqual([null, [], [], []]);
    expect((await state.recorder()).kid).toBe((await openState(dir).recorder()).kid);
    for (const name of readdirSync(dir)) expect(lstatSync(path(name)).mode & 0o077).toBe(0);
    expect(lstatSync(dir).mode & 0o777).toBe(0o700);
  });

  test('is never made over another one', async () => {
    create();
    const recorder = (await createRecorder()).pkcs8;
    expect(refusal(() => createState(dir, { trust: other, recorder, revocations })).code).toBe('EXISTS');
    expect(openState(dir).trust.id).toBe(trust.id);
    expect(readFileSync(path('recorder.key'))).toEqual(Buffer.from(pkcs8));
  });
});

describe('what was set is there when the state is opened again', () => {
  test('high-water mark, known media, revocations', () => {
    const state = create();
    const media = [{ medium: 'A'.repeat(22), label: 'audit-a', path: '/media/AUDIT-A' }];
    state.setHighWater(mark);
    state.setMedia(media);
    const all = state.mergeRevocations(Buffer.from('second.statement.line\nfirst.statement.line\n'));
    expect(Buffer.from(all).toString()).toBe('first.statement.line\nsecond.statement.line\n');
    const again = openState(dir);
    expect([again.highWater, again.media, again.revocations()]).toEqual([mark, media, new Uint8Array(all)]);
  });

  test('a newer trust, and the ones before it', async () => {
    const state = create();
    const second = await nextTrust(trust);
    state.addTrust(second);
    state.addTrust(second);
    const again = openState(dir);
    expect(again.trust.sha256).toBe(second.sha256);
    expect(again.trustFiles().map((bytes) => Buffer.from(bytes))).toEqual([trust.bytes, second.bytes]);
    expect(refusal(() => again.addTrust(trust)).code).toBe('TRUST_OLDER');
    expect(refusal(() => again.addTrust(other)).code).toBe('TRUST_OTHER');
    expect(readdirSync(path('trust'))).toEqual(['T0000001.TXT', 'T0000002.TXT']);
  });

  test('a pending record survives, until it is removed', () => {
    create().addPending(checkedShare);
    const [waiting] = openState(dir).readPending().records;
    expect(waiting?.members).toEqual(checkedShare);
    openState(dir).removePending(waiting?.name ?? '');
    expect(openState(dir).readPending().records).toEqual([]);
  });
});

describe('what cannot be done without is refused by name', () => {
  test('no directory, an empty one, one of a verifier only', () => {
    expect(refusal(() => openState(dir))).toMatchObject({
      code: 'STATE_MISSING',
      message: `there is no state of a ceremony machine in ${dir}`,
    });
    mkdirSync(path('seen'), { recursive: true });
    expect(refusal(() => openState(dir)).code).toBe('STATE_MISSING');
  });

  const newest = () => path('trust', 'T0000001.TXT');
  const replaced = (make: () => void) => {
    rmSync(newest());
    make();
  };
  const faults: readonly (readonly [string, string, () => void])[] = [
    [
      'a cut trust file',
      'T0000001.TXT is not a trust file',
      () => writeFileSync(newest(), trust.bytes.subarray(0, -1)),
    ],
    ['an empty trust file', 'T0000001.TXT is not a trust file', () => writeFileSync(newest(), '')],
    [
      'a trust file under another version',
      'T0000002.TXT is version 1',
      () => writeFileSync(path('trust', 'T0000002.TXT'), trust.bytes),
    ],
    ['a folder in its place', 'T0000001.TXT is not a file', () => replaced(() => mkdirSync(newest()))],
    [
      'a link in its place',
      'T0000001.TXT is a symbolic link',
      () => replaced(() => symlinkSync('/dev/zero', newest())),
    ],
    ['no recorder key', 'recorder.key is missing', () => rmSync(path('recorder.key'))],
  ];
  test.each(faults)('%s', (_, message, make) => {
    create();
    make();
    const found = refusal(() => openState(dir));
    expect(found.code).toBe('STATE_DAMAGED');
    expect(found.message).toContain(message);
  });

  test('a directory into which others may write', () => {
    create();
    chmodSync(dir, 0o770);
    expect(refusal(() => openState(dir)).code).toBe('STATE_EXPOSED');
  });
});

describe('the recorder key', () => {
  test.each([0o640, 0o604, 0o620, 0o666])('is refused when its rights are %o', async (mode) => {
    const state = create();
    chmodSync(path('recorder.key'), mode);
    const found = await refusalOf(state.recorder());
    expect(found).toMatchObject({
      code: 'STATE_EXPOSED',
      message: `others than its owner may read ${path('recorder.key')}`,
    });
    expect(found.hint).toContain(`chmod 600 ${path('recorder.key')}`);
  });

  const damages: readonly (readonly [string, () => Uint8Array])[] = [
    ['empty', () => new Uint8Array(0)],
    ['cut', () => pkcs8.subarray(0, 47)],
    ['longer', () => Buffer.concat([pkcs8, Buffer.of(0)])],
    ['of another kind', () => Buffer.concat([Buffer.of(0x31), pkcs8.subarray(1)])],
  ];
  test.each(damages)('is refused when it is %s, and no byte of it is shown', async (_, bytes) => {
    const state = create();
    writeFileSync(path('recorder.key'), bytes());
    const found = await refusalOf(state.recorder());
    expect(found.code).toBe('STATE_DAMAGED');
    expect(JSON.stringify(found)).not.toContain('0909');
  });

  test('of fixed randomness is a fixed key; of the machine a new one each time', async () => {
    const fixed = await createRecorder((length) => new Uint8Array(length).fill(9));
    expect(Buffer.from(fixed.pkcs8).toString('hex')).toBe(`302e020100300506032b657004220420${'09'.repeat(32)}`);
    expect((await create().recorder()).public.jwk).toEqual(fixed.key.public.jwk);
    expect((await createRecorder()).key.kid).not.toBe((await createRecorder()).key.kid);
  });
});

describe('other damage refuses no ceremony: it is told, and the file counts as empty (P10)', () => {
  const marked = (bytes: string) => () => writeFileSync(path('high-water.json'), bytes);
  const good = `{"seq":4,"sha256":"${'a'.repeat(64)}","trust":"${'b'.repeat(64)}","v":1}\n`;
  const faults: readonly (readonly [string, string, () => void])[] = [
    ['an empty mark', 'high-water.json is not in the format', marked('')],
    ['a torn mark', 'high-water.json is not in the format', marked(good.slice(0, 40))],
    ['a mark with spaces', 'high-water.json is not in the format', marked(good.replace(',', ', '))],
    ['a mark of another trust', 'high-water.json is of another trust', marked(good)],
    ['a folder as mark', 'high-water.json is not a file', () => mkdirSync(path('high-water.json'))],
    ['torn media', 'media.json is not in the format', () => writeFileSync(path('media.json'), '{"media":[')],
  ];
  test.each(faults)('%s', (_, message, make) => {
    create();
    make();
    const state = openState(dir);
    expect([state.highWater, state.media]).toEqual([null, []]);
    expect(state.damage.map((error) => error.code)).toEqual(['STATE_DAMAGED']);
    expect(state.damage[0]?.message).toContain(message);
  });
});

describe('the local copy of the trail', () => {
  const name = '00000004.JWS';
  const local = () => readdirSync(openState(dir).trailDir).sort();

  test('takes the same bytes again, and sets aside what differs', () => {
    const state = create();
    expect(state.appendLocal(name, Buffer.from('one\n'))).toBeUndefined();
    expect(state.appendLocal(name, Buffer.from('one\n'))).toBeUndefined();
    expect(state.appendLocal(name, Buffer.from('two\n'))).toBe('00000004.BAD');
    expect(state.appendLocal(name, Buffer.from('three\n'))).toBe('00000004.BA2');
    expect(local()).toEqual(['00000004.BA2', '00000004.BAD', name]);
    expect(readFileSync(join(state.trailDir, '00000004.BAD'), 'utf8')).toBe('one\n');
    expect(readFileSync(join(state.trailDir, name), 'utf8')).toBe('three\n');
  });

  test('sets a torn file aside', () => {
    const state = create();
    writeFileSync(join(state.trailDir, name), 'on');
    expect(state.appendLocal(name, Buffer.from('one\n'))).toBe('00000004.BAD');
  });

  test('overwrites nothing, even when no name is free any more', () => {
    const state = create();
    for (const suffix of ['BAD', 'BA2', 'BA3', 'BA4', 'BA5', 'BA6', 'BA7', 'BA8', 'BA9'])
      writeFileSync(join(state.trailDir, `00000004.${suffix}`), suffix);
    state.appendLocal(name, Buffer.from('one\n'));
    expect(refusal(() => state.appendLocal(name, Buffer.from('two\n'))).code).toBe('STATE_DAMAGED');
    expect(readFileSync(join(state.trailDir, name), 'utf8')).toBe('one\n');
  });

  test('takes no name that leads elsewhere', () => {
    const state = create();
    for (const bad of ['../X.TXT', 'a.txt', '.', '00000001', 'TOOLONGNAME.JWS'])
      expect(() => state.appendLocal(bad, revocations)).toThrow(TypeError);
  });
});
