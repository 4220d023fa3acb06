import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { armor, Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatTime } from '../../src/base/time.ts';
import {
  audience,
  errorCodes,
  json,
  type MintJson,
  mintFlags,
  openScenes,
  recordsOn,
  type Scene,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
/** A strip of forty minutes in strip.jwt: three tokens. */
let minted: Scene;
let product: MintedStrip;
beforeAll(async () => {
  scenes = await openScenes();
  minted = scenes.origin.copy();
  product = await mintStrip(minted);
});
afterAll(() => scenes.remove());

interface MintedStrip extends MintJson {
  readonly family: string;
  readonly file: string;
  readonly kill: string;
  readonly tokens: readonly {
    readonly sequence: number;
    readonly jti: string;
    readonly nbf: number;
    readonly exp: number;
    readonly file: string | null;
  }[];
}

async function mintStrip(scene: Scene, flags: readonly string[] = [], asked: readonly string[] = []) {
  const request = await writeRequest(scene, ['--duration', '40m', ...asked]);
  const run = await scene.run([...mintFlags(request), '--out', 'strip.jwt', '--json', ...flags]);
  if (run.status !== 0) throw new Error(run.stderr);
  return json(run) as MintedStrip;
}

const pieces = ['strip.001.jwt', 'strip.002.jwt', 'strip.003.jwt'];
const textOf = (scene: Scene, name: string) => readFileSync(scene.path(name), 'utf8');

describe('verify, given the bundle,', () => {
  const by = ['--trust', 'out/trust.jws', '--audience', audience, '--revocations', 'out/revocations.jws', '--json'];
  const at = async (seconds: number) => {
    const run = await minted.run(['verify', 'strip.jwt', ...by, '--at', formatTime(seconds)]);
    return { run, verdict: JSON.parse(run.stdout) };
  };

  test('judges the token of that moment, the later one where two are valid', async () => {
    for (const [position, { nbf, exp, jti, sequence }] of product.tokens.entries()) {
      for (const moment of [nbf, exp - 61]) {
        const { run, verdict } = await at(moment);
        expect({ moment, status: run.status, jti: verdict.claims.jti }).toEqual({ moment, status: 0, jti });
        expect(run.stderr).toContain(`This is a bundle of 3 tokens: token ${sequence} is judged.`);
      }
      const next = product.tokens[position + 1];
      if (next) expect((await at(next.nbf)).verdict.claims.jti).toBe(next.jti);
    }
  });

  test('judges the first before all of them, and the last behind', async () => {
    const [first, last] = [product.tokens[0], product.tokens.at(-1)];
    const before = await at((first?.nbf ?? 0) - 60);
    expect(before).toMatchObject({ run: { status: 1 }, verdict: { code: 'TOKEN_ISSUED_IN_FUTURE' } });
    const after = await at(last?.exp ?? 0);
    expect(after).toMatchObject({ run: { status: 1 }, verdict: { code: 'TOKEN_EXPIRED' } });
  });

  test('judges a file of other lines as it stands', async () => {
    writeFileSync(minted.path('lines.txt'), `${textOf(minted, 'strip.001.jwt')}and so on\n`);
    const run = await minted.run(['verify', 'lines.txt', ...by]);
    expect(run.status).toBe(1);
    expect(run.stderr).not.toContain('bundle');
  });
});

describe('a strip goes to', () => {
  test('one bundle and a file for each token, for their owner only', () => {
    expect(product.tokens.map(({ file }) => file)).toEqual(pieces);
    expect(textOf(minted, 'strip.jwt')).toBe(pieces.map((name) => textOf(minted, name)).join(''));
    for (const name of ['strip.jwt', ...pieces]) expect(statSync(minted.path(name)).mode & 0o777).toBe(0o600);
    expect(statSync(minted.path('inc-1.kill.jws')).mode & 0o777).toBe(0o644);
    expect(product.kill).toBe('inc-1.kill.jws');
  });

  test('names without an extension, and the folder of the bundle with its kill file', async () => {
    const scene = scenes.origin.copy();
    mkdirSync(scene.path('give'));
    const { tokens, kill } = await mintStrip(scene, ['--out', 'give/strip']);
    expect(tokens.map(({ file }) => file)).toEqual(['give/strip.001', 'give/strip.002', 'give/strip.003']);
    expect(kill).toBe('give/inc-1.kill.jws');
  });

  test('files that are each sealed, and no token in clear anywhere', async () => {
    const scene = scenes.origin.copy();
    const identity = await generateIdentity();
    await mintStrip(scene, [], ['--recipient', await identityToRecipient(identity)]);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const open = (name: string) => decrypter.decrypt(readFileSync(scene.path(name)), 'text');
    const opened = await Promise.all(pieces.map(open));
    expect(await open('strip.jwt')).toBe(opened.join(''));
    for (const name of ['strip.jwt', ...pieces])
      expect(readFileSync(scene.path(name), 'latin1')).not.toContain(opened[0]?.slice(0, 40));
  });

  test('nothing at all where one of the names is taken: that is found before anybody gives a share', async () => {
    const scene = scenes.origin.copy();
    writeFileSync(scene.path('strip.002.jwt'), 'what was here before');
    const request = await writeRequest(scene, ['--duration', '40m']);
    const run = await scene.run([...mintFlags(request, []), '--share', 'nobody', '--out', 'strip.jwt', '--json']);
    expect([run.status, errorCodes(run)]).toEqual([2, ['EXISTS']]);
    expect(run.stderr).toContain('strip.002.jwt exists already');
    expect(readdirSync(scene.dir).filter((name) => name.includes('strip'))).toEqual(['strip.002.jwt']);
    expect(textOf(scene, 'strip.002.jwt')).toBe('what was here before');
    expect(recordsOn(scene, 'a').at(-1)).toMatchObject({ type: 'mint.refused', codes: ['EXISTS'] });
  });

  test('the bundle alone where a piece cannot be written after all, with a warning', async () => {
    const scene = scenes.origin.copy();
    const out = 'x'.repeat(253);
    const { tokens, warnings } = await mintStrip(scene, ['--out', out]);
    expect(tokens.map(({ file }) => file)).toEqual([null, null, null]);
    expect(warnings.filter(({ code }) => code === 'STRIP_FILE')).toHaveLength(3);
    expect(textOf(scene, out).split('\n')).toHaveLength(4);
  });

  test('one file, where the request asks for one token', async () => {
    const scene = scenes.origin.copy();
    const request = await writeRequest(scene);
    const run = await scene.run([...mintFlags(request), '--out', 'token.jwt', '--json']);
    expect(json(run)).toMatchObject({ tokens: [{ file: null }] });
    expect(existsSync(scene.path('token.001.jwt'))).toBe(false);
  });
});

describe('strip current', () => {
  const current = (...args: readonly string[]) => minted.run(['strip', 'current', 'strip.jwt', ...args]);
  const at = (seconds: number) => ['--at', formatTime((product.tokens[0]?.nbf ?? 0) + seconds)];

  test('prints the token that is valid now and nothing else; people read the rest on standard error', async () => {
    const run = await current();
    expect([run.status, run.stdout]).toEqual([0, textOf(minted, 'strip.001.jwt')]);
    expect(run.stderr).toContain('Token 1 is valid until');
    expect(run.stderr).toContain('Then comes token 2, from');
    expect(run.stderr).toContain('not judged');
  });

  test('prints the later one in the overlap, and says when it is the last', async () => {
    expect((await current(...at(839))).stdout).toBe(textOf(minted, 'strip.001.jwt'));
    expect((await current(...at(840))).stdout).toBe(textOf(minted, 'strip.002.jwt'));
    const last = await current(...at(2399));
    expect(last.stdout).toBe(textOf(minted, 'strip.003.jwt'));
    expect(last.stderr).toContain('It is the last one.');
  });

  test('ends with 3 before the first and with 1 after the last, and prints no token', async () => {
    const early = await current(...at(-1));
    expect([early.status, early.stdout]).toEqual([3, '']);
    expect(early.stderr).toContain(`token 1 begins at ${formatTime(product.tokens[0]?.nbf ?? 0)}`);
    const late = await current(...at(2400), '--json');
    expect([late.status, errorCodes(late)]).toEqual([1, ['STRIP_OVER']]);
  });

  test('as JSON', async () => {
    const [first, second, third] = product.tokens.map(({ sequence, jti, nbf, exp }) => ({ sequence, jti, nbf, exp }));
    const token = textOf(minted, 'strip.002.jwt').trimEnd();
    expect(json(await current(...at(1000), '--json'))).toEqual({ v: 1, token, ...second, next: third });
    expect(json(await current(...at(2390), '--json'))).toMatchObject({ sequence: 3, next: null });
    expect(first?.sequence).toBe(1);
  });

  test('reads standard input', async () => {
    const run = await minted.run(['strip', 'current', '-'], { input: textOf(minted, 'strip.jwt') });
    expect(run.stdout).toBe(textOf(minted, 'strip.001.jwt'));
  });

  test.each<[string, string, () => Promise<string | Uint8Array>]>([
    [
      'a sealed bundle, and says how to open it',
      'age -d -i KEY bundle | breakglass strip current -',
      async () => sealedBundle('binary'),
    ],
    ['one in letters', 'age -d -i KEY bundle', async () => sealedBundle('armored')],
    ['what is no bundle', 'line 1 of the bundle', async () => 'eyJ\n'],
  ])('refuses %s', async (_what, told, content) => {
    const scene = scenes.origin.copy();
    writeFileSync(scene.path('bundle'), await content());
    const run = await scene.run(['strip', 'current', 'bundle']);
    expect([run.status === 0, run.stdout]).toEqual([false, '']);
    expect(run.stderr).toContain(told);
  });

  test('refuses a file that is not there and a time that is none', async () => {
    expect((await minted.run(['strip', 'current', 'nowhere'])).status).toBe(2);
    expect((await current('--at', 'noon')).status).toBe(2);
  });
});

async function sealedBundle(form: 'binary' | 'armored'): Promise<string | Uint8Array> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(await generateIdentity()));
  const bytes = await encrypter.encrypt('tokens');
  return form === 'binary' ? bytes : armor.encode(bytes);
}

