import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Publication, publicationOf, publishTrust } from '../../src/ceremony/publish.ts';
import { ioError } from '../../src/machine/files.ts';
import { type Replace, replacePublic } from '../../src/machine/public-file.ts';
import { openState } from '../../src/machine/state.ts';
import { deniesOldEpochs } from '../../src/revocation/epoch-denial.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { acceptTrust, openTrust, type Trust } from '../../src/trust/trust-file.ts';
import { changeIn, copyOf, custodians, initialized, type Scene, scratch, trustOf } from './fixture.ts';

const names = ['revocations.jws', 'jwks-es256.json', 'trust.jws'];
const { dir, remove } = scratch('publish');
afterAll(remove);

/** A machine with new keys, and what lay in its out folder before. */
let rotated: Scene;
let before: Trust;
let outBefore: string;
let publication: Publication;
beforeAll(async () => {
  const origin = await initialized(dir);
  rotated = copyOf(origin);
  before = trustOf(origin);
  outBefore = origin.outDir;
  const { error } = await changeIn(rotated, { kind: 'rotate.keys' });
  expect(error).toBeUndefined();
  publication = publicationOf(openState(rotated.stateDir));
});

/** A folder as the ceremony found it. */
function folder(from: string | null = outBefore): string {
  const path = mkdtempSync(join(dir, 'folder-'));
  if (from !== null) cpSync(from, path, { recursive: true });
  return path;
}

const contents = (path: string) =>
  Object.fromEntries(readdirSync(path, { recursive: true }).map((name) => [name, textOf(join(path, String(name)))]));
const textOf = (path: string) => (statSync(path).isDirectory() ? null : readFileSync(path, 'latin1'));
const outcomes = ({ files }: { files: readonly { outcome: string }[] }) => files.map(({ outcome }) => outcome);

/** A disk that is full at the nth file that is replaced, once. */
function fullAt(nth: number): Replace {
  let count = 0;
  return (path, bytes) => {
    count += 1;
    if (count === nth) throw ioError(path, 'was not replaced', Object.assign(new Error('full'), { code: 'ENOSPC' }));
    replacePublic(path, bytes);
  };
}

const nothing: Replace = (path) => {
  throw new Error(`${path} was written`);
};

describe('publishing', () => {
  test('leaves revocations, JWK Set and trust file, readable by all whatever the umask, and nothing else', () => {
    const path = folder(null);
    const umask = process.umask(0o077);
    try {
      expect(publishTrust(publication, path)).toMatchObject({ before: null, version: 2, error: null });
    } finally {
      process.umask(umask);
    }
    expect(readdirSync(path).sort()).toEqual([...names].sort());
    for (const name of names) expect(statSync(join(path, name)).mode & 0o777).toBe(0o644);
    expect(contents(path)).toEqual(contents(rotated.outDir));
  });

  test('a second time writes nothing, not even where nothing can be written', () => {
    const path = folder();
    expect(outcomes(publishTrust(publication, path))).toEqual(['written', 'written', 'written']);
    const inodes = names.map((name) => statSync(join(path, name)).ino);
    // Nobody can claim it any more.
    writeFileSync(join(path, 'trust.jws.lock'), '');
    expect(publishTrust(publication, path, nothing)).toMatchObject({ before: 2, version: 2, error: null });
    expect(outcomes(publishTrust(publication, path, nothing))).toEqual(['same', 'same', 'same']);
    expect(names.map((name) => statSync(join(path, name)).ino)).toEqual(inodes);
  });

  test('loses no line of the list that is there, not even one that nobody understands', () => {
    const path = folder();
    writeFileSync(join(path, 'revocations.jws'), 'a line\nanother line', { flag: 'a' });
    const there = readFileSync(join(path, 'revocations.jws'), 'latin1').split('\n');
    expect(publishTrust(publication, path).error).toBeNull();
    const union = readFileSync(join(path, 'revocations.jws'), 'latin1').trimEnd().split('\n');
    const ours = Buffer.from(publication.revocations).toString('latin1').trimEnd().split('\n');
    expect(new Set(union)).toEqual(new Set([...there, ...ours]));
    expect(union).toHaveLength(new Set(union).size);
  });

  test('replaces a trust file that is torn, and follows a link', () => {
    const path = folder();
    const real = join(folder(null), 'elsewhere.jws');
    cpSync(join(path, 'trust.jws'), real);
    rmSync(join(path, 'trust.jws'));
    symlinkSync(real, join(path, 'trust.jws'));
    writeFileSync(real, readFileSync(real).subarray(0, 100));
    expect(publishTrust(publication, path)).toMatchObject({ before: null, error: null });
    expect(readFileSync(real)).toEqual(Buffer.from(publication.trust.bytes));
  });
});

