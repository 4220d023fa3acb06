import { BreakglassError } from '../base/errors.ts';
import { deriveKey, type SigningKey } from '../key/derive.ts';
import { activeKey, keyOrigin, type Trust } from '../trust/trust-file.ts';
import type { KeyUse } from '../trust/trust-schema.ts';

/** Derives a key and compares it with the trust file: a rebuilt key that differs signs nothing (P3). */
export async function pinnedKey(seed: Uint8Array, trust: Trust, use: KeyUse): Promise<SigningKey> {
  const pinned = activeKey(trust, use);
  const key = await deriveKey(seed, keyOrigin(trust.payload), {
    role: use,
    alg: pinned.public.alg,
    epoch: pinned.epoch,
  });
  if (key.public.kid === pinned.public.kid) return key;
  throw new BreakglassError('KEY_MISMATCH', `the rebuilt ${use} key is not the one that the trust file pins`, {
    hint: 'every share was proved, so the trust file or this program is at fault. Nothing was signed.',
  });
}
