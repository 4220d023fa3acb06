import crypto, { createHash } from 'node:crypto';

/** In one step, without an object for the hash; Node.js has it from 20.12 on. */
const hashAtOnce: typeof crypto.hash | undefined = crypto.hash;

/** SHA-256 of the concatenation of `parts`; strings count as UTF-8. 32 bytes. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return digest(parts).digest();
}

/** SHA-256 of the concatenation of `parts` as 64 lower-case hex digits, what `sha256sum` prints. */
export function sha256Hex(...parts: readonly (Uint8Array | string)[]): string {
  const [only] = parts;
  if (hashAtOnce && parts.length === 1 && only !== undefined) return hashAtOnce('sha256', only, 'hex');
  return digest(parts).digest('hex');
}

function digest(parts: readonly (Uint8Array | string)[]) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash;
}

export function formatHex(bytes: Uint8Array): string {
  return view(bytes).toString('hex');
}

/** The bytes of lower-case hex, or undefined for any other spelling. */
export function parseHex(text: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2})*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

export function formatBase64url(bytes: Uint8Array): string {
  return view(bytes).toString('base64url');
}

/** The bytes of canonical base64url (RFC 4648 §5, no padding, pad bits zero), or undefined for any other spelling. */
export function parseBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return view(a).equals(b);
}

/** `length` zero bytes outside V8's heap, where they are not moved and can be wiped. A plain Uint8Array. */
export function secretBytes(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** A copy of `bytes` as a secret; the original stays the caller's to wipe. */
export function copySecret(bytes: Uint8Array): Uint8Array {
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
