import { formatBase64url } from './bytes.ts';

/** Where randomness comes from; tests hand in their own. Returns `length` bytes from a CSPRNG. */
export type RandomBytes = (length: number) => Uint8Array;

/** A random id of 128 bits in base64url, 22 characters. */
export function randomId(random: RandomBytes): string {
  return formatBase64url(random(16));
}
