import { isUtf8 } from 'node:buffer';
import canonicalize from 'canonicalize';
import { BreakglassError } from './errors.ts';
import { conform, type Schema } from './schema.ts';

/** RFC 8785 canonical JSON. The values of breakglass are plain data, so only a bug can make this throw. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

/**
 * The value that `bytes` spell, if they are its one canonical spelling and it fits `schema`; `what` names it in errors.
 * Throws `FORMAT`. The comparison is with the value as read by the schema, so an unknown member cannot hide, not even
 * one called `__proto__`.
 */
export function parseCanonical<T>(schema: Schema<T>, bytes: Uint8Array, what: string): T {
  const text = utf8(bytes, what);
  const result = conform(schema, parseJson(text, what));
  if ('misfits' in result) {
    const [first] = result.misfits;
    const where = first?.path ? `${first.path}: ` : '';
    throw formatError(
      what,
      `${where}${first?.received === 'unknown' ? 'unknown member' : `expected ${first?.expected}`}`,
    );
  }
  if (canonicalJson(result.value) !== text) throw formatError(what, 'it is not canonical JSON');
  return result.value;
}

/** The same for a file: canonical JSON and one LF. */
export function parseCanonicalFile<T>(schema: Schema<T>, bytes: Uint8Array, what: string): T {
  if (bytes.at(-1) !== 0x0a) throw formatError(what, 'it does not end with a line feed');
  return parseCanonical(schema, bytes.subarray(0, -1), what);
}

export function formatCanonicalFile(value: unknown): Uint8Array {
  return Buffer.from(`${canonicalJson(value)}\n`);
}

function utf8(bytes: Uint8Array, what: string): string {
  if (!isUtf8(bytes)) throw formatError(what, 'it is not UTF-8');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw formatError(what, 'it is not JSON');
  }
}

function formatError(what: string, why: string): BreakglassError {
  return new BreakglassError('FORMAT', `${what} is not in the format: ${why}`, {
    hint: 'the file was changed, cut or made by another program. Nothing was done with it.',
  });
}
