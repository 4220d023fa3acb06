import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import type { Trust } from '../trust/trust-file.ts';

const digests = new WeakMap<Trust, string>();

/** SHA-256 of the canonical policy of a trust file, as records hold it; computed once for each file. */
export function policySha256(trust: Trust): string {
  const known = digests.get(trust);
  if (known) return known;
  const digest = sha256Hex(canonicalJson(trust.payload.policy));
  digests.set(trust, digest);
  return digest;
}
