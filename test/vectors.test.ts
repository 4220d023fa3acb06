import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { compactVerify, importJWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../src/base/canonical.ts';
import { deriveKey, type KeyRole } from '../src/key/derive.ts';
import { fingerprintOfDigest } from '../src/key/fingerprint.ts';
import type { KeyAlg } from '../src/key/public.ts';
import { denyEntrySha256, readRevocations } from '../src/revocation/list.ts';
import { sealStatement } from '../src/revocation/statement.ts';
import { formatRequest, openRequest, requestFingerprint } from '../src/trust/request.ts';
import { acceptTrust, checkTrustSuccession, openTrust, sealTrust } from '../src/trust/trust-file.ts';

const read = (name: string) => JSON.parse(readFileSync(`test/testdata/vectors/${name}.json`, 'utf8'));

describe('keys: what a seed gives never changes', () => {
  const { trustName, nonce, seeds, keys } = read('keys');
  const origin = { trustName, nonce: Buffer.from(nonce, 'hex') };

  test.each<{ strength: string; role: KeyRole; alg: KeyAlg; epoch: number; kid: string; jwk: object }>(keys)(
    '$strength bits, $role, $alg, epoch $epoch',
    async ({ strength, role, alg, epoch, kid, jwk }) => {
      const seed = Buffer.from(seeds[strength], 'hex');
      const key = await deriveKey(seed, origin, { role, alg, epoch });
      expect({ kid: key.kid, jwk: key.public.jwk }).toEqual({ kid, jwk });
      expect(jwk).toEqual(jwkByHand(seed, origin, `breakglass/v1/${role}/${alg}/${epoch}`, alg));
    },
  );
});

/** docs/format.md §2 once more, without our code: HKDF from HMAC (RFC 5869 §2), the curves of another library. */
function jwkByHand(
  seed: Uint8Array,
  origin: { trustName: string; nonce: Uint8Array },
  info: string,
  alg: KeyAlg,
): object {
  const salt = createHash('sha256').update(origin.trustName).update(Uint8Array.of(0)).update(origin.nonce).digest();
  const prk = createHmac('sha256', salt).update(seed).digest();
  const first = createHmac('sha256', prk).update(info).update(Uint8Array.of(1)).digest();
  const second = createHmac('sha256', prk).update(first).update(info).update(Uint8Array.of(2)).digest();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  if (alg === 'Ed25519') return { crv: 'Ed25519', kty: 'OKP', x: text(ed25519.getPublicKey(first)) };
  const c = BigInt(`0x${Buffer.concat([first, second]).subarray(0, 48).toString('hex')}`);
  const d = (c % (p256.Point.Fn.ORDER - 1n)) + 1n;
  const point = p256.getPublicKey(Buffer.from(d.toString(16).padStart(64, '0'), 'hex'), false);
  return { crv: 'P-256', kty: 'EC', x: text(point.subarray(1, 33)), y: text(point.subarray(33)) };
}

describe('trust file: its bytes never change', () => {
  const vector = read('trust');
  const [bytes1, bytes2] = [Buffer.from(vector.version1, 'latin1'), Buffer.from(vector.version2, 'latin1')];

  test('version 1 opens, and its hash is the trust id with these words', () => {
    const trust = openTrust(bytes1);
    expect(trust.id).toBe(vector.trustId);
    expect(createHash('sha256').update(bytes1).digest('hex')).toBe(vector.trustId);
    expect(fingerprintOfDigest(trust.id, 8).words).toEqual(vector.words);
  });

  test('sealing the same payload with the same seed gives the same bytes', async () => {
    const trust = openTrust(bytes1);
    const origin = { trustName: trust.payload.name, nonce: Buffer.from(vector.nonce, 'hex') };
    const root = await deriveKey(Buffer.from(vector.seed, 'hex'), origin, { role: 'root', alg: 'Ed25519', epoch: 0 });
    expect(Buffer.from(await sealTrust(trust.payload, root)).toString('latin1')).toBe(vector.version1);
  });

  test('version 2 has a new root, is signed by both, and follows version 1', () => {
    const [first, second] = [openTrust(bytes1), openTrust(bytes2)];
    expect(second.sha256).toBe(vector.version2Sha256);
    expect(vector.version2.split('\n')).toHaveLength(3);
    expect(acceptTrust(first, second)).toBe(second);
    expect(() => checkTrustSuccession(first, second)).not.toThrow();
    expect(() => acceptTrust(second, first)).toThrow(/version 2 was accepted before/);
  });

  test('jose agrees that version 1 is signed by its root', async () => {
    const key = await importJWK({ ...openTrust(bytes1).payload.root }, 'EdDSA');
    const { payload } = await compactVerify(vector.version1.trimEnd(), key);
    expect(Buffer.from(payload).toString()).toBe(canonicalJson(openTrust(bytes1).payload));
  });
});

describe('request: its bytes and its twelve words never change', () => {
  const vector = read('request');
  const bytes = Buffer.from(vector.file, 'utf8');

  test('it opens, formats back to the same bytes, and has this fingerprint', () => {
    const request = openRequest(bytes);
    expect(Buffer.from(formatRequest(request))).toEqual(bytes);
    expect(requestFingerprint(request)).toEqual(vector.fingerprint);
    expect(createHash('sha256').update(bytes.subarray(0, -1)).digest('hex')).toBe(vector.fingerprint.sha256);
    expect(vector.fingerprint.words).toHaveLength(12);
  });
});

describe('revocations: statements and the hash of an entry never change', () => {
  const trustVector = read('trust');
  const vector = read('revocations');
  const trust = openTrust(Buffer.from(trustVector.version1, 'latin1'));
  const lines: { signer: KeyRole; line: string }[] = vector.lines;

  test.each(lines)('a statement by $signer seals to the same line', async ({ signer, line }) => {
    const origin = { trustName: trust.payload.name, nonce: Buffer.from(trustVector.nonce, 'hex') };
    const epoch = signer === 'root' ? 0 : 1;
    const key = await deriveKey(Buffer.from(trustVector.seed, 'hex'), origin, { role: signer, alg: 'Ed25519', epoch });
    const payload = JSON.parse(Buffer.from(line.split('.')[1] ?? '', 'base64url').toString());
    expect(await sealStatement(payload, key)).toBe(line);
  });

  test('the entry is denied by its statement and allowed by the root', () => {
    const text = (count: number) =>
      Buffer.from(
        lines
          .slice(0, count)
          .map(({ line }) => `${line}\n`)
          .join(''),
      );
    expect(denyEntrySha256(vector.denied)).toBe(vector.deniedSha256);
    expect(readRevocations(text(2), trust).entries).toEqual([vector.denied]);
    expect(readRevocations(text(3), trust)).toMatchObject({ entries: [], alarms: [] });
  });
});

describe('the examples of docs/format.md are the frozen ones', () => {
  const page = readFileSync('docs/format.md', 'utf8');
  const unwrapped = page.replace(/\n {4,}/g, '');
  const issued = readFileSync('test/testdata/vectors/trail/00000001.JWS', 'utf8').split('.')[1] ?? '';
  const [set] = read('share').sets.slice(1);
  const [card] = set.shares;

  test.each<[string, readonly string[]]>([
    ['share card', [card.value, card.packed, card.text, card.commitment, set.nonce]],
    ['its words', [card.words.replaceAll(' ', '')]],
    ['derived key', [read('keys').keys[1].jwk.x, read('keys').keys[1].jwk.y, read('keys').keys[1].kid]],
    ['trust id', [read('trust').trustId, read('trust').words.join(' ')]],
    ['request', [read('request').file.trimEnd(), read('request').fingerprint.sha256]],
    ['claims', [canonicalJson(JSON.parse(Buffer.from(issued, 'base64url').toString()).tokens[0].claims)]],
  ])('%s', (what, values) => {
    const text = what === 'its words' ? page.replace(/\s+/g, '') : unwrapped;
    for (const value of values) expect(text).toContain(value);
  });
});
