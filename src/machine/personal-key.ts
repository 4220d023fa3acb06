import { generateKeyPairSync } from 'node:crypto';
import { conformOrUndefined, type Ed25519Jwk, ed25519Jwk, type PublicJwk, p256Jwk } from '../base/schema.ts';
import { writeExclusive } from './files.ts';
import { sealWithPassphrase } from './sealed.ts';

/** A person's own key pair. `pkcs8` is DER (RFC 5958) and the caller's to wipe. */
export interface PersonalKey<J extends PublicJwk = PublicJwk> {
  readonly jwk: J;
  readonly pkcs8: Uint8Array;
}

/** A responder's key for proof of possession (RFC 9449): P-256, because every DPoP implementation verifies ES256. */
export function newHolderKey(): PersonalKey {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = pair.publicKey.export({ format: 'jwk' });
  return withJwk(
    conformOrUndefined(p256Jwk, { crv, kty, x, y }),
    pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
  );
}

/** A commander's key: Ed25519. */
export function newRevokerKey(): PersonalKey<Ed25519Jwk> {
  const pair = generateKeyPairSync('ed25519');
  const { crv, kty, x } = pair.publicKey.export({ format: 'jwk' });
  return withJwk(
    conformOrUndefined(ed25519Jwk, { crv, kty, x }),
    pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
  );
}

/** Writes the key to `path`, new and of mode 0600: under the passphrase as an age file, or plain DER without one. */
export async function writePersonalKey(
  path: string,
  key: PersonalKey,
  passphrase: Uint8Array | undefined,
): Promise<void> {
  const bytes = passphrase ? await sealWithPassphrase(key.pkcs8, passphrase) : key.pkcs8;
  writeExclusive(path, bytes, { mode: 0o600 });
}

function withJwk<J extends PublicJwk>(jwk: J | undefined, pkcs8: Uint8Array): PersonalKey<J> {
  if (!jwk) throw new TypeError('the generated key has another form');
  return { jwk, pkcs8 };
}
