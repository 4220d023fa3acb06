import { type KeyObject, verify, type webcrypto } from 'node:crypto';
import { type CompactJWSHeaderParameters, CompactSign } from 'jose';
import { formatBase64url, parseBase64url } from './bytes.ts';
import { canonicalJson, parseCanonical, readCanonical } from './canonical.ts';
import { BreakglassError } from './errors.ts';
import { object, oneOf, type PublicJwk, type Schema, type Shape, thumbprint } from './schema.ts';

export const jwsTypes = [
  'breakglass+jwt',
  'breakglass-trust+jws',
  'breakglass-revocations+jws',
  'breakglass-record+jws',
  'breakglass-use+jws',
  'breakglass-review+jws',
] as const;
export type JwsType = (typeof jwsTypes)[number];

const headerSchema = object({ alg: oneOf(['EdDSA', 'ES256', 'Ed25519']), kid: thumbprint, typ: oneOf(jwsTypes) });
export type JwsHeader = Shape<typeof headerSchema>;

/** A signature, what it is over, and the algorithm that the header says. */
export interface SignedBytes {
  readonly header: { readonly alg: JwsHeader['alg'] };
  /** RFC 7515 §5.2: a view of the bytes that were opened, if they were bytes. */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/** A compact JWS (RFC 7515 §7.1) of strict form whose signature was not checked yet: nothing in it is proved. */
export interface UnverifiedJws extends SignedBytes {
  readonly header: JwsHeader;
  readonly payload: Buffer;
}

/** The three segments of a compact JWS; of the header nothing was looked at. */
export interface CompactJws extends Omit<SignedBytes, 'header'> {
  readonly headerSegment: string;
  readonly payload: Buffer;
}

/** The private half of a key, as what signs. `alg` is the header's. */
export interface JwsSigner {
  readonly alg: JwsHeader['alg'];
  readonly kid: string;
  readonly key: webcrypto.CryptoKey;
}

/**
 * Splits a compact JWS, text or its ASCII bytes, and checks its form: three canonical base64url segments, a 64-byte signature and exactly the header
 * {alg,kid,typ} in canonical spelling. Throws `JWS_NOT_COMPACT`, `JWS_NOT_CANONICAL` or `JWS_HEADER`; `what` names it.
 */
export function openJws(compact: string | Uint8Array, typ: JwsType, what: string): UnverifiedJws {
  const { headerSegment, signingInput, payload, signature } = splitJws(compact, what);
  const header = knownHeaders.get(headerSegment) ?? openHeader(headerSegment, what);
  if (header.typ !== typ) throw refuse('JWS_HEADER', what, `the header is not exactly alg, kid and typ ${typ}`);
  return { signingInput, header, payload, signature };
}

/** The same without a look at the header, for another kind of it. Throws `JWS_NOT_COMPACT` or `JWS_NOT_CANONICAL`. */
export function splitJws(compact: string | Uint8Array, what: string): CompactJws {
  const segments = textOf(compact).split('.', 4);
  const [first, second, third] = segments;
  if (segments.length !== 3 || !first || !second || !third)
    throw refuse('JWS_NOT_COMPACT', what, 'not three segments joined by dots');
  const [payload, signature] = [parseBase64url(second), parseBase64url(third)];
  if (!payload || !signature) throw refuse('JWS_NOT_CANONICAL', what, 'a segment is not canonical base64url');
  if (signature.length !== 64) throw refuse('JWS_NOT_CANONICAL', what, 'the signature is not 64 bytes long');
  return {
    headerSegment: first,
    signingInput: signingInput(compact, first.length + 1 + second.length),
    payload,
    signature,
  };
}

/** The payload as `T`, in its one canonical spelling. Throws `FORMAT`. */
export function jwsPayload<T>(jws: UnverifiedJws, schema: Schema<T>, what: string): T {
  return parseCanonical(schema, jws.payload, what);
}

/** True if the signature is right under `key`: Ed25519, or ECDSA P-256 with SHA-256 in the r || s form (RFC 7518 §3.4). */
export function verifyJws(jws: SignedBytes, key: KeyObject): boolean {
  if (!isKeyFor(jws.header.alg, key)) return false;
  const [hash, options] = jwsVerification(jws, key);
  return verify(hash, jws.signingInput, options, jws.signature);
}

/** The same on the thread pool: the caller goes on while another core verifies. */
export function verifyJwsInBackground(jws: SignedBytes, key: KeyObject): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verifyJwsThen(jws, key, (error, right) => (error ? reject(error) : resolve(right)));
  });
}

