import type { KeyObject } from 'node:crypto';
import { openJws, verifyJws } from '../base/jws.ts';

/**
 * True for a validly signed record of a format version after ours: there to be read by a newer program, not tampered with.
 * Only a signature by a key that may sign here makes the version number more than a changed byte.
 */
export function isNewerRecord(bytes: Uint8Array, signers: { find(kid: string): KeyObject | undefined }): boolean {
  try {
    const jws = openJws(bytes.subarray(0, -1), 'breakglass-record+jws', 'record');
    const key = signers.find(jws.header.kid);
    const payload: unknown = JSON.parse(jws.payload.toString('utf8'));
    const version = typeof payload === 'object' && payload !== null && 'v' in payload ? payload.v : undefined;
    return key !== undefined && typeof version === 'number' && version > 1 && verifyJws(jws, key);
  } catch {
    return false;
  }
}
