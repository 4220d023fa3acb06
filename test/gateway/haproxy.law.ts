import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BreakglassError } from '../../src/base/errors.ts';
import { importSigningKey, type SigningKey } from '../../src/key/derive.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { sealStatement } from '../../src/revocation/statement.ts';
import type { Claims } from '../../src/token/claims.ts';
import { verifyToken } from '../../src/token/verify.ts';
import { openTrust } from '../../src/trust/trust-file.ts';
import { audience, goodShares, json, mintToken, now, openScenes, payloadOf, type Scene } from '../commands/scene.ts';
import { type Forgery, forge, forgeHmac, forgeUnsigned, rebuildKey } from './forge.ts';
import { type Ask, type Gateway, startHaproxy } from './haproxy.ts';
import { readGatewayPage } from './page.ts';

/** What a row of the page's table sends. `knows` says what the strict verifier has at hand, and HAProxy where it is told so. */
interface Sent {
  readonly token: string;
  readonly ask?: Partial<Ask>;
  readonly knows?: 'the rotation' | 'the revocation';
  readonly gateway?: 'with the new key';
}

const page = readGatewayPage('HAProxy', 'haproxy');
let scenes: Awaited<ReturnType<typeof openScenes>>;
let sent: ReadonlyMap<string, Sent>;
let verify: (what: Sent) => string;
let gateways: Readonly<Record<'with the old key' | 'with the new key', Gateway>>;

beforeAll(async () => {
  scenes = await openScenes();
  const scene = scenes.origin;
  const key = await rebuilt('token', scene);
  const { token } = await mintToken(scene);
  const { token: drill } = await mintToken(scene, ['--drill']);
  await exportKeys(scene);
  const rotated = scene.copy();
  await rotateKeys(rotated);
  await exportKeys(rotated);
  sent = await makeRows(scene, { key, token, drill });
  verify = await strictVerifier(scene, rotated);
  gateways = {
    'with the old key': await startHaproxy(page.configuration, gatewayFolder(scene, 'TOKEN001.PEM')),
    'with the new key': await startHaproxy(page.configuration, gatewayFolder(rotated, 'TOKEN002.PEM')),
  };
});

afterAll(async () => {
  await gateways?.['with the old key'].close();
  await gateways?.['with the new key'].close();
  scenes?.remove();
});

test('the table of the page and the rows of this test are the same', () => {
  expect(page.rows.map(({ name }) => name)).toEqual([...sent.keys()]);
});

test.each(page.rows)('HAProxy: $name → $status; the strict verifier: $verdict', async ({ name, status, verdict }) => {
  const row = sent.get(name);
  if (!row) throw new Error('the page has a row that nothing is sent for');
  const gateway = gateways[row.gateway ?? 'with the old key'];
  const answer = await gateway.ask({ authorization: row.token === '' ? [] : [`Bearer ${row.token}`], ...row.ask });
  expect(answer.status).toBe(status);
  expect(answer.body === 'service').toBe(status === 200);
  // Possession is judged with the request, by the guard alone: to the verifier of the token it is good.
  expect(verify(row)).toBe(verdict === 'PROOF_MISSING' ? 'good' : verdict);
});

interface Made {
  readonly key: SigningKey;
  readonly token: string;
  readonly drill: string;
}

async function makeRows(scene: Scene, { key, token, drill }: Made): Promise<ReadonlyMap<string, Sent>> {
  const claims = payloadOf(token) as Claims;
  const stranger = await strangerKey();
  const forged = async (forgery: Forgery, signer = key): Promise<Sent> => ({
    token: await forge(signer, claims, forgery),
  });
  const present = Math.floor(Date.now() / 1000);
  const inIncident = { ...claims.breakglass, family: 'A'.repeat(22) };
  const killed = { ...claims.breakglass, family: `${'B'.repeat(21)}A` };
  return new Map<string, Sent>([
    ['a token as it was minted', { token }],
    ['a POST, by a token with the scope for it', { token, ask: { method: 'POST' } }],
    [
      'a POST, by a token without the scope for it',
      { ...(await forged({ claims: { scope: 'db:read' } })), ask: { method: 'POST' } },
    ],
    ['no token', { token: '' }],
    ['a token in the query', { token: '', ask: { path: `/rows?access_token=${token}` } }],
    ['the token twice, in two fields', { token, ask: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } }],
    ['20 KB instead of a token', { token: 'A'.repeat(20_480) }],
    ['a signed token of more than 8,192 bytes', await forged({ claims: { note: 'A'.repeat(6_000) } })],
    ['a token with one byte of its signature changed', { token: changeSignature(token) }],
    ['alg none', { token: forgeUnsigned(key, claims) }],
    [
      'alg HS256, the PEM file as the secret',
      { token: forgeHmac(key, claims, readFileSync(scene.path('keys/TOKEN001.PEM'))) },
    ],
    ['alg ES384 over a good ES256 signature', await forged({ header: { alg: 'ES384' } })],
    ["signed by another trust's key", await forged({}, stranger)],
    ['a drill token', { token: drill }],
    [
      'a drill token that the production key signed',
      await forged({ claims: { breakglass: { ...claims.breakglass, drill: true } } }),
    ],
    ['typ JWT, by the token key', await forged({ header: { typ: 'JWT' } })],
    ['another client_id, by the token key', await forged({ claims: { client_id: 'web' } })],
    ['another issuer', await forged({ claims: { iss: 'https://idp.acme.example' } })],
    ['another audience', await forged({ claims: elsewhere(claims, 'https://web.prod.example.com') })],
    ['expired a second ago', await forged({ claims: { iat: present - 301, nbf: present - 301, exp: present - 1 } })],
    ['without exp', await forged({ claims: { exp: undefined }, write: JSON.stringify })],
    ['good in a minute', await forged({ claims: { iat: present, nbf: present + 60, exp: present + 360 } })],
    ['good for longer than the policy says', await forged({ claims: { exp: claims.nbf + 901 } })],
    ['bound to a key, shown as a bearer', await forged({ claims: { cnf: { jkt: stranger.kid } } })],
    ['on the list of the killed', { ...(await forged({ claims: { breakglass: killed } })), knows: 'the revocation' }],
    [
      'revoked, and not on the list of the killed',
      { ...(await forged({ claims: { breakglass: inIncident } })), knows: 'the revocation' },
    ],
    ['of a retired key, before the file is replaced', { token, knows: 'the rotation' }],
    ['of a retired key, after the file is replaced', { token, knows: 'the rotation', gateway: 'with the new key' }],
    ['wider than the policy', await forged({ claims: { scope: `${claims.scope} db:drop` } })],
    ['not canonical: white space in the claims', await forged({ write: (it) => JSON.stringify(it, null, 1) })],
    ['with the kid of another key', await forged({ header: { kid: stranger.kid } })],
  ]);
}

