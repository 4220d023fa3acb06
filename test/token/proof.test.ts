import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { calculateJwkThumbprint, compactVerify, EmbeddedJWK, exportJWK, jwtVerify, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { formatBase64url, sha256 } from '../../src/base/bytes.ts';
import { type ErrorCode, isBreakglassError } from '../../src/base/errors.ts';
import type { PublicJwk } from '../../src/base/schema.ts';
import { importSigningKey, type SigningKey } from '../../src/key/derive.ts';
import { type ProofExpectation, readProof, sealProof, verifyProof } from '../../src/token/proof.ts';
import { midnight, signBytes } from './fixture.ts';

const token = 'header.claims.signature';
const ath = formatBase64url(sha256(token));
const url = 'https://db.prod.example.com/rows/7';
const claims = { jti: 'proof-1', htm: 'POST', htu: url, iat: midnight, ath };
type Json = Readonly<Record<string, unknown>>;

const newKey = (alg: 'ES256' | 'Ed25519') => {
  const pair = alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  return importSigningKey(pair.privateKey.export({ type: 'pkcs8', format: 'der' }), { alg, role: 'holder' });
};

let key: SigningKey;
let edKey: SigningKey;
let otherKey: SigningKey;
beforeAll(async () => {
  [key, edKey, otherKey] = [await newKey('ES256'), await newKey('Ed25519'), await newKey('ES256')];
});

const expectation = (change: Partial<ProofExpectation> = {}): ProofExpectation => ({
  method: 'POST',
  url,
  ath,
  jkt: key.kid,
  now: midnight,
  nonce: null,
  ...change,
});

const encode = (value: string | Uint8Array) => Buffer.from(value).toString('base64url');

/** Signs header and payload as they are: what is refused is refused for its oddity alone. */
async function forge(header: string | Uint8Array, payload: string | Uint8Array, signer = key): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${encode(await signBytes(input, signer))}`;
}

const headerText = (change: Json = {}, signer = key) =>
  JSON.stringify({ typ: 'dpop+jwt', alg: signer.alg, jwk: signer.public.jwk, ...change });
const withHeader = (change: Json, signer = key) => forge(headerText(change, signer), JSON.stringify(claims), signer);
const withClaims = (change: Json) => forge(headerText(), JSON.stringify({ ...claims, ...change }));

const codeFor = async (proof: string | Promise<string>, change: Partial<ProofExpectation> = {}) => {
  const text = await proof;
  try {
    verifyProof(text, expectation(change));
    return 'accepted';
  } catch (error) {
    return isBreakglassError(error) ? error.code : String(error);
  }
};

describe('a proof holds', () => {
  test('when it was made for this request, token and key; its id, time and key come out', async () => {
    expect(verifyProof(await sealProof(claims, key), expectation())).toEqual({
      jti: 'proof-1',
      iat: midnight,
      jkt: key.kid,
    });
  });

  test.each(['EdDSA', 'Ed25519'])('with a key of Ed25519, as %s', async (alg) => {
    const proof = await withHeader({ alg }, edKey);
    expect(verifyProof(proof, expectation({ jkt: edKey.kid })).jkt).toBe(edKey.kid);
  });

  test('with members in another order, and claims that nobody asked for', async () => {
    const { jwk, alg, typ } = JSON.parse(headerText());
    const { crv, kty, x, y } = jwk;
    const header = JSON.stringify({ jwk: { y, x, kty, crv }, typ, alg });
    const { jti, iat, ...rest } = claims;
    const payload = JSON.stringify({ iat, exp: 'whatever', ...rest, sub: { a: [1, 'ü'] }, jti, nonce: 'unasked' });
    expect(await codeFor(forge(header, payload))).toBe('accepted');
  });

  test('from 60 s ago to 5 s ahead', async () => {
    for (const [age, code] of [
      [61, 'PROOF_TIME'],
      [60, 'accepted'],
      [0, 'accepted'],
      [-5, 'accepted'],
      [-6, 'PROOF_TIME'],
    ] as const)
      expect([age, await codeFor(withClaims({ iat: midnight - age }))]).toEqual([age, code]);
  });

  test('with the nonce that was asked for, and with no other', async () => {
    const nonce = (given: string | undefined) => given === 'n-1';
    expect(await codeFor(withClaims({ nonce: 'n-1' }), { nonce })).toBe('accepted');
    expect(await codeFor(withClaims({ nonce: 'n-2' }), { nonce })).toBe('PROOF_NONCE');
    expect(await codeFor(withClaims({}), { nonce })).toBe('PROOF_NONCE');
  });
});

const point = (x: Uint8Array): PublicJwk => ({ crv: 'Ed25519', kty: 'OKP', x: formatBase64url(x) });

describe('a proof is refused', () => {
  const claimsOver = (text: string) => forge(headerText(), text);
  const good = () => JSON.stringify(claims);
  const without = (name: keyof typeof claims) => {
    const { [name]: _, ...rest } = claims;
    return forge(headerText(), JSON.stringify(rest));
  };
  const segments = async () => (await sealProof(claims, key)).split('.') as [string, string, string];

  test.each<[string, ErrorCode, () => string | Promise<string>]>([
    ['that is empty', 'PROOF_FORM', () => ''],
    ['of two segments', 'PROOF_FORM', async () => (await segments()).slice(0, 2).join('.')],
    ['of four segments', 'PROOF_FORM', async () => `${(await segments()).join('.')}.e30`],
    ['with a space behind it', 'PROOF_FORM', async () => `${(await segments()).join('.')} `],
    ['with a line feed behind it', 'PROOF_FORM', async () => `${(await segments()).join('.')}\n`],
    ['with padding', 'PROOF_FORM', async () => `${(await segments()).join('.')}==`],
    ['with a header in other base64', 'PROOF_FORM', async () => `${(await segments()).join('.').replace('.', '=.')}`],
    ['with a short signature', 'PROOF_FORM', async () => (await segments()).join('.').slice(0, -4)],
    [
      'with a DER signature',
      'PROOF_FORM',
      async () => `${(await segments()).slice(0, 2).join('.')}.${encode('0'.repeat(70))}`,
    ],
    ['without a signature', 'PROOF_FORM', async () => `${(await segments()).slice(0, 2).join('.')}.`],
    ['two in one', 'PROOF_FORM', async () => `${await sealProof(claims, key)}, ${await sealProof(claims, key)}`],
    ['longer than 4,096 bytes', 'PROOF_TOO_LARGE', () => withClaims({ more: 'x'.repeat(3000) })],
    ['with a byte that is not ASCII', 'PROOF_FORM', async () => `é${(await segments()).join('.').slice(1)}`],
    ['whose claims are not JSON', 'PROOF_FORM', () => claimsOver('{')],
    ['whose claims are not UTF-8', 'PROOF_FORM', () => forge(headerText(), Buffer.from([0x22, 0xff, 0x22]))],
    ['with a BOM', 'PROOF_FORM', () => claimsOver(`\ufeff${good()}`)],
    ['with white space', 'PROOF_FORM', () => claimsOver(good().replace(',', ', '))],
    ['with an escape', 'PROOF_FORM', () => claimsOver(good().replace('proof-1', 'proof\\u002d1'))],
    ['with an escaped slash', 'PROOF_FORM', () => claimsOver(good().replace('/rows', '\\/rows'))],
    ['with a claim twice', 'PROOF_FORM', () => claimsOver(good().replace('{', '{"htm":"GET",'))],
    ['with a claim inside twice', 'PROOF_FORM', () => claimsOver(good().replace('{', '{"a":{"b":1,"b":1},'))],
    ['with a header member twice', 'PROOF_FORM', () => forge(headerText().replace('{', '{"alg":"none",'), good())],
    ['with white space in the header', 'PROOF_FORM', () => forge(` ${headerText()}`, good())],
    ['whose iat has a fraction of zero', 'PROOF_FORM', () => claimsOver(good().replace(/("iat":\d+)/, '$1.0'))],
    ['whose iat is 1e999', 'PROOF_FORM', () => claimsOver(good().replace(/"iat":\d+/, '"iat":1e999'))],
    ['whose claims are nested deeply', 'PROOF_CLAIMS', () => claimsOver('['.repeat(1300) + ']'.repeat(1300))],
    ['whose claims are an array', 'PROOF_CLAIMS', () => claimsOver('[]')],
    ['whose claims are null', 'PROOF_CLAIMS', () => claimsOver('null')],
    ['without jti', 'PROOF_CLAIMS', () => without('jti')],
    ['without htm', 'PROOF_CLAIMS', () => without('htm')],
    ['without htu', 'PROOF_CLAIMS', () => without('htu')],
    ['without iat', 'PROOF_CLAIMS', () => without('iat')],
    ['without ath', 'PROOF_CLAIMS', () => without('ath')],
    ['with an empty jti', 'PROOF_CLAIMS', () => withClaims({ jti: '' })],
    ['with a jti of 257 characters', 'PROOF_CLAIMS', () => withClaims({ jti: 'j'.repeat(257) })],
    ['with a control character in jti', 'PROOF_CLAIMS', () => withClaims({ jti: 'a\u001b[2J' })],
    ['with a jti that is a number', 'PROOF_CLAIMS', () => withClaims({ jti: 1 })],
    ['with an iat that is text', 'PROOF_CLAIMS', () => withClaims({ iat: String(midnight) })],
    ['with an iat of half a second', 'PROOF_CLAIMS', () => withClaims({ iat: midnight + 0.5 })],
    ['with an iat in milliseconds', 'PROOF_CLAIMS', () => withClaims({ iat: midnight * 1000 })],
    ['with an htm that is an array', 'PROOF_CLAIMS', () => withClaims({ htm: ['POST'] })],
    ['with an ath in hex', 'PROOF_CLAIMS', () => withClaims({ ath: Buffer.from(ath, 'base64url').toString('hex') })],
    ['with a nonce that is null', 'PROOF_CLAIMS', () => withClaims({ nonce: null })],
    ['whose claims are what every object inherits', 'PROOF_CLAIMS', () => claimsOver('{"__proto__":{"jti":"x"}}')],
    ['of typ JWT', 'PROOF_HEADER', () => withHeader({ typ: 'JWT' })],
    ['of typ DPoP+JWT', 'PROOF_HEADER', () => withHeader({ typ: 'DPoP+JWT' })],
    ['of typ breakglass+jwt', 'PROOF_HEADER', () => withHeader({ typ: 'breakglass+jwt' })],
    ['with alg none', 'PROOF_HEADER', () => withHeader({ alg: 'none' })],
    ['with alg HS256', 'PROOF_HEADER', () => withHeader({ alg: 'HS256' })],
    ['with alg RS256', 'PROOF_HEADER', () => withHeader({ alg: 'RS256' })],
    ['with alg es256', 'PROOF_HEADER', () => withHeader({ alg: 'es256' })],
    ['with crit', 'PROOF_HEADER', () => withHeader({ crit: ['b64'], b64: false })],
    ['with b64', 'PROOF_HEADER', () => withHeader({ b64: true })],
    ['with kid', 'PROOF_HEADER', () => withHeader({ kid: key.kid })],
    ['with jku', 'PROOF_HEADER', () => withHeader({ jku: 'https://evil.example.com' })],
    ['without jwk', 'PROOF_HEADER', () => withHeader({ jwk: undefined })],
    ['with a jwk that is text', 'PROOF_HEADER', () => withHeader({ jwk: 'x' })],
    ['with a header that is an array', 'PROOF_HEADER', () => forge('[]', good())],
    ['with the private key in it', 'PROOF_KEY', () => withHeader({ jwk: { ...key.public.jwk, d: 'A'.repeat(43) } })],
    ['with a use in its jwk', 'PROOF_KEY', () => withHeader({ jwk: { ...key.public.jwk, use: 'sig' } })],
    ['with a symmetric key', 'PROOF_KEY', () => withHeader({ jwk: { kty: 'oct', k: 'AAAA' } })],
    ['with a key of another curve', 'PROOF_KEY', () => withHeader({ jwk: { ...key.public.jwk, crv: 'P-384' } })],
    ['with an array for a jwk', 'PROOF_KEY', () => withHeader({ jwk: [key.public.jwk] })],
    ['of another key', 'PROOF_KEY', () => sealProof(claims, otherKey)],
    ['with alg EdDSA and a key of P-256', 'PROOF_KEY', () => withHeader({ alg: 'EdDSA' })],
    ['signed by another key', 'PROOF_SIGNATURE', () => forge(headerText(), good(), otherKey)],
    [
      'with a signature of zeros',
      'PROOF_SIGNATURE',
      async () => `${(await segments()).slice(0, 2).join('.')}.${encode(Buffer.alloc(64))}`,
    ],
    ['for another method', 'PROOF_METHOD', () => withClaims({ htm: 'GET' })],
    ['for the method in lower case', 'PROOF_METHOD', () => withClaims({ htm: 'post' })],
    ['for another path', 'PROOF_URL', () => withClaims({ htu: `${url}0` })],
    ['for the path with a slash behind', 'PROOF_URL', () => withClaims({ htu: `${url}/` })],
    ['for the path in upper case', 'PROOF_URL', () => withClaims({ htu: url.replace('rows', 'ROWS') })],
    ['for another host', 'PROOF_URL', () => withClaims({ htu: url.replace('db', 'dc') })],
    ['for a host with a dot behind', 'PROOF_URL', () => withClaims({ htu: url.replace('.com', '.com.') })],
    ['for another port', 'PROOF_URL', () => withClaims({ htu: url.replace('.com', '.com:444') })],
    ['for http', 'PROOF_URL', () => withClaims({ htu: url.replace('https', 'http') })],
    ['for a path alone', 'PROOF_URL', () => withClaims({ htu: '/rows/7' })],
    ['with user information', 'PROOF_URL', () => withClaims({ htu: url.replace('//', '//db@') })],
    ['with a backslash', 'PROOF_URL', () => withClaims({ htu: url.replace('/rows', '\\rows') })],
    ['with a tab in the address', 'PROOF_URL', () => withClaims({ htu: url.replace('rows', 'ro\tws') })],
    ['with a space before the address', 'PROOF_URL', () => withClaims({ htu: ` ${url}` })],
    ['for another token', 'PROOF_TOKEN', () => withClaims({ ath: formatBase64url(sha256('other')) })],
  ])('%s: %s', async (_, code, make) => {
    expect(await codeFor(make())).toBe(code);
  });

  test('when any one byte of it is changed', async () => {
    const proof = await sealProof(claims, key);
    for (let at = 0; at < proof.length; at++) {
      const changed = `${proof.slice(0, at)}${proof[at] === 'A' ? 'B' : 'A'}${proof.slice(at + 1)}`;
      expect([at, await codeFor(changed)]).not.toEqual([at, 'accepted']);
    }
  });

  test('with a key of small order, though the token names it: such a key signs everything', async () => {
    const jwk = point(Buffer.from(`01${'00'.repeat(31)}`, 'hex'));
    const jkt = await calculateJwkThumbprint({ ...jwk });
    const input = `${encode(JSON.stringify({ typ: 'dpop+jwt', alg: 'EdDSA', jwk }))}.${encode(JSON.stringify(claims))}`;
    const signature = Buffer.concat([Buffer.from(`01${'00'.repeat(31)}`, 'hex'), Buffer.alloc(32)]);
    expect(await codeFor(`${input}.${encode(signature)}`, { jkt })).toBe('PROOF_KEY');
  });

  test('with a point that is not on the curve, though the token names it', async () => {
    const jwk = { ...key.public.jwk, x: formatBase64url(sha256('x')) } as PublicJwk;
    const jkt = await calculateJwkThumbprint({ ...jwk });
    expect(await codeFor(withHeader({ jwk }), { jkt })).toBe('PROOF_KEY');
  });

  test('by the first thing that is wrong: the signature is looked at last', async () => {
    const late = { iat: midnight - 100 };
    expect(await codeFor(forge(headerText(), JSON.stringify({ ...claims, ...late }), otherKey))).toBe('PROOF_TIME');
    expect(await codeFor(withClaims({ ...late, ath: formatBase64url(sha256('')) }))).toBe('PROOF_TOKEN');
    expect(await codeFor(withClaims({ ...late, htm: 'GET', htu: 'https://x' }))).toBe('PROOF_METHOD');
    expect(await codeFor(withClaims(late), { nonce: () => false })).toBe('PROOF_TIME');
  });

  test('without a word of its own in the message', async () => {
    const text = await forge(headerText({ 'evil-name': 1 }), JSON.stringify({ ...claims, jti: 'evil\u0007value' }));
    expect(() => verifyProof(text, expectation())).toThrow(/^(?!.*evil)/);
    const other = await withClaims({ jti: 'evil\u0007value' });
    expect(() => verifyProof(other, expectation())).toThrow(/^(?!.*evil).*jti/);
  });
});

describe('jose', () => {
  const joseKey = async () => {
    const pair = (await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair;
    const { crv, kty, x, y } = await exportJWK(pair.publicKey);
    return { privateKey: pair.privateKey, jwk: { crv, kty, x, y } };
  };

  test('makes a proof in the usual way that holds', async () => {
    const { privateKey, jwk } = await joseKey();
    const proof = await new SignJWT({ htm: 'POST', htu: url, ath })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: jwk as never })
      .setJti(crypto.randomUUID())
      .setIssuedAt(midnight)
      .sign(privateKey);
    const jkt = await calculateJwkThumbprint(jwk as never);
    expect(verifyProof(proof, expectation({ jkt })).jkt).toBe(jkt);
  });

  test.each(['ES256', 'Ed25519'] as const)('finds our proofs of %s right by the key in their header', async (alg) => {
    const signer = alg === 'ES256' ? key : edKey;
    const { payload, protectedHeader } = await jwtVerify(
      await sealProof({ ...claims, nonce: 'n' }, signer),
      EmbeddedJWK,
      {
        typ: 'dpop+jwt',
        currentDate: new Date(midnight * 1000),
      },
    );
    expect(payload).toEqual({ ...claims, nonce: 'n' });
    expect(protectedHeader).toEqual({ alg, jwk: signer.public.jwk, typ: 'dpop+jwt' });
  });

  test('and the thumbprints of both agree', async () => {
    for (const { public: holder } of [key, edKey])
      expect(await calculateJwkThumbprint({ ...holder.jwk })).toBe(holder.kid);
  });

  test('finds a proof wrong that we find wrong for its signature', async () => {
    const forged = await forge(headerText(), JSON.stringify(claims), otherKey);
    await expect(compactVerify(forged, EmbeddedJWK)).rejects.toThrow();
    expect(readProof(forged).claims).toEqual(claims);
    expect(await codeFor(forged)).toBe('PROOF_SIGNATURE');
  });
});