/** The same, with a callback in place of a promise; it is never called before this returns. */
export function verifyJwsThen(
  jws: SignedBytes,
  key: KeyObject,
  done: (error: Error | null, right: boolean) => void,
): void {
  if (!isKeyFor(jws.header.alg, key)) {
    queueMicrotask(() => done(null, false));
    return;
  }
  const [hash, options] = jwsVerification(jws, key);
  verify(hash, jws.signingInput, options, jws.signature, done);
}

/** Signs the canonical JSON of `payload`; the result is the compact form, without LF. */
export async function sealJws(payload: unknown, typ: JwsType, signer: JwsSigner): Promise<string> {
  return signCompact(payload, { alg: signer.alg, kid: signer.kid, typ }, signer.key);
}

/** The same with the public key itself in the header: a DPoP proof (RFC 9449 §4.2). */
export async function sealDpop(payload: unknown, jwk: PublicJwk, signer: Omit<JwsSigner, 'kid'>): Promise<string> {
  return signCompact(payload, { alg: signer.alg, jwk, typ: 'dpop+jwt' }, signer.key);
}

function signCompact(payload: unknown, header: CompactJWSHeaderParameters, key: webcrypto.CryptoKey): Promise<string> {
  return new CompactSign(Buffer.from(canonicalJson(payload))).setProtectedHeader(header).sign(key);
}

function textOf(compact: string | Uint8Array): string {
  if (typeof compact === 'string') return compact;
  return Buffer.from(compact.buffer, compact.byteOffset, compact.byteLength).toString('latin1');
}

function signingInput(compact: string | Uint8Array, length: number): Uint8Array {
  return typeof compact === 'string' ? Buffer.from(compact.slice(0, length), 'latin1') : compact.subarray(0, length);
}

// The header is the writer's choice: OpenSSL throws for an Ed25519 key and a digest.
function isKeyFor(alg: JwsHeader['alg'], key: KeyObject): boolean {
  return key.asymmetricKeyType === (alg === 'ES256' ? 'ec' : 'ed25519');
}

function jwsVerification(jws: SignedBytes, key: KeyObject) {
  return jws.header.alg === 'ES256'
    ? (['sha256', { key, dsaEncoding: 'ieee-p1363' }] as const)
    : ([null, { key }] as const);
}

// A header has one spelling, so a key's tokens and records all begin with the same segment: it is read once. The bound keeps
// a stranger who invents kids from filling the memory.
const knownHeaders = new Map<string, JwsHeader>();
const knownHeadersMax = 256;

function openHeader(segment: string, what: string): JwsHeader {
  const bytes = parseBase64url(segment);
  if (!bytes) throw refuse('JWS_NOT_CANONICAL', what, 'the header is not canonical base64url');
  const result = readCanonical(headerSchema, bytes);
  if ('fault' in result)
    throw refuse('JWS_HEADER', what, `the header is not exactly alg, kid and typ of breakglass (${result.why})`);
  if (knownHeaders.size >= knownHeadersMax) knownHeaders.clear();
  // A string of its own: a piece of `compact` would hold all of that, perhaps a record of 1 MiB, in memory.
  knownHeaders.set(formatBase64url(bytes), result.value);
  return result.value;
}

function refuse(
  code: 'JWS_NOT_COMPACT' | 'JWS_NOT_CANONICAL' | 'JWS_HEADER',
  what: string,
  why: string,
): BreakglassError {
  return new BreakglassError(code, `${what} is refused: ${why}`, {
    hint: 'it was changed, cut or made by another program. Nothing in it was believed.',
  });
}