/** The same claims for another audience, in both places that name it. */
function elsewhere(claims: Claims, aud: string): Partial<Claims> {
  return { aud, authorization_details: [{ ...claims.authorization_details[0], locations: [aud] }] };
}

/** What `breakglass verify` and the guard say of a token: `good`, or the code. */
async function strictVerifier(scene: Scene, rotated: Scene): Promise<(what: Sent) => string> {
  const [before, after] = [scene, rotated].map((of) => openTrust(readFileSync(of.path('out/trust.jws'))));
  if (!before || !after) throw new Error('two trust files');
  const deny = await rebuilt('deny', scene);
  const at = Math.floor(Date.now() / 1000);
  const families = ['A'.repeat(22), `${'B'.repeat(21)}A`];
  const entries = families.map((value) => ({
    kind: 'family' as const,
    value,
    at,
    by: 'quorum',
    reason: 'the laptop is gone',
  }));
  const line = await sealStatement({ v: 1, trust: before.id, iat: at, deny: entries, allow: [] }, deny);
  const list = readFileSync(scene.path('out/revocations.jws'));
  const revoked = Buffer.concat([list, Buffer.from(`${line}\n`)]);
  writeFileSync(scene.path('killed.lst'), `${families[1]}\n`);
  return ({ token: presented, knows }) => {
    const trust = knows === 'the rotation' ? after : before;
    const revocations = readRevocations(knows === 'the revocation' ? revoked : list, trust);
    try {
      verifyToken(presented, {
        ...{ trust, audience, mode: 'production', now: Math.floor(Date.now() / 1000) },
        revocations: { state: 'checked', list: revocations },
      });
      return 'good';
    } catch (error) {
      if (error instanceof BreakglassError) return error.code;
      throw error;
    }
  };
}

/** Everything that the page's configuration names, as it names it. */
function gatewayFolder(scene: Scene, pem: string): string {
  writeFileSync(scene.path('TOKEN001.PEM'), readFileSync(scene.path('keys', pem)));
  if (pem !== 'TOKEN001.PEM') writeFileSync(scene.path('killed.lst'), '');
  return scene.dir;
}

async function exportKeys(scene: Scene): Promise<void> {
  const run = await scene.run(['trust', 'export', 'out/trust.jws', '--pem', 'keys', '--jwks', 'keys']);
  expect(run.stderr).toBe('');
}

async function rotateKeys(scene: Scene): Promise<void> {
  const reason = ['--reason', 'the yearly rotation of everything'];
  const prepared = await scene.run([
    'rotate',
    'keys',
    ...reason,
    '--prepare',
    'rotate.json',
    '--state',
    'state',
    '--json',
  ]);
  const { fingerprint } = json(prepared) as { fingerprint: { words: string[] } };
  const run = await scene.run([
    ...['rotate', 'keys', '--request', 'rotate.json', '--confirm', fingerprint.words.join(' '), '--head', 'none'],
    ...['--clock', now(), ...goodShares.flatMap((share) => ['--share', share]), '--state', 'state', '--out', 'out'],
    ...['--medium', 'a', '--medium', 'b', '--allow-fixed', '--json'],
  ]);
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
}

function rebuilt(role: 'token' | 'deny', scene: Scene): Promise<SigningKey> {
  const shares = goodShares.map((file) => scene.path(file));
  return rebuildKey(role, scene.path('out/trust.jws'), shares);
}

function strangerKey(): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return importSigningKey(privateKey.export({ format: 'der', type: 'pkcs8' }), { alg: 'ES256', role: 'token' });
}

function changeSignature(token: string): string {
  const at = token.lastIndexOf('.') + 10;
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
}
