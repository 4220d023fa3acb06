import { canonicalJson } from '../base/canonical.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { formatPem, type KeyAlg, loadPublicKey, type PublicKey } from '../key/public.ts';
import { trustName } from '../trail/layout.ts';
import type { Trust } from '../trust/trust-file.ts';

/** The JWK Sets that gateways take (RFC 7517 §5): active token keys, one file an algorithm, by file name. */
export function jwkSets(trust: Trust): Map<string, Uint8Array> {
  const keys = trust.keys.filter((key) => key.use === 'token' && key.status === 'active').map((key) => key.public);
  const algs = [...new Set(keys.map((key) => key.alg))];
  return new Map(algs.map((alg) => [`jwks-${alg.toLowerCase()}.json`, formatJwkSet(keys, alg)]));
}

function formatJwkSet(keys: readonly PublicKey[], alg: KeyAlg): Uint8Array {
  const entries = keys.filter((key) => key.alg === alg).map((key) => ({ ...key.jwk, alg, kid: key.kid, use: 'sig' }));
  return Buffer.from(`${canonicalJson({ keys: entries })}\n`);
}

/** The public keys of a trust version in PEM, by the file name they have beside it on a medium. */
export function pemFiles(trust: Trust): Map<string, Uint8Array> {
  const numbered = (name: string, width: number, number: number) => `${name}${String(number).padStart(width, '0')}.PEM`;
  const names = { token: 'TOKEN', drill: 'DRILL', trail: 'TRAIL', deny: 'DENY' } as const;
  const entries = trust.keys.map(
    (key) => [numbered(names[key.use], 8 - names[key.use].length, key.epoch), key.public] as const,
  );
  const all = [[numbered('ROOT', 4, trust.payload.version), trust.root] as const, ...entries];
  return new Map(all.map(([name, key]) => [name, Buffer.from(formatPem(key))]));
}

/** What a medium holds beside the records for a new trust version: the file itself, the keys, the recorder's key. */
export function trustFilesFor(trust: Trust, recorder: Ed25519Jwk): Map<string, Uint8Array> {
  const recorderPem = Buffer.from(formatPem(loadPublicKey(recorder, 'the recorder')));
  return new Map([[trustName(trust.payload.version), trust.bytes], ...pemFiles(trust), ['RECORD01.PEM', recorderPem]]);
}
