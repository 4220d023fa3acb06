import { join } from 'node:path';
import type { RandomBytes } from '../base/random.ts';
import type { SigningKey } from '../key/derive.ts';
import { loadSigningKey, type NewSigningKey, newSigningKey } from './signing-key-file.ts';
import { damaged } from './state-file.ts';

/** A new recorder key: what signs, and its private half in PKCS#8 DER for the state directory; the caller wipes `pkcs8`. */
export type Recorder = NewSigningKey;

export const recorderName = 'recorder.key';

/** Makes the random Ed25519 key of a ceremony machine (docs/format.md §2). It has no authority of the quorum. */
export function createRecorder(random?: RandomBytes): Promise<Recorder> {
  return newSigningKey(random);
}

/** Loads the key of a state directory. Throws `STATE_DAMAGED`, or `STATE_EXPOSED` when others may read it. */
export async function loadRecorder(dir: string): Promise<SigningKey> {
  const path = join(dir, recorderName);
  const key = await loadSigningKey(path);
  if (!key) throw damaged(path, 'is missing');
  return key;
}
