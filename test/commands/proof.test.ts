import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { armor, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { EmbeddedJWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatBase64url, sha256 } from '../../src/base/bytes.ts';
import { isBreakglassError } from '../../src/base/errors.ts';
import { formatTime, parseTime } from '../../src/base/time.ts';
import type { CommandIo } from '../../src/commands/io.ts';
import { runProof } from '../../src/commands/proof-run.ts';
import { verifyProof } from '../../src/token/proof.ts';
import { readToken } from '../../src/token/read.ts';
import { keys, startPty } from '../terminal/pty.ts';
import { environment, type Run, runShell } from './program.ts';
import { audience, errorCodes, json, mintFlags, openScenes, type Scene, writeRequest } from './scene.ts';

const url = `${audience}/rows`;
const passphrase = 'correct horse battery';
const sealedKey = 'dana-inc-sealed.holder.age';
const plainKey = 'dana-inc-plain.holder.p8';

let scenes: Awaited<ReturnType<typeof openScenes>>;
/** Three tokens: plain.jwt and the strip sealed.jwt, named after how their keys are kept, and free.jwt, which has none. */
let scene: Scene;
beforeAll(async () => {
  scenes = await openScenes();
  scene = scenes.origin.copy();
  await mint('plain', ['--holder', 'new', '--unsealed']);
  await mint('sealed', ['--holder', 'new', '--passphrase-fd', '3', '--duration', '40m']);
  await mint('free', ['--holder', 'none']);
});
afterAll(() => scenes.remove());

async function mint(name: string, flags: readonly string[]): Promise<void> {
  const out = `${name}.json`;
  const asked = ['request', '--trust', 'out/trust.jws', '--incident', `inc-${name}`, '--subject', 'dana'];
  const why = ['--role', 'db-admin', '--circumstance', 'outage', '--reason', 'the primary does not come up again'];
  const run = await scene.run([...asked, ...why, '--out', out, '--json', ...flags], { passphrases: `${passphrase}\n` });
  if (run.status !== 0) throw new Error(run.stderr);
  const { id, fingerprint } = json(run) as { id: string; fingerprint: { words: string[] } };
  const request = { file: out, id, words: fingerprint.words.join(' ') };
  const minted = await scene.run([...mintFlags(request), '--out', `${name}.jwt`]);
  if (minted.status !== 0) throw new Error(minted.stderr);
}

const tokenOf = (file: string) => readFileSync(scene.path(file), 'utf8').split('\n')[0] ?? '';
const proof = (flags: readonly string[], method = 'GET', address = url) =>
  scene.run(['proof', method, address, ...flags]);
const withPlain = ['--token', 'plain.jwt', '--key', plainKey];
/** Sends a request with the header lines of a file or of standard input, as `curl -H @FILE` does. */
const sender = `
  import { readFileSync } from 'node:fs';
  const [address, file] = process.argv.slice(2);
  const lines = readFileSync(file === '-' ? 0 : file, 'utf8').trimEnd().split('\\n');
  await fetch(address, { headers: lines.map((line) => line.split(/: (.*)/).slice(0, 2)) });`;
const now = () => Math.floor(Date.now() / 1000);

/** As a service judges it: the two lines are the whole of standard output. */
function judge(run: Run, file: string, request: { method: string; url: string }, nonce: string | null = null) {
  const [, scheme, token = '', proof = ''] =
    /^Authorization: (DPoP) ([\w.-]+)\nDPoP: ([\w.-]+)\n$/.exec(run.stdout) ?? [];
  const jkt = readToken(tokenOf(file)).claims.cnf?.jkt ?? '';
  expect([scheme, token]).toEqual(['DPoP', tokenOf(file)]);
  const asked = nonce === null ? null : (given: string | undefined) => given === nonce;
  return verifyProof(proof, { ...request, ath: formatBase64url(sha256(token)), jkt, now: now(), nonce: asked });
}

describe('proof prints the two header lines of a request', () => {
  test('that a service accepts, with an id of its own each time', async () => {
    const runs = [await proof(withPlain), await proof(withPlain)];
    const ids = runs.map((run) => judge(run, 'plain.jwt', { method: 'GET', url: `${url}?limit=3` }).jti);
    expect(new Set(ids).size).toBe(2);
    expect(runs[0]?.stderr).toMatch(
      /^Token 1 is valid until .* The proof is good once, for 60 s: GET https:.*\/rows\n$/,
    );
  });

  test('for the method and the address, whose query and spelling do not matter', async () => {
    const run = await proof(withPlain, 'POST', 'HTTPS://DB.prod.example.com:443/a/../rows?secret=1#x');
    expect(judge(run, 'plain.jwt', { method: 'POST', url }).iat).toBeGreaterThan(now() - 30);
    expect(run.stdout + run.stderr).not.toContain('secret');
    expect(() => judge(run, 'plain.jwt', { method: 'GET', url })).toThrow('another method');
  });

  test('with the nonce of the service', async () => {
    judge(await proof([...withPlain, '--nonce', 'n0-nce.~']), 'plain.jwt', { method: 'GET', url }, 'n0-nce.~');
  });

  test('of the token of a strip that is valid now, by a key under a passphrase', async () => {
    const flags = ['proof', 'GET', url, '--token', 'sealed.jwt', '--key', sealedKey, '--passphrase-fd', '3'];
    const run = await scene.run(flags, { passphrases: `wrong\n${passphrase}\n` });
    judge(run, 'sealed.jwt', { method: 'GET', url });
    expect(run.stderr).toContain('that passphrase does not open dana-inc-sealed.holder.age');
    expect(run.stdout + run.stderr).not.toContain(passphrase);
  });

  test('by a key that is typed for at a terminal', async () => {
    const env = environment(scene.program, scene.dir);
    const line = `breakglass proof GET ${url} --token sealed.jwt --key ${sealedKey} | cat > headers.txt`;
    const session = startPty('/bin/sh', ['-c', line], { cwd: scene.dir, env });
    await session.shows(`Passphrase of ${sealedKey}:`);
    session.type(`${passphrase}${keys.enter}`);
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });
    expect(session.output).not.toContain(passphrase);
    judge({ status: 0, stdout: readFileSync(scene.path('headers.txt'), 'utf8'), stderr: '' }, 'sealed.jwt', {
      method: 'GET',
      url,
    });
  });

  test('with a token on standard input', async () => {
    const run = await scene.run(['proof', 'GET', url, '--token', '-', '--key', plainKey], {
      input: tokenOf('plain.jwt'),
    });
    judge(run, 'plain.jwt', { method: 'GET', url });
  });

  test('that jose finds right by the key in it', async () => {
    const { headers } = json(await proof([...withPlain, '--json'])) as { headers: { DPoP: string } };
    const { payload } = await jwtVerify(headers.DPoP, EmbeddedJWK, { typ: 'dpop+jwt' });
    expect(payload).toMatchObject({ htm: 'GET', htu: url });
  });

  test('that openssl makes a key for as well as request does', async () => {
    const own = scene.copy();
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(own.path('own.p8'), privateKey.export({ type: 'pkcs8', format: 'der' }));
    const { crv, kty, x } = publicKey.export({ format: 'jwk' });
    writeFileSync(own.path('own.jwk'), JSON.stringify({ crv, kty, x }));
    const request = await writeRequest(own, ['--holder', 'own.jwk']);
    await own.run([...mintFlags(request), '--out', 'own.jwt']);
    const run = await own.run(['proof', 'GET', url, '--token', 'own.jwt', '--key', 'own.p8', '--json']);
    const { headers } = json(run) as { headers: { DPoP: string } };
    expect((await jwtVerify(headers.DPoP, EmbeddedJWK)).protectedHeader).toMatchObject({ alg: 'Ed25519' });
  });

  test('and a client takes them from a pipe and from a substitution, as curl does', async () => {
    writeFileSync(scene.path('send.mjs'), sender);
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/rows`;
    const make = `breakglass proof GET ${address} ${withPlain.join(' ')}`;
    const send = `${process.execPath} send.mjs ${address}`;
    for (const line of [`${make} | ${send} -`, `${send} <(${make})`])
      expect((await runShell(scene.program, scene.dir, `bash -c '${line}'`)).status).toBe(0);
    server.close();
    expect(seen).toHaveLength(2);
    for (const { authorization = '', dpop } of seen) {
      const stdout = `Authorization: ${authorization}\nDPoP: ${dpop}\n`;
      judge({ status: 0, stdout, stderr: '' }, 'plain.jwt', { method: 'GET', url: address });
    }
  });
});

describe('a token that is bound to no key', () => {
  test('gives the bearer line alone, and a warning', async () => {
    const run = await proof(['--token', 'free.jwt']);
    expect([run.status, run.stdout]).toEqual([0, `Authorization: Bearer ${tokenOf('free.jwt')}\n`]);
    expect(run.stderr).toContain('bound to no key: whoever sees it can use it');
    expect(json(await proof(['--token', 'free.jwt', '--json']))).toMatchObject({ v: 1, proof: null });
  });
});

describe('proof prints nothing', () => {
  const refused = async (flags: readonly string[], method = 'GET', address = url) => {
    const run = await proof(flags, method, address);
    const product = await proof([...flags, '--json'], method, address);
    expect(run.stdout).toBe('');
    expect(run.stderr).toContain('No token was printed');
    return [run.status, ...errorCodes(product)];
  };

  test('without the key', async () => {
    expect(await refused(['--token', 'plain.jwt'])).toEqual([2, 'USAGE']);
    const { stderr } = await proof(['--token', 'plain.jwt']);
    expect(stderr).toContain('--key dana-inc-plain.holder.age, or dana-inc-plain.holder.p8');
  });

  test('with the key of another token', async () => {
    expect(await refused(['--token', 'sealed.jwt', '--key', plainKey])).toEqual([5, 'KEY_MISMATCH']);
  });

  test('with what is no key', async () => {
    writeFileSync(scene.path('empty'), '');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    writeFileSync(scene.path('p384.p8'), privateKey.export({ type: 'pkcs8', format: 'der' }));
    for (const name of ['policy.toml', 'empty', 'p384.p8', 'plain.jwt'])
      expect([name, await refused(['--token', 'plain.jwt', '--key', name])]).toEqual([name, [2, 'BAD_INPUT']]);
  });

  test('with a key that needs a passphrase that nobody types, or a wrong one', async () => {
    expect(await refused(['--token', 'sealed.jwt', '--key', sealedKey])).toEqual([2, 'NO_TERMINAL']);
    const run = await scene.run(
      ['proof', 'GET', url, '--token', 'sealed.jwt', '--key', sealedKey, '--passphrase-fd', '3'],
      { passphrases: 'wrong\n' },
    );
    expect([run.status, run.stdout]).toEqual([5, '']);
  });

  test.each(['get', 'GE T', '', 'GET\n', 'GET:', '-', 'ÄÖ'])('for the method %j', async (method) => {
    const run = await scene.run(['proof', '--token', 'plain.jwt', '--', method, url]);
    expect([run.status, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain('the method is not one of HTTP');
  });

  test.each([
    '/rows',
    'db.prod.example.com',
    'ftp://x/',
    'https://u:hidden@x/',
    'https://x/ hidden',
    'https://x/\u001b',
  ])('for the address %j, and does not repeat it', async (address) => {
    expect(await refused(withPlain, 'GET', address)).toEqual([2, 'BAD_INPUT']);
    expect((await proof(withPlain, 'GET', address)).stderr).not.toMatch(/hidden|\u001b/);
  });

  test('for a nonce that is none', async () => {
    expect(await refused([...withPlain, '--nonce', 'a b'])).toEqual([2, 'BAD_INPUT']);
  });

  test('of a sealed token, and says how to open it', async () => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(await identityToRecipient(await generateIdentity()));
    const sealed = await encrypter.encrypt(tokenOf('plain.jwt'));
    writeFileSync(scene.path('sealed.age'), sealed);
    writeFileSync(scene.path('sealed.asc'), armor.encode(sealed));
    for (const name of ['sealed.age', 'sealed.asc']) {
      expect(await refused(['--token', name, '--key', plainKey])).toEqual([2, 'BAD_INPUT']);
      const { stderr } = await proof(['--token', name, '--key', plainKey]);
      expect(stderr).toContain(`age -d -i KEY ${name} | breakglass proof METHOD URL --key KEY --token -`);
    }
  });

  test('of what is no token', async () => {
    writeFileSync(scene.path('nothing.jwt'), 'x.y.z\n');
    writeFileSync(scene.path('empty.jwt'), '');
    expect((await refused(['--token', 'empty.jwt', '--key', plainKey]))[1]).toBe('TOKEN_EMPTY');
    const run = await proof(['--token', 'nothing.jwt', '--key', plainKey]);
    expect([run.status, run.stdout]).toEqual([1, '']);
  });

  test('before the token begins, or after its end', async () => {
    const at = async (time: string) => {
      const printed: string[] = [];
      const io: CommandIo = {
        clock: { now: () => parseTime(time) ?? 0 },
        random: (length) => randomBytes(length),
        env: {},
        product: (text) => {
          printed.push(text);
          return 'written';
        },
        note: () => {},
        exit: () => {},
      };
      try {
        await runProof('GET', url, { token: scene.path('plain.jwt'), key: scene.path(plainKey) }, io);
        return printed;
      } catch (error) {
        return [isBreakglassError(error) && error.code, ...printed];
      }
    };
    expect(await at('2020-01-01T00:00:00Z')).toEqual(['STRIP_NOT_BEGUN']);
    expect(await at('2035-01-01T00:00:00Z')).toEqual(['STRIP_OVER']);
    expect(await at(formatTime(now()))).toHaveLength(1);
  });
});

test('a request to another host than that of the audience is pointed out', async () => {
  const run = await proof(withPlain, 'GET', 'https://db.prod.example.org/rows');
  expect(run.status).toBe(0);
  expect(run.stderr).toContain(`the token is for ${audience}, and the request goes to https://db.prod.example.org`);
});
