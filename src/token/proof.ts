import { parseBase64url } from '../base/bytes.ts';
import { readCompactJson } from '../base/canonical.ts';
import { BreakglassError, type ErrorCode, isBreakglassError } from '../base/errors.ts';
import { type CompactJws, type JwsHeader, type SignedBytes, sealDpop, splitJws, verifyJws } from '../base/jws.ts';
import {
  conformFirst,
  conformOrUndefined,
  literal,
  type Misfit,
  numericDate,
  object,
  oneOf,
  optional,
  type PublicJwk,
  printable,
  publicJwk,
  type Shape,
  thumbprint,
} from '../base/schema.ts';
import { scalar, stringThat } from '../base/shape.ts';
import type { Seconds } from '../base/time.ts';
import type { SigningKey } from '../key/derive.ts';
import { jwkAlg, loadPublicKey, type PublicKey, thumbprint as thumbprintOf } from '../key/public.ts';
import { skewSeconds } from './verify.ts';
import { normalizeAddress } from './web-address.ts';

/** The longest proof, in bytes. */
export const proofMaxBytes = 4096;
/** How old a proof may be when it is shown; it may be `skewSeconds` from the future too. */
export const proofMaxAgeSeconds = 60;

const headerSchema = object({
  typ: literal('dpop+jwt'),
  alg: oneOf(['ES256', 'EdDSA', 'Ed25519']),
  // A key that does not fit is told from a header that does not.
  jwk: scalar<object>((value) => typeof value === 'object' && value !== null, 'a JWK'),
});

const claimNames = ['jti', 'htm', 'htu', 'iat', 'ath', 'nonce'] as const;
const anyText = stringThat((text) => text.length > 0, 'text');
const claimsSchema = object({
  jti: printable,
  htm: anyText,
  htu: anyText,
  iat: numericDate,
  ath: thumbprint,
  nonce: optional(printable),
});

/** The claims of a DPoP proof (RFC 9449 §4.2) that mean something to a guard. */
export type ProofClaims = Shape<typeof claimsSchema>;

/** A proof of the right form. Nothing in it is proved: its signature was not checked, and its key may be anybody's. */
export interface UnverifiedProof extends SignedBytes {
  readonly claims: ProofClaims;
  readonly headerSegment: string;
  readonly header: ProofHeader;
}

interface ProofHeader {
  readonly alg: JwsHeader['alg'];
  /** Of whatever shape. */
  readonly jwk: object;
}

/** What a proof must have been made for. */
export interface ProofExpectation {
  readonly method: string;
  /** The address of the request, as clients spell it: `https://db.example.com/rows?limit=3`. The query is not looked at. */
  readonly url: string;
  /** SHA-256 of the compact token, in base64url. */
  readonly ath: string;
  /** `cnf.jkt` of a token that holds: the thumbprint of the only key that will do. */
  readonly jkt: string;
  readonly now: Seconds;
  /** Says whether this is a nonce that was given out; null where none is asked for. */
  readonly nonce: null | ((nonce: string | undefined) => boolean);
}

/** A proof that holds, for the memory of those that were shown (guard/replays.ts). */
export interface VerifiedProof {
  readonly jti: string;
  readonly iat: Seconds;
  readonly jkt: string;
}

/**
 * Judges a DPoP proof in the order of docs/format.md §15, steps 2 to 6: form, key, request, time, nonce, and the signature when all
 * else is right. Whether it was shown before is the caller's to ask. Throws `PROOF_TOO_LARGE`, `PROOF_FORM`, `PROOF_HEADER`,
 * `PROOF_CLAIMS`, `PROOF_KEY`, `PROOF_METHOD`, `PROOF_URL`, `PROOF_TOKEN`, `PROOF_TIME`, `PROOF_NONCE` or `PROOF_SIGNATURE`.
 */
export function verifyProof(proof: string, expected: ProofExpectation): VerifiedProof {
  const unproved = examineProof(proof, expected);
  return concludeProof(unproved, verifyJws(unproved.signed, unproved.key.key) ? 'right' : 'wrong');
}

/** A proof that is right in all but its signature. */
export interface UnprovedProof {
  readonly key: PublicKey;
  readonly signed: UnverifiedProof;
}

/** The same without the signature, for a caller who has it verified elsewhere. Throws as `verifyProof` does. */
export function examineProof(proof: string, expected: ProofExpectation): UnprovedProof {
  const unverified = readProof(proof);
  const { claims, header, headerSegment } = unverified;
  const proved = provedHeaders.get(headerSegment);
  const jwk = proved?.key.kid === expected.jkt ? proved.key.jwk : checkKey(header, expected.jkt);
  checkRequest(claims, expected);
  checkTime(claims.iat, expected.now);
  if (expected.nonce && !expected.nonce(claims.nonce))
    throw refuse('PROOF_NONCE', 'it is without the nonce that was asked for, or with an old one');
  return { key: proved?.key ?? loadHolderKey(jwk), signed: unverified };
}

/** By what came of the signature under the proof's key. Throws `PROOF_SIGNATURE`. */
export function concludeProof({ key, signed }: UnprovedProof, signature: 'right' | 'wrong'): VerifiedProof {
  if (signature === 'wrong') throw refuse('PROOF_SIGNATURE', 'its signature is wrong');
  const { claims, header, headerSegment } = signed;
  remember(headerSegment, header, key);
  return { jti: claims.jti, iat: claims.iat, jkt: key.kid };
}

