import { type JwsSigner, sealJws } from '../../src/base/jws.ts';
import type { Policy } from '../../src/trust/policy.ts';
import { parsePolicyFile, startingPolicy } from '../../src/trust/policy-file.ts';
import { asTokenRequest, type Request, type TokenRequest } from '../../src/trust/request.ts';

/** 2026-01-31T12:00:00Z. */
export const noon = 1_769_860_800;

export function goodPolicy(text: string = startingPolicy): Policy {
  const result = parsePolicyFile(text);
  if ('violations' in result) throw new Error(result.violations[0]?.message ?? 'bad policy');
  return result.policy;
}

/** A request that the starting policy allows. */
export function goodRequest(change: Partial<Request> = {}): TokenRequest {
  return asTokenRequest({
    v: 1,
    trust: 'ab'.repeat(32),
    kind: 'mint',
    id: 'A'.repeat(22),
    incident: 'inc-1',
    subject: 'dana',
    role: 'db-admin',
    circumstance: 'outage',
    reason: 'the identity provider is down since noon',
    lifetimeSeconds: 900,
    durationSeconds: null,
    holder: null,
    recipient: null,
    createdAt: '2026-01-31T12:00:00Z',
    parameters: null,
    ...change,
  });
}

/** A trust file of any payload, however odd, with one good line for each signer. */
export async function forgeTrust(payload: unknown, ...signers: readonly JwsSigner[]): Promise<Buffer> {
  const lines = await Promise.all(signers.map((signer) => sealJws(payload, 'breakglass-trust+jws', signer)));
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}
