import { wipe } from '../base/bytes.ts';
import type { RandomBytes } from '../base/random.ts';
import { deriveKey, type KeyOrigin, type KeyRole, type SigningKey } from '../key/derive.ts';
import type { KeyAlg } from '../key/public.ts';
import { type KeyUse, keyUses, type TrustPayload } from '../trust/trust-schema.ts';

export type EpochKeys = Readonly<Record<Exclude<KeyRole, 'root'>, SigningKey>>;

/** The keys of one epoch: token and drill of `alg`, trail and deny Ed25519. */
export async function deriveEpoch(seed: Uint8Array, origin: KeyOrigin, alg: KeyAlg, epoch: number): Promise<EpochKeys> {
  return {
    token: await deriveKey(seed, origin, { role: 'token', alg, epoch }),
    drill: await deriveKey(seed, origin, { role: 'drill', alg, epoch }),
    trail: await deriveKey(seed, origin, { role: 'trail', alg: 'Ed25519', epoch }),
    deny: await deriveKey(seed, origin, { role: 'deny', alg: 'Ed25519', epoch }),
  };
}

export function deriveRoot(seed: Uint8Array, origin: KeyOrigin): Promise<SigningKey> {
  return deriveKey(seed, origin, { role: 'root', alg: 'Ed25519', epoch: 0 });
}

/** What a trust file says of the active keys of an epoch. */
export function keyEntries(keys: EpochKeys, epoch: number): TrustPayload['keys'] {
  return keyUses.map((use: KeyUse) => ({
    use,
    alg: keys[use].public.alg,
    epoch,
    status: 'active' as const,
    jwk: keys[use].public.jwk,
  }));
}

/** A new seed of `strength` bits; the caller wipes it. */
export function drawSeed(strength: 128 | 256, random: RandomBytes): Uint8Array {
  const drawn = random(strength / 8);
  const seed = new Uint8Array(new ArrayBuffer(drawn.length));
  seed.set(drawn);
  wipe(drawn);
  return seed;
}