/** The form alone. Throws `PROOF_TOO_LARGE`, `PROOF_FORM`, `PROOF_HEADER` or `PROOF_CLAIMS`. */
export function readProof(proof: string): UnverifiedProof {
  if (proof.length > proofMaxBytes) throw refuse('PROOF_TOO_LARGE', `it is longer than ${proofMaxBytes} bytes`);
  const { headerSegment, signingInput, payload, signature } = splitProof(proof);
  const header = provedHeaders.get(headerSegment)?.header ?? openHeader(headerSegment);
  const claims = conformFirst(claimsSchema, pickClaims(jsonOf(payload, 'payload')));
  if (!('value' in claims)) throw refuse('PROOF_CLAIMS', describeMisfit(claims.misfit));
  return { headerSegment, header, claims: claims.value, signingInput, signature };
}

/** Signs a proof with a responder's key, and reads it as a guard would. `claims` are those of one request. */
export async function sealProof(claims: ProofClaims, key: SigningKey): Promise<string> {
  const proof = await sealDpop(claims, key.public.jwk, key);
  if (key.alg !== key.public.alg || !verifyJws(readProof(proof), key.public.key))
    throw new TypeError('not a key for proofs');
  return proof;
}

// All proofs of one holder begin with the same segment: it is read, and its key screened, once. Only a right signature gets it here, so that a
// stranger cannot fill the memory.
const provedHeaders = new Map<string, { readonly header: ProofHeader; readonly key: PublicKey }>();
const provedHeadersMax = 256;

function remember(headerSegment: string, header: ProofHeader, key: PublicKey): void {
  if (provedHeaders.has(headerSegment)) return;
  if (provedHeaders.size >= provedHeadersMax) provedHeaders.clear();
  // A string of its own: a piece of the proof would hold all of that in memory.
  provedHeaders.set(Buffer.from(headerSegment, 'latin1').toString('latin1'), { header, key });
}

function openHeader(segment: string): ProofHeader {
  const bytes = parseBase64url(segment);
  if (!bytes) throw refuse('PROOF_FORM', 'its header is not canonical base64url');
  const header = conformOrUndefined(headerSchema, jsonOf(bytes, 'header'));
  if (header) return header;
  throw refuse('PROOF_HEADER', 'its header is not exactly alg ES256, EdDSA or Ed25519, jwk and typ dpop+jwt');
}

function splitProof(proof: string): CompactJws {
  try {
    return splitJws(proof, 'the proof');
  } catch (cause) {
    if (!isBreakglassError(cause)) throw cause;
    throw new BreakglassError('PROOF_FORM', cause.message, { hint, cause });
  }
}

function jsonOf(bytes: Uint8Array, what: string): unknown {
  const json = readCompactJson(bytes);
  if (json) return json.value;
  throw refuse('PROOF_FORM', `its ${what} is not JSON without white space, duplicate names and needless escapes`);
}

function describeMisfit(misfit: Misfit | undefined): string {
  return `of its claims, ${misfit?.path || 'the whole'} is not as it should be: expected ${misfit?.expected}`;
}

function pickClaims(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const given = value as Readonly<Record<string, unknown>>;
  const known = claimNames.filter((name) => Object.hasOwn(given, name));
  return Object.fromEntries(known.map((name) => [name, given[name]]));
}

// Before anything is done with the key: one that the token does not name is never loaded, and its holder is nobody.
function checkKey({ alg, jwk }: ProofHeader, jkt: string): PublicJwk {
  if (Object.hasOwn(jwk, 'd')) throw refuse('PROOF_KEY', 'it holds a private key, which is now known to others');
  const fit = conformOrUndefined(publicJwk, jwk);
  if (!fit) throw refuse('PROOF_KEY', 'its jwk is not exactly a public key of P-256 or Ed25519');
  if (thumbprintOf(fit) !== jkt) throw refuse('PROOF_KEY', 'its key is not the one that the token is bound to');
  if (isForKey(alg, fit)) return fit;
  throw refuse('PROOF_KEY', `its key is not one for ${alg}`);
}

function isForKey(alg: JwsHeader['alg'], jwk: PublicJwk): boolean {
  return (alg === 'ES256') === (jwkAlg(jwk) === 'ES256');
}

function checkRequest(claims: ProofClaims, { method, url, ath }: ProofExpectation): void {
  if (claims.htm !== method) throw refuse('PROOF_METHOD', 'it was made for another method');
  const address = normalizeAddress(claims.htu);
  if (address === undefined || address !== normalizeAddress(url))
    throw refuse('PROOF_URL', 'it was made for another address');
  if (claims.ath !== ath) throw refuse('PROOF_TOKEN', 'it was made for another token');
}

function checkTime(iat: Seconds, now: Seconds): void {
  if (iat < now - proofMaxAgeSeconds) throw refuse('PROOF_TIME', `it was made more than ${proofMaxAgeSeconds} s ago`);
  if (iat > now + skewSeconds) throw refuse('PROOF_TIME', 'it is from the future: one of the two clocks is wrong');
}

function loadHolderKey(jwk: PublicJwk): PublicKey {
  try {
    return loadPublicKey(jwk, 'the holder');
  } catch (cause) {
    if (!isBreakglassError(cause)) throw cause;
    throw new BreakglassError('PROOF_KEY', `the proof is refused: ${cause.message}`, { hint, cause });
  }
}

const hint =
  'the client makes a new proof for each request: breakglass proof METHOD URL. Nothing in this one was believed, and nothing was opened.';

function refuse(code: ErrorCode, why: string): BreakglassError {
  return new BreakglassError(code, `the proof is refused: ${why}`, { hint });
}
