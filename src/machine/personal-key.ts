import { generateKeyPairSync } from 'node:crypto';
import { wipe } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { conformOrUndefined, type Ed25519Jwk, ed25519Jwk, type PublicJwk, p256Jwk } from '../base/schema.ts';
import { importSigningKey, type SigningKey } from '../key/derive.ts';
import { writeExclusive } from './files.ts';
import { openWithPassphrase, sealWithPassphrase } from './sealed.ts';

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

/** An auditor's key: of the same kind. */
export function newAuditorKey(): PersonalKey<Ed25519Jwk> {
  return newRevokerKey();
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

/**
 * The signing key in the age file of a revoker; the passphrase stays the caller's to wipe. Throws `PASSPHRASE_WRONG`, or
 * `BAD_INPUT` for another file.
 */
export async function openRevokerKey(bytes: Uint8Array, passphrase: Uint8Array, what: string): Promise<SigningKey> {
  return openSealedKey(bytes, passphrase, {
    what,
    kind: 'revoker',
    hint: 'give LABEL.revoker.age, which init wrote for a commander. Nothing was denied.',
  });
}

/** The same of an auditor. */
export async function openAuditorKey(bytes: Uint8Array, passphrase: Uint8Array, what: string): Promise<SigningKey> {
  return openSealedKey(bytes, passphrase, {
    what,
    kind: "auditor's",
    hint: 'give LABEL.auditor.age, which review new-key wrote. Nothing was signed.',
  });
}

async function openSealedKey(
  bytes: Uint8Array,
  passphrase: Uint8Array,
  { what, kind, hint }: { readonly what: string; readonly kind: string; readonly hint: string },
): Promise<SigningKey> {
  const pkcs8 = await openWithPassphrase(bytes, passphrase, { what });
  try {
    return await importSigningKey(pkcs8, { alg: 'Ed25519', role: 'deny' });
  } catch (cause) {
    if (isBreakglassError(cause)) throw cause;
    throw new BreakglassError('BAD_INPUT', `${what} holds no ${kind} key`, { hint, cause });
  } finally {
    wipe(pkcs8);
  }
}

/**
 * A responder's signing key from PKCS#8 DER (RFC 5958), of P-256 or Ed25519; the bytes stay the caller's to wipe. `what` names the
 * file. Throws `BAD_INPUT`.
 */
export async function importHolderKey(pkcs8: Uint8Array, what: string): Promise<SigningKey> {
  const causes: unknown[] = [];
  for (const alg of ['ES256', 'Ed25519'] as const) {
    try {
      return await importSigningKey(pkcs8, { alg, role: 'holder' });
    } catch (cause) {
      causes.push(cause);
    }
  }
  throw new BreakglassError('BAD_INPUT', `${what} holds no private key of P-256 or Ed25519 as PKCS#8 DER`, {
    hint: 'give SUBJECT-INCIDENT.holder.age or .p8, which request wrote; openssl pkcs8 -topk8 -nocrypt -outform DER makes one of another key. No token was printed.',
    cause: causes,
  });
}

function withJwk<J extends PublicJwk>(jwk: J | undefined, pkcs8: Uint8Array): PersonalKey<J> {
  if (!jwk) throw new TypeError('the generated key has another form');
  return { jwk, pkcs8 };
}
