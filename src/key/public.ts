import { createPublicKey, type KeyObject } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { formatBase64url, formatHex, parseBase64url, sha256 } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import type { PublicJwk } from '../base/schema.ts';

export type KeyAlg = 'ES256' | 'Ed25519';

/** A public key that passed the screening: on its curve, canonically encoded, not of small order. */
export interface PublicKey {
  readonly alg: KeyAlg;
  readonly kid: string;
  readonly jwk: PublicJwk;
  readonly key: KeyObject;
}

/** RFC 7638 SHA-256 thumbprint: the JWK's members are exactly the required ones, so its canonical JSON is what is hashed. */
export function thumbprint(jwk: PublicJwk): string {
  return formatBase64url(sha256(canonicalJson(jwk)));
}

export function jwkAlg(jwk: PublicJwk): KeyAlg {
  return jwk.kty === 'EC' ? 'ES256' : 'Ed25519';
}

/** Keys that were loaded, by thumbprint: the same few are met again and again, and screening one takes a millisecond. */
const loaded = new Map<string, PublicKey>();
const loadedMax = 256;

/** Loads a public key after screening it; `what` names it in the error. Throws `KEY_REFUSED`. */
export function loadPublicKey(jwk: PublicJwk, what: string): PublicKey {
  const kid = thumbprint(jwk);
  const known = loaded.get(kid);
  if (known) return known;
  if (jwk.kty === 'OKP') screenEd25519(jwk.x, what);
  const key = { alg: jwkAlg(jwk), kid, jwk, key: importJwk(jwk, what) };
  if (loaded.size < loadedMax) loaded.set(kid, key);
  return key;
}

/** The public key as SubjectPublicKeyInfo in PEM (RFC 7468 §13), for openssl. */
export function formatPem(key: PublicKey): string {
  return key.key.export({ type: 'spki', format: 'pem' }).toString();
}

// Under a small-order key a forger can make signatures that verify for many messages.
function screenEd25519(x: string, what: string): void {
  const bytes = parseBase64url(x);
  const refusal = bytes?.length !== 32 ? 'it is not 32 bytes' : pointRefusal(bytes);
  if (refusal) throw keyError(what, refusal);
}

function pointRefusal(bytes: Uint8Array): string | undefined {
  try {
    const point = ed25519.Point.fromHex(formatHex(bytes), false);
    return point.isSmallOrder() ? 'it is a point of small order' : undefined;
  } catch {
    return 'it is not a canonical point of the curve';
  }
}

function importJwk(jwk: PublicJwk, what: string): KeyObject {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch (cause) {
    throw keyError(what, 'it is not a point of the curve', cause);
  }
}

function keyError(what: string, why: string, cause?: unknown): BreakglassError {
  return new BreakglassError('KEY_REFUSED', `the public key of ${what} is refused: ${why}`, {
    hint: 'a file with such a key was not made by breakglass. Nothing was done with it.',
    cause,
  });
}