describe('the kill file that a mint leaves', () => {
  const judge = (token: string, list: string) =>
    minted.run([
      ...['verify', token, '--trust', 'out/trust.jws', '--audience', audience, '--revocations', list, '--json'],
      ...['--state', `verifier-of-${list.replace('/', '-')}`],
    ]);

  test('denies its family by itself, once it stands beside what services read: no key, no quorum', async () => {
    writeFileSync(minted.path('merged.jws'), textOf(minted, 'out/revocations.jws') + textOf(minted, 'inc-1.kill.jws'));
    expect(json(await judge('strip.001.jwt', 'out/revocations.jws'))).toMatchObject({ valid: true });
    const killed = await judge('strip.001.jwt', 'merged.jws');
    expect([killed.status, json(killed)]).toMatchObject([1, { valid: false, code: 'TOKEN_REVOKED' }]);
  });

  test('is a list of its own too: without the rest a verifier is behind, and does not believe the token', async () => {
    expect(json(await judge('strip.001.jwt', 'inc-1.kill.jws'))).toMatchObject({ code: 'REVOCATIONS_BEHIND' });
  });

  test('brought to the next mint of the family refuses it', async () => {
    const scene = minted.copy();
    const request = await writeRequest(scene);
    const flags = ['--renews', product.family, '--revocations', 'inc-1.kill.jws', '--out', 'again', '--json'];
    const run = await scene.run([...mintFlags(request), ...flags]);
    expect([run.status, errorCodes(run)]).toEqual([4, ['REQUEST_REVOKED']]);
    expect(run.stderr).toContain('Leave --renews out');
    expect(existsSync(scene.path('again'))).toBe(false);
    expect(recordsOn(scene, 'b').slice(-2)).toMatchObject([{ type: 'revocations.imported' }, { type: 'mint.refused' }]);
  });
});

