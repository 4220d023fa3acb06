import { createHmac, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { canonicalJson } from '../../src/base/canonical.ts';
import { deriveKey, type SigningKey } from '../../src/key/derive.ts';
import { combineShares } from '../../src/share/combine.ts';
import { parseShareText } from '../../src/share/text-form.ts';
import type { Claims } from '../../src/token/claims.ts';
import { openTrust } from '../../src/trust/trust-file.ts';

/**
 * A key of epoch 1, rebuilt from the shares of a test's trust: it signs what this tool never would, so that a gateway is
 * seen to refuse a token for its content alone.
 */
export async function rebuildKey(
  role: 'token' | 'deny',
  trustFile: string,
  shareFiles: readonly string[],
): Promise<SigningKey> {
  const { payload } = openTrust(readFileSync(trustFile));
  const seed = await combineShares(shareFiles.map((file) => parseShareText(readFileSync(file).subarray(0, -1))));
  const origin = { trustName: payload.name, nonce: Buffer.from(payload.nonce, 'base64url') };
  return deriveKey(seed, origin, { role, alg: role === 'token' ? 'ES256' : 'Ed25519', epoch: 1 });
}

export interface Forgery {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  /** The claims as JSON text; without it, in canonical spelling. */
  readonly write?: (claims: object) => string;
}

/** A compact JWS over `claims` with changes, validly signed (ES256). */
export async function forge(key: SigningKey, claims: Claims, { header, claims: change, write }: Forgery) {
  const changed = { ...claims, ...change };
  const input = [
    segment(canonicalJson({ alg: 'ES256', kid: key.kid, typ: 'breakglass+jwt', ...header })),
    segment((write ?? canonicalJson)(changed)),
  ].join('.');
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await webcrypto.subtle.sign(algorithm, key.key, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

/** The classic confusion: an HMAC whose secret is the public key's file. */
export function forgeHmac(key: SigningKey, claims: Claims, secret: Uint8Array): string {
  const input = `${segment(canonicalJson({ alg: 'HS256', kid: key.kid, typ: 'breakglass+jwt' }))}.${segment(canonicalJson(claims))}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** No signature at all. */
export function forgeUnsigned(key: SigningKey, claims: Claims): string {
  return `${segment(canonicalJson({ alg: 'none', kid: key.kid, typ: 'breakglass+jwt' }))}.${segment(canonicalJson(claims))}.`;
}

function segment(text: string): string {
  return Buffer.from(text).toString('base64url');
}
