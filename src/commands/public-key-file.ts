import { BreakglassError } from '../base/errors.ts';
import { conformOrUndefined, type Ed25519Jwk, ed25519Jwk } from '../base/schema.ts';
import { readInput } from '../machine/files.ts';

/**
 * The Ed25519 public keys of a file: one JWK, one a line, or a JWK Set (RFC 7517); members that it does not need are passed over. Throws
 * `NOT_FOUND` or `BAD_INPUT`; `what` names it ("the auditor's key").
 */
export function readPublicKeys(file: string, what: string): [Ed25519Jwk, ...Ed25519Jwk[]] {
  const text = Buffer.from(readInput(file, { what, maxBytes: 256 * 1024 })).toString('utf8');
  const whole = parse(text);
  const values = whole === undefined ? lines(text).map(parse) : inSet(whole);
  const [first, ...more] = values.map(jwkOf);
  if (first && more.every((jwk) => jwk !== undefined)) return [first, ...more];
  throw new BreakglassError('BAD_INPUT', `${file} is not an Ed25519 public key in JWK form`, {
    hint: 'it must hold {"crv":"Ed25519","kty":"OKP","x":"…"}. Nothing was done.',
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '');
}

function inSet(value: unknown): readonly unknown[] {
  const { keys } = Object(value) as { keys?: unknown };
  return Array.isArray(keys) ? keys : Array.isArray(value) ? value : [value];
}

function jwkOf(value: unknown): Ed25519Jwk | undefined {
  const { crv, kty, x } = Object(value) as { crv?: unknown; kty?: unknown; x?: unknown };
  return conformOrUndefined(ed25519Jwk, { crv, kty, x });
}
