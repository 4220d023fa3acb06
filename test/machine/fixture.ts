import { sha256Hex } from '../../src/base/bytes.ts';
import { isBreakglassError } from '../../src/base/errors.ts';
import { deriveKey, ed25519JwkOf, type KeyRole, type SigningKey } from '../../src/key/derive.ts';
import type { PendingMembers } from '../../src/machine/pending.ts';
import { parsePolicyFile, startingPolicy } from '../../src/trust/policy-file.ts';
import { openTrust, sealTrust, type Trust } from '../../src/trust/trust-file.ts';
import type { TrustPayload } from '../../src/trust/trust-schema.ts';

const zeroId = 'A'.repeat(22);

/** Version 1 of a trust, the keys of which hang on its name alone. */
export async function firstTrust(name = 'Example Corp'): Promise<Trust> {
  const uses = ['token', 'drill', 'trail', 'deny'] as const;
  const keys = await Promise.all(uses.map(async (use) => ({ use, jwk: ed25519JwkOf(await derive(name, use, 1)) })));
  const root = await derive(name, 'root', 0);
  const payload: TrustPayload = {
    v: 1,
    name,
    issuer: 'https://breakglass.example.com',
    nonce: zeroId,
    version: 1,
    previous: null,
    root: ed25519JwkOf(root),
    epoch: 1,
    keys: keys.map(({ use, jwk }) => ({ use, alg: 'Ed25519', epoch: 1, status: 'active', jwk })),
    revokers: [],
    sets: [
      {
        setId: '0a1b2',
        nonce: zeroId,
        threshold: 2,
        strength: 128,
        status: 'active',
        shares: ['alice', 'bob'].map((custodian, n) => ({ custodian, index: n + 1, commitment: sha256Hex(custodian) })),
      },
    ],
    auditors: [],
    policy: examplePolicy(),
    issuedAt: '2026-01-01T00:00:00Z',
  };
  return openTrust(await sealTrust(payload, root));
}

/** The version after `before`, by the same root. */
export async function nextTrust(before: Trust): Promise<Trust> {
  const { id: _id, ...payload } = before.payload;
  const next = { ...payload, id: before.id, version: before.payload.version + 1, previous: before.sha256 };
  return openTrust(await sealTrust(next, await derive(before.payload.name, 'root', 0)));
}

export const checkedShare: PendingMembers = {
  type: 'share.checked',
  time: '2026-01-01T00:00:00Z',
  session: zeroId,
  machine: { boot: 'unknown', uptime: 1, clock: 'none' },
  software: { version: '0.1.0', sha256: '0'.repeat(64) },
  anomalies: [],
  custodian: 'alice',
  setId: '0a1b2',
  index: 1,
  code: null,
};

/** The code of the BreakglassError that `act` throws, with what it says. */
export function refusal(act: () => unknown): {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
} {
  try {
    act();
  } catch (error) {
    if (isBreakglassError(error)) return { code: error.code, message: error.message, hint: error.hint };
    throw error;
  }
  throw new Error('it was not refused');
}

export async function refusalOf(promise: Promise<unknown>): Promise<ReturnType<typeof refusal>> {
  const settled = await promise.then(
    () => () => undefined,
    (error: unknown) => () => {
      throw error;
    },
  );
  return refusal(settled);
}

function examplePolicy() {
  const result = parsePolicyFile(startingPolicy);
  if ('violations' in result) throw new Error(result.violations[0]?.message ?? 'a bad policy');
  return result.policy;
}

function derive(trustName: string, role: KeyRole, epoch: number): Promise<SigningKey> {
  const origin = { trustName, nonce: Buffer.alloc(16) };
  return deriveKey(new Uint8Array(16).fill(7), origin, { role, alg: 'Ed25519', epoch });
}
