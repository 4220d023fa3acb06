import { parseBase64url, sha256Hex } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { type JwsSigner, jwsPayload, openJws, sealJws, type UnverifiedJws, verifyJws } from '../base/jws.ts';
import type { KeyOrigin } from '../key/derive.ts';
import { type Fingerprint, fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import { loadPublicKey, type PublicKey } from '../key/public.ts';
import { activeSet, checkTrust, invalid } from './trust-laws.ts';
import { type KeyUse, type ShareSet, type TrustPayload, trustSchema } from './trust-schema.ts';

export interface TrustKey {
  readonly use: KeyUse;
  readonly epoch: number;
  readonly status: 'active' | 'retired';
  readonly public: PublicKey;
}

/** A trust file that is in the format and signed by its own root: whether to believe that root is the caller's question. */
export interface Trust {
  readonly bytes: Uint8Array;
  /** SHA-256 of the file. */
  readonly sha256: string;
  /** The trust id: SHA-256 of the version-1 file. */
  readonly id: string;
  readonly payload: TrustPayload;
  readonly root: PublicKey;
  readonly keys: readonly TrustKey[];
  readonly revokers: readonly LabelledKey[];
  readonly auditors: readonly LabelledKey[];
  /** The one active set of shares. */
  readonly set: ShareSet;
}

export interface LabelledKey {
  readonly label: string;
  readonly public: PublicKey;
}

/** Opens `trust.jws`. Throws `TRUST_INVALID`, or an error of the form (`JWS_…`, `FORMAT`, `KEY_REFUSED`). */
export function openTrust(bytes: Uint8Array): Trust {
  const lines = splitLines(bytes);
  const [own] = lines;
  const payload = jwsPayload(own, trustSchema, 'the trust file');
  checkTrust(payload);
  if (payload.version === 1 && lines.length > 1)
    throw invalid('version 1 has one line, for no root was before its own');
  const root = loadPublicKey(payload.root, 'root');
  if (own.header.kid !== root.kid || !verifyJws(own, root.key)) throw invalid('it is not signed by its own root key');
  const digest = sha256Hex(bytes);
  return {
    bytes,
    sha256: digest,
    id: payload.id ?? digest,
    payload,
    root,
    keys: payload.keys.map(({ use, epoch, status, jwk }) => ({
      use,
      epoch,
      status,
      public: loadPublicKey(jwk, `${use} of epoch ${epoch}`),
    })),
    revokers: payload.revokers.map(({ label, jwk }) => ({ label, public: loadPublicKey(jwk, `revoker ${label}`) })),
    auditors: payload.auditors.map(({ label, jwk }) => ({ label, public: loadPublicKey(jwk, `auditor ${label}`) })),
    set: activeSet(payload),
  };
}

/** Signs a trust file; `previousRoot` adds the second line of a version that changes the root. */
export async function sealTrust(payload: TrustPayload, root: JwsSigner, previousRoot?: JwsSigner): Promise<Uint8Array> {
  checkTrust(payload);
  const signers = previousRoot ? [root, previousRoot] : [root];
  const lines = await Promise.all(signers.map((signer) => sealJws(payload, 'breakglass-trust+jws', signer)));
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

/**
 * Judges `candidate` against the version that is pinned: same id, higher version, a line signed by the pinned root.
 * The same file again is accepted. Throws `TRUST_OTHER`, `TRUST_OLDER` or `TRUST_INVALID`.
 */
export function acceptTrust(pinned: Trust, candidate: Trust): Trust {
  if (candidate.sha256 === pinned.sha256) return candidate;
  if (candidate.id !== pinned.id) throw other(pinned, candidate);
  if (candidate.payload.version < pinned.payload.version) {
    throw new BreakglassError(
      'TRUST_OLDER',
      `the trust file is version ${candidate.payload.version}; version ${pinned.payload.version} was accepted before`,
      {
        hint: 'use the newer file. An older one could bring back keys and people that were removed. Nothing was done.',
      },
    );
  }
  if (candidate.payload.version === pinned.payload.version)
    throw invalid(`there are two different files of version ${pinned.payload.version}`);
  if (candidate.payload.name !== pinned.payload.name || candidate.payload.issuer !== pinned.payload.issuer)
    throw invalid('its name or issuer is not that of the pinned version, and neither ever changes');
  const lines = splitLines(candidate.bytes);
  const signed = lines.some((line) => line.header.kid === pinned.root.kid && verifyJws(line, pinned.root.key));
  if (!signed)
    throw invalid(
      `version ${candidate.payload.version} is not signed by the root key of the pinned version ${pinned.payload.version}`,
    );
  // A line that nothing proves would make another file, with another hash, of the same version.
  if (lines.length > 1 && candidate.root.kid === pinned.root.kid)
    throw invalid('it has a second line, and its root has not changed');
  return candidate;
}

/** Throws `TRUST_INVALID` unless `next` is the version right after `before`, by its hash. */
export function checkTrustSuccession(before: Trust, next: Trust): void {
  acceptTrust(before, next);
  const follows = next.payload.version === before.payload.version + 1 && next.payload.previous === before.sha256;
  if (!follows) throw invalid(`version ${next.payload.version} does not follow version ${before.payload.version}`);
}

export function trustFingerprint(trust: Trust): Fingerprint {
  return fingerprintOfDigest(trust.id, headWordCount);
}

/** The active key of a use; every trust file has exactly one. */
export function activeKey(trust: Trust, use: KeyUse): TrustKey {
  const found = trust.keys.find((key) => key.use === use && key.status === 'active');
  if (!found) throw new TypeError(`no active ${use} key`);
  return found;
}

/** What the keys of this trust are derived from besides the seed. */
export function keyOrigin(trust: Pick<TrustPayload, 'name' | 'nonce'>): KeyOrigin {
  return { trustName: trust.name, nonce: parseBase64url(trust.nonce) ?? new Uint8Array(16) };
}

export function custodianLabels(set: ShareSet): string[] {
  return set.shares.map((share) => share.custodian);
}

type Lines = readonly [UnverifiedJws, ...UnverifiedJws[]];

function splitLines(bytes: Uint8Array): Lines {
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  if (lines.pop() !== '') throw invalid('it does not end with a line feed');
  const [first, ...more] = lines.map((line) => openJws(line, 'breakglass-trust+jws', 'the trust file'));
  if (!first || more.length > 1) throw invalid('it must have one line, or two when the root has changed');
  const strayed = more.some((line) => !line.payload.equals(first.payload) || line.header.kid === first.header.kid);
  if (strayed) throw invalid('its two lines are not two signatures of the same thing');
  if ([first, ...more].some((line) => line.header.alg !== 'EdDSA')) throw invalid('it is not signed with EdDSA');
  return [first, ...more];
}

function other(pinned: Trust, candidate: Trust): BreakglassError {
  return new BreakglassError(
    'TRUST_OTHER',
    `the trust file is of another trust: ${candidate.id.slice(0, 8)}, not ${pinned.id.slice(0, 8)}`,
    {
      hint: 'compare the fingerprint words on a share card with: breakglass trust show FILE. Nothing was done.',
    },
  );
}