describe('publishing that stops in the middle', () => {
  test.each([1, 2, 3])('at file %i leaves what a verifier can follow, and the same again completes it', (nth) => {
    const path = folder();
    const broken = publishTrust(publication, path, fullAt(nth));
    expect(broken.error).toMatchObject({ code: 'IO', message: expect.stringContaining('ENOSPC') });
    expect(outcomes(broken)).toEqual(names.map((_, at) => (at < nth - 1 ? 'written' : 'not-written')));
    expect(readdirSync(path).sort()).toEqual([...names].sort());

    // Whole files, the keys not before the denial, the trust file not before the keys.
    const trust = acceptTrust(before, openTrust(readFileSync(join(path, 'trust.jws'))));
    const list = readFileSync(join(path, 'revocations.jws'));
    expect(readRevocations(list, trust).badLines).toBe(0);
    const keys = readFileSync(join(path, 'jwks-es256.json'), 'utf8');
    const isNew = [
      deniesOldEpochs(list, publication.trust),
      !keys.includes(tokenKid(before)),
      trust.payload.version === 2,
    ];
    expect(isNew).toEqual(names.map((_, at) => at < nth - 1));

    expect(publishTrust(publication, path).error).toBeNull();
    expect(contents(path)).toEqual(contents(rotated.outDir));
  });

  test.each([
    ['is gone', (path: string) => rmSync(path, { recursive: true }), 'NOT_FOUND'],
    ['is a file', (path: string) => swapForFile(path), 'NOT_FOUND'],
    ['holds a folder where a file goes', (path: string) => swapForFolder(join(path, 'jwks-es256.json')), 'BAD_INPUT'],
  ])('because the folder %s touches nothing, and ends in the same bytes once that is mended', (_, spoil, code) => {
    const path = folder();
    spoil(path);
    const spoilt = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? contents(path) : undefined;
    const broken = publishTrust(publication, path);
    expect([broken.error?.code, outcomes(broken)]).toEqual([code, ['not-written', 'not-written', 'not-written']]);
    if (spoilt) expect(contents(path)).toEqual(spoilt);
    rmSync(path, { recursive: true, force: true });
    cpSync(outBefore, path, { recursive: true });
    expect(publishTrust(publication, path).error).toBeNull();
    expect(contents(path)).toEqual(contents(rotated.outDir));
  });

  const swapForFile = (path: string) => {
    rmSync(path, { recursive: true });
    writeFileSync(path, 'mine');
  };
  const swapForFolder = (path: string) => {
    rmSync(path);
    mkdirSync(path);
  };
});

