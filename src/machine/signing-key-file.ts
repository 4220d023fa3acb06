import { randomBytes } from 'node:crypto';
import { secretBytes, wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { RandomBytes } from '../base/random.ts';
import { importSigningKey, type SigningKey } from '../key/derive.ts';
import { readStateFile } from './state-file.ts';

/** A new Ed25519 key without authority: what signs, and its private half in PKCS#8 DER for a file; the caller wipes `pkcs8`. */
export interface NewSigningKey {
  readonly key: SigningKey;
  readonly pkcs8: Uint8Array;
}

/** RFC 8410 §7: version 0, id-Ed25519, an OCTET STRING in an OCTET STRING; 32 bytes follow. */
const pkcs8Start = Buffer.from('302e020100300506032b657004220420', 'hex');
/** The length of such a file. */
export const signingKeyBytes = 48;

/** Makes the random Ed25519 key of a machine or a guard (docs/format.md §2, §13). */
export async function newSigningKey(random: RandomBytes = (length) => randomBytes(length)): Promise<NewSigningKey> {
  const scalar = random(32);
  const pkcs8 = secretBytes(signingKeyBytes);
  pkcs8.set(pkcs8Start);
  pkcs8.set(scalar, pkcs8Start.length);
  wipe(scalar);
  return { key: await importKey(pkcs8), pkcs8 };
}

/**
 * Loads the key of a file, or undefined when there is none. Throws `STATE_DAMAGED`, or `STATE_EXPOSED` when others than its owner
 * may read it.
 */
export async function loadSigningKey(path: string): Promise<SigningKey | undefined> {
  const pkcs8 = readStateFile(path, 'secret');
  if (!pkcs8) return undefined;
  try {
    if (pkcs8.length !== signingKeyBytes || !pkcs8Start.equals(pkcs8.subarray(0, pkcs8Start.length)))
      throw new BreakglassError('STATE_DAMAGED', `${path} is not an Ed25519 key in PKCS#8`, {
        hint: 'copy this file back from a backup. Nothing was done.',
      });
    return await importKey(pkcs8);
  } finally {
    wipe(pkcs8);
  }
}

// Signs the same kind of thing as the trail key, so its headers are the same.
function importKey(pkcs8: Uint8Array): Promise<SigningKey> {
  return importSigningKey(pkcs8, { alg: 'Ed25519', role: 'trail' });
}
