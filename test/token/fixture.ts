import { webcrypto } from 'node:crypto';
import { formatBase64url, sha256Hex } from '../../src/base/bytes.ts';
import { canonicalJson } from '../../src/base/canonical.ts';
import type { JwsSigner } from '../../src/base/jws.ts';
import { deriveKey, ed25519JwkOf, type KeyRole, type SigningKey } from '../../src/key/derive.ts';
import type { KeyAlg } from '../../src/key/public.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { type DenyEntry, type Statement, sealStatement } from '../../src/revocation/statement.ts';
import type { Claims } from '../../src/token/claims.ts';
import { planTokens, sealToken, type TokenPlan } from '../../src/token/mint.ts';
import type { VerifyOptions } from '../../src/token/verify.ts';
import { type Policy, type PolicyRole, policyRole } from '../../src/trust/policy.ts';
import { parsePolicyFile, startingPolicy } from '../../src/trust/policy-file.ts';
import { asTokenRequest, type TokenRequest } from '../../src/trust/request.ts';
import { openTrust, sealTrust, type Trust } from '../../src/trust/trust-file.ts';
import type { TrustPayload } from '../../src/trust/trust-schema.ts';

/** 2026-01-01T00:00:00Z. */
export const midnight = 1_767_225_600;
export const audience = 'https://db.prod.example.com';
export const zeroId = 'A'.repeat(22);
const nonce = Buffer.alloc(16, 7);

/** The keys of one trust, all derived from one fixed seed: epoch 1 is retired, epoch 2 active. */
export interface Fixture {
  readonly alg: KeyAlg;
  readonly trust: Trust;
  readonly root: SigningKey;
  readonly token: SigningKey;
  readonly drill: SigningKey;
  readonly trail: SigningKey;
  readonly deny: SigningKey;
  readonly retiredToken: SigningKey;
  readonly retiredDeny: SigningKey;
  readonly revoker: SigningKey;
  readonly stranger: SigningKey;
  /** The line that init writes, and the file that holds it alone. */
  readonly firstLine: string;
  readonly firstFile: Uint8Array;
}

export async function makeFixture(
  alg: KeyAlg,
  options: { readonly name?: string; readonly policy?: (policy: Policy) => Policy } = {},
): Promise<Fixture> {
  const trustName = options.name ?? 'Example Corp';
  const derive = (role: KeyRole, epoch: number, keyAlg: KeyAlg = 'Ed25519', name = trustName) =>
    deriveKey(new Uint8Array(16).fill(42), { trustName: name, nonce }, { role, alg: keyAlg, epoch });
  const keys = {
    root: await derive('root', 0),
    token: await derive('token', 2, alg),
    drill: await derive('drill', 2, alg),
    trail: await derive('trail', 2),
    deny: await derive('deny', 2),
    retiredToken: await derive('token', 1, alg),
    retiredDeny: await derive('deny', 1),
    revoker: await derive('deny', 1, 'Ed25519', 'a commander'),
    stranger: await derive('token', 2, alg, 'a stranger'),
  };
  const payload = trustPayload(alg, trustName, options.policy ?? ((policy) => policy), keys);
  const trust = openTrust(await sealTrust(payload, keys.root));
  const firstLine = await sealStatement(
    { v: 1, trust: trust.id, iat: midnight - 3600, deny: [], allow: [] },
    keys.deny,
  );
  return { alg, trust, ...keys, firstLine, firstFile: Buffer.from(`${firstLine}\n`) };
}

function trustPayload(
  alg: KeyAlg,
  name: string,
  policy: (policy: Policy) => Policy,
  keys: Pick<Fixture, 'root' | 'token' | 'drill' | 'trail' | 'deny' | 'retiredToken' | 'retiredDeny' | 'revoker'>,
): TrustPayload {
  const entry = (use: 'token' | 'drill' | 'trail' | 'deny', epoch: number, key: SigningKey) =>
    ({
      use,
      alg: use === 'token' || use === 'drill' ? alg : 'Ed25519',
      epoch,
      status: epoch === 2 ? 'active' : 'retired',
      jwk: key.public.jwk,
    }) as const;
  return {
    v: 1,
    name,
    issuer: 'https://breakglass.example.com',
    nonce: formatBase64url(nonce),
    version: 1,
    previous: null,
    root: ed25519JwkOf(keys.root),
    epoch: 2,
    keys: [
      entry('token', 2, keys.token),
      entry('drill', 2, keys.drill),
      entry('trail', 2, keys.trail),
      entry('deny', 2, keys.deny),
      entry('token', 1, keys.retiredToken),
      entry('deny', 1, keys.retiredDeny),
    ],
    revokers: [{ label: 'erin', jwk: ed25519JwkOf(keys.revoker) }],
    sets: [
      {
        setId: '0a1b2',
        nonce: zeroId,
        threshold: 2,
        strength: 128,
        status: 'active',
        shares: ['alice', 'bob', 'carol'].map((custodian, n) => ({
          custodian,
          index: n + 1,
          commitment: sha256Hex(custodian),
        })),
      },
    ],
    auditors: [],
    policy: policy(examplePolicy()),
    issuedAt: '2025-12-31T00:00:00Z',
  };
}