describe('mint --renews', () => {
  test('goes on with the family in new files, and the trail is as it should be', async () => {
    const scene = minted.copy();
    const request = await writeRequest(scene, ['--duration', '28m']);
    const flags = ['--renews', 'last', '--out', 'more.jwt', '--json'];
    const renewed = json(await scene.run([...mintFlags(request), ...flags])) as MintedStrip;
    expect(renewed).toMatchObject({
      family: product.family,
      tokens: [
        { sequence: 4, file: 'more.004.jwt' },
        { sequence: 5, file: 'more.005.jwt' },
      ],
    });
    const audit = await scene.run([
      'audit-check',
      'a',
      'b',
      '--trust',
      'out/trust.jws',
      '--seen',
      'more.jwt',
      '--json',
    ]);
    expect(json(audit)).toMatchObject({ verdict: 'intact' });
  });

  test.each([
    ['no family', ['--renews', 'strip.jwt'], 2, 'BAD_INPUT'],
    ['a family that the trail does not know', ['--renews', 'A'.repeat(22)], 4, 'FAMILY_UNKNOWN'],
    ['the last one of an incident without any', ['--renews', 'last'], 4, 'FAMILY_UNKNOWN'],
  ])('refuses %s', async (_what, flags, status, code) => {
    const scene = minted.copy();
    const request = await writeRequest(scene, ['--incident', 'inc-other']);
    const run = await scene.run([...mintFlags(request), '--out', 'more', '--json', ...flags]);
    expect([run.status, errorCodes(run), existsSync(scene.path('more'))]).toEqual([status, [code], false]);
  });
});

test('a list that is not there refuses a mint before anything else', async () => {
  const scene = scenes.origin.copy();
  const request = await writeRequest(scene);
  const run = await scene.run([...mintFlags(request), '--revocations', 'nowhere.jws', '--json']);
  expect([run.status, errorCodes(run)]).toEqual([2, ['NOT_FOUND']]);
  expect(recordsOn(scene, 'a')).toHaveLength(1);
});