describe('publishing never goes backwards:', () => {
  const old = () => ({ trust: before, versions: [before], revocations: publication.revocations });

  function expectRefused(what: Publication, path: string, code: string, told: RegExp): void {
    const there = contents(path);
    const { error, ...refused } = publishTrust(what, path, nothing);
    expect(error).toMatchObject({ code });
    expect(`${error?.message} ${error?.hint}`).toMatch(told);
    expect(outcomes(refused)).toEqual(['not-written', 'not-written', 'not-written']);
    expect(contents(path)).toEqual(there);
  }

  test('a folder with a newer version is refused, and both versions are named', () => {
    expectRefused(old(), folder(rotated.outDir), 'TRUST_OLDER', /holds version 2 \(\w{8}\).* version 1 \(\w{8}\)/);
  });

  test('so is one where a newer version was being published when that stopped', () => {
    const path = folder();
    publishTrust(publication, path, fullAt(3));
    expectRefused(old(), path, 'TRUST_OLDER', /holds the key \S{43}, which version 1 .* does not know/);
  });

  test('so is one with another trust, and the words of both are named', async () => {
    const other = await initialized(dir, { name: 'Another one' });
    const told = /Another one, version 1 \(\w{8}\), (\w+ ){7}\w+; here: Example production, version 2/;
    expectRefused(publication, folder(other.outDir), 'TRUST_OTHER', told);
  });

  test('so is one with another file of the same version', async () => {
    const scene = await initialized(dir);
    const fork = copyOf(scene);
    await changeIn(scene, { kind: 'rotate.keys' });
    await changeIn(fork, { kind: 'rotate.keys' }, { minute: 11 });
    expect(trustOf(scene).sha256).not.toBe(trustOf(fork).sha256);
    expectRefused(
      publicationOf(openState(fork.stateDir)),
      folder(scene.outDir),
      'TRUST_INVALID',
      /nothing at hand leads to/,
    );
  });

  test('so is a whole trust file that this program cannot judge', () => {
    const path = folder();
    const [header, payload = '', signature] = readFileSync(join(path, 'trust.jws'), 'latin1').trimEnd().split('.');
    const newer = Buffer.from(payload, 'base64url').toString().replace('"v":1', '"v":2');
    writeFileSync(join(path, 'trust.jws'), `${header}.${Buffer.from(newer).toString('base64url')}.${signature}\n`);
    expectRefused(publication, path, 'FORMAT_NEWER', /of a newer breakglass/);
  });

  test('new keys without the denial of the old ones are refused, until somebody brings it', () => {
    const [first = ''] = Buffer.from(publication.revocations).toString('latin1').split('\n');
    const bare = { ...publication, revocations: Buffer.from(`${first}\n`) };
    expectRefused(bare, folder(), 'REVOCATIONS_MISSING', /denial of the tokens of epoch 1.*--revocations FILE/);
    const path = folder();
    cpSync(join(rotated.outDir, 'revocations.jws'), join(path, 'revocations.jws'));
    expect(publishTrust(bare, path).error).toBeNull();
  });
});

test('a folder that missed a new root gets that version first, and the newest when it is published again', async () => {
  const scene = copyOf(rotated);
  const deal = { threshold: 3, custodians };
  const seed = await changeIn(scene, { kind: 'rotate.seed', deal, strength: 128 }, { minute: 20 });
  const keys = await changeIn({ ...scene, cards: seed.newCards }, { kind: 'rotate.keys' }, { minute: 21 });
  expect([seed.error, keys.error]).toEqual([undefined, undefined]);
  const path = folder();
  const now = publicationOf(openState(scene.stateDir));
  const steps = [1, 2].map(() => {
    const { error, before: held, version } = publishTrust(now, path);
    return [held, version, error?.code, openTrust(readFileSync(join(path, 'trust.jws')))] as const;
  });
  expect(steps.map(([held, version, code]) => [held, version, code])).toEqual([
    [1, 3, 'PUBLISH_UNFINISHED'],
    [3, 4, undefined],
  ]);
  // Whoever reads the folder in between can follow all the way.
  expect(steps.reduce((trust, [, , , next]) => acceptTrust(trust, next), before).payload.version).toBe(4);
  expect(() => acceptTrust(before, now.trust)).toThrow(expect.objectContaining({ code: 'TRUST_INVALID' }));
});

function tokenKid(trust: Trust): string {
  return trust.keys.find(({ use, status }) => use === 'token' && status === 'active')?.public.kid ?? '';
}