export function examplePolicy(): Policy {
  const result = parsePolicyFile(startingPolicy);
  if ('violations' in result) throw new Error(result.violations[0]?.message ?? 'bad policy');
  return result.policy;
}

export function exampleRole(policy: Policy = examplePolicy()): PolicyRole {
  const role = policyRole(policy, 'db-admin');
  if (!role) throw new Error('no role db-admin');
  return role;
}

export function exampleRequest(trust: Trust, change: Partial<TokenRequest> = {}): TokenRequest {
  return asTokenRequest({
    v: 1,
    trust: trust.id,
    kind: 'mint',
    id: zeroId,
    incident: 'inc-2026-001',
    subject: 'dana',
    role: 'db-admin',
    circumstance: 'outage',
    reason: 'the primary does not come up and the replica lags behind',
    lifetimeSeconds: 900,
    durationSeconds: null,
    holder: null,
    recipient: null,
    createdAt: '2025-12-31T23:50:00Z',
    parameters: null,
    ...change,
  });
}

/** Counts up: 16 bytes of 1, then of 2, … */
export function countingRandom(): (length: number) => Uint8Array {
  let count = 0;
  return (length) => {
    count += 1;
    return new Uint8Array(length).fill(count);
  };
}

export function examplePlan(fixture: Fixture, change: Partial<TokenPlan> = {}): TokenPlan {
  return {
    request: exampleRequest(fixture.trust),
    role: exampleRole(fixture.trust.payload.policy),
    issuer: fixture.trust.payload.issuer,
    epoch: 2,
    iat: midnight,
    startsIn: 0,
    family: zeroId,
    firstSequence: 1,
    revocations: sha256Hex(fixture.firstLine),
    trail: { id: fixture.trust.id, seq: 7, prev: sha256Hex('record 6') },
    random: countingRandom(),
    ...change,
  };
}

export function exampleClaims(fixture: Fixture, change: Partial<TokenPlan> = {}): Claims {
  const [claims] = planTokens(examplePlan(fixture, change));
  if (!claims) throw new Error('no claims');
  return claims;
}

export async function exampleToken(fixture: Fixture): Promise<string> {
  return sealToken(exampleClaims(fixture), fixture.token);
}

/** How a service of that audience looks at a token one minute after it was minted, with the first statement at hand. */
export function exampleOptions(fixture: Fixture, change: Partial<VerifyOptions> = {}): VerifyOptions {
  return {
    trust: fixture.trust,
    now: midnight + 60,
    audience,
    mode: 'production',
    revocations: { state: 'checked', list: readRevocations(fixture.firstFile, fixture.trust) },
    ...change,
  };
}

/** Signs any header and payload, however odd, with the right key: what is refused is refused for its oddity alone. */
export async function forge(
  header: string | Uint8Array,
  payload: string | Uint8Array,
  signer: JwsSigner,
): Promise<string> {
  const input = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
  return `${input}.${formatBase64url(await signBytes(input, signer))}`;
}

export async function signBytes(input: string, signer: JwsSigner): Promise<Uint8Array> {
  const algorithm = signer.key.algorithm.name === 'ECDSA' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: 'Ed25519' };
  return new Uint8Array(await webcrypto.subtle.sign(algorithm, signer.key, Buffer.from(input)));
}

export function headerOf(signer: JwsSigner, change: Readonly<Record<string, unknown>> = {}): string {
  return canonicalJson({ alg: signer.alg, kid: signer.kid, typ: 'breakglass+jwt', ...change });
}

export function denial(change: { kind: DenyEntry['kind']; value: unknown } & Record<string, unknown>): DenyEntry {
  return { at: midnight, by: 'erin', reason: 'the incident is over', ...change } as unknown as DenyEntry;
}

export function statement(fixture: Fixture, change: Partial<Statement>): Statement {
  return { v: 1, trust: fixture.trust.id, iat: midnight, deny: [], allow: [], ...change };
}
