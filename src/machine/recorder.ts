import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { secretBytes, wipe } from '../base/bytes.ts';
import type { RandomBytes } from '../base/random.ts';
import { importSigningKey, type SigningKey } from '../key/derive.ts';
import { damaged, readStateFile } from './state-file.ts';

/** A new recorder key: what signs, and its private half in PKCS#8 DER for the state directory; the caller wipes `pkcs8`. */
export interface Recorder {
  readonly key: SigningKey;
  readonly pkcs8: Uint8Array;
}

export const recorderName = 'recorder.key';

/** RFC 8410 §7: version 0, id-Ed25519, an OCTET STRING in an OCTET STRING; 32 bytes follow. */
const pkcs8Start = Buffer.from('302e020100300506032b657004220420', 'hex');
const pkcs8Length = 48;

/** Makes the random Ed25519 key of a ceremony machine (docs/format.md §2). It has no authority of the quorum. */
export async function createRecorder(random: RandomBytes = (length) => randomBytes(length)): Promise<Recorder> {
  const scalar = random(32);
  const pkcs8 = secretBytes(pkcs8Length);
  pkcs8.set(pkcs8Start);
  pkcs8.set(scalar, pkcs8Start.length);
  wipe(scalar);
  return { key: await importRecorder(pkcs8), pkcs8 };
}

/** Loads the key of a state directory. Throws `STATE_DAMAGED`, or `STATE_EXPOSED` when others may read it. */
export async function loadRecorder(dir: string): Promise<SigningKey> {
  const path = join(dir, recorderName);
  const pkcs8 = readStateFile(path, 'secret');
  if (!pkcs8) throw damaged(path, 'is missing');
  try {
    if (pkcs8.length !== pkcs8Length || !pkcs8Start.equals(pkcs8.subarray(0, pkcs8Start.length)))
      throw damaged(path, 'is not an Ed25519 key in PKCS#8');
    return await importRecorder(pkcs8);
  } finally {
    wipe(pkcs8);
  }
}

// Signs the same kind of thing as the trail key, so its headers are the same.
function importRecorder(pkcs8: Uint8Array): Promise<SigningKey> {
  return importSigningKey(pkcs8, { alg: 'Ed25519', role: 'trail' });
}
