import { createPublicKey, hkdfSync, KeyObject, webcrypto } from 'node:crypto';
import { mapHashToField } from '@noble/curves/abstract/modular.js';
import { secretBytes, sha256, wipe } from '../base/bytes.ts';
import type { JwsSigner } from '../base/jws.ts';
import { conformOrUndefined, type Ed25519Jwk, type PublicJwk, publicJwk } from '../base/schema.ts';
import { type KeyAlg, loadPublicKey, type PublicKey } from './public.ts';

export const keyRoles = ['root', 'token', 'drill', 'trail', 'deny'] as const;
export type KeyRole = (typeof keyRoles)[number];

/** What a derived key depends on besides the seed (docs/format.md §2). `nonce` is the trust file's, 16 bytes. */
export interface KeyOrigin {
  readonly trustName: string;
  readonly nonce: Uint8Array;
}

/** Which key: `epoch` is 0 for root and 1, 2, … for the others. */
export interface KeyName {
  readonly role: KeyRole;
  readonly alg: KeyAlg;
  readonly epoch: number;
}

/** A private key in use: what signs, and its public half. */
export interface SigningKey extends JwsSigner {
  readonly public: PublicKey;
}

/**
 * Derives a key from the seed by HKDF-SHA-256 (RFC 5869; docs/format.md §2). The bytes of the private key are wiped before
 * this returns; what stays is a CryptoKey that cannot be exported.
 */
export async function deriveKey(seed: Uint8Array, origin: KeyOrigin, name: KeyName): Promise<SigningKey> {
  const okm = expand(seed, origin, name);
  const scalar = name.alg === 'ES256' ? p256Scalar(okm) : okm;
  const pkcs8 = formatPkcs8(name.alg, scalar);
  try {
    return await importSigningKey(pkcs8, name);
  } finally {
    wipe(okm, scalar, pkcs8);
  }
}

/** What a private key from outside is for: the part of a derived one, or a responder's proof of possession. */
export interface ImportedKeyName {
  readonly role: KeyRole | 'holder';
  readonly alg: KeyAlg;
}

/** A signing key from a private key in PKCS#8 DER (RFC 5958); the caller wipes `pkcs8`. */
export async function importSigningKey(pkcs8: Uint8Array, name: ImportedKeyName): Promise<SigningKey> {
  const algorithm = name.alg === 'ES256' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'Ed25519' };
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  const publicKey = loadPublicKey(publicHalf(key), `the ${name.role} key`);
  return { alg: headerAlg(name), kid: publicKey.kid, key, public: publicKey };
}

/** `EdDSA` for everything but tokens and proofs, which name their key's own algorithm (docs/format.md §3, §15). */
function headerAlg({ role, alg }: ImportedKeyName): JwsSigner['alg'] {
  return role === 'token' || role === 'drill' || role === 'holder' ? alg : 'EdDSA';
}

function expand(seed: Uint8Array, origin: KeyOrigin, name: KeyName): Uint8Array {
  const salt = sha256(origin.trustName, Uint8Array.of(0), origin.nonce);
  const info = `breakglass/v1/${name.role}/${name.alg}/${name.epoch}`;
  return new Uint8Array(hkdfSync('sha256', seed, salt, info, name.alg === 'ES256' ? 48 : 32));
}

/** n, the order of P-256 (SP 800-186 §3.2.1.3). */
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** c mod (n-1) + 1 of 384 bits: FIPS 186-5 A.2.1. 32 bytes, big-endian. */
function p256Scalar(okm: Uint8Array): Uint8Array {
  return mapHashToField(okm, p256Order);
}

const pkcs8Prefix: Readonly<Record<KeyAlg, string>> = {
  // RFC 8410 §7: version 0, id-Ed25519, an OCTET STRING in an OCTET STRING.
  Ed25519: '302e020100300506032b657004220420',
  // RFC 5958 and RFC 5915: version 0, id-ecPublicKey with prime256v1, ECPrivateKey of version 1 without the public key.
  ES256: '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420',
};

function formatPkcs8(alg: KeyAlg, scalar: Uint8Array): Uint8Array {
  const prefix = Buffer.from(pkcs8Prefix[alg], 'hex');
  const der = secretBytes(prefix.length + scalar.length);
  der.set(prefix);
  der.set(scalar, prefix.length);
  return der;
}

// From the key in use: to decode PKCS#8 a second time would take half a millisecond a key.
function publicHalf(privateKey: webcrypto.CryptoKey): PublicJwk {
  const key = createPublicKey(KeyObject.from(privateKey));
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  const jwk = conformOrUndefined(publicJwk, kty === 'EC' ? { crv, kty, x, y } : { crv, kty, x });
  if (!jwk) throw new TypeError('not a P-256 or Ed25519 key');
  return jwk;
}

/** The JWK of a key that is Ed25519 by its role: root, trail, deny, recorder, revoker. */
export function ed25519JwkOf(key: SigningKey): Ed25519Jwk {
  if (key.public.jwk.kty !== 'OKP') throw new TypeError('not an Ed25519 key');
  return key.public.jwk;
}
