import { isUtf8 } from 'node:buffer';
import canonicalize from 'canonicalize';
import { BreakglassError } from './errors.ts';
import { conformFirst, type Misfit, type Schema } from './schema.ts';
import { showable } from './text.ts';

/**
 * RFC 8785 canonical JSON. The values of breakglass are plain data, so only a bug can make this throw.
 *
 * RFC 8785 §3.2.2 takes strings and numbers from JSON.stringify, so where the members stand in order already and no escape
 * could hide a lone surrogate, that is the canonical form, several times faster.
 */
export function canonicalJson(value: unknown): string {
  const spelled = isPlainInOrder(value) ? JSON.stringify(value) : undefined;
  const text = spelled === undefined || spelled.includes('\\u') ? canonicalize(value) : spelled;
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

/** What is wrong with bytes: not JSON at all, not of the shape, or of the shape but in another spelling. */
export interface CanonicalFault {
  readonly fault: 'json' | 'shape' | 'spelling';
  readonly why: string;
}

/**
 * The value that `bytes` spell, if they are its one canonical spelling and it fits `schema`, or what is wrong. The
 * comparison is with the value as read by the schema, so an unknown member cannot hide, not even one called `__proto__`.
 */
export function readCanonical<T>(schema: Schema<T>, bytes: Uint8Array): { readonly value: T } | CanonicalFault {
  if (!isUtf8(bytes)) return { fault: 'json', why: 'it is not UTF-8' };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const json = parseJson(text);
  if (!json) return { fault: 'json', why: 'it is not JSON' };
  const result = conformFirst(schema, json.value);
  if (!('value' in result)) return { fault: 'shape', why: describeMisfit(result.misfit) };
  return canonicalJson(result.value) === text ? result : { fault: 'spelling', why: 'it is not canonical JSON' };
}

/** The same, for a thing that `what` names in errors. Throws `FORMAT`. */
export function parseCanonical<T>(schema: Schema<T>, bytes: Uint8Array, what: string): T {
  const result = readCanonical(schema, bytes);
  if ('fault' in result) throw formatError(what, result.why);
  return result.value;
}

/** The same for a file: canonical JSON and one LF. */
export function parseCanonicalFile<T>(schema: Schema<T>, bytes: Uint8Array, what: string): T {
  if (bytes.at(-1) !== 0x0a) throw formatError(what, 'it does not end with a line feed');
  return parseCanonical(schema, bytes.subarray(0, -1), what);
}

/**
 * The value that JSON of another program spells, if it is UTF-8 without white space, needless escapes and duplicate names;
 * the order of members is its own. Undefined for anything else.
 */
export function readCompactJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const json = parseJson(text);
  return json && JSON.stringify(json.value) === text ? json : undefined;
}

export function formatCanonicalFile(value: unknown): Uint8Array {
  return Buffer.from(`${canonicalJson(value)}\n`);
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function describeMisfit(misfit: Misfit | undefined): string {
  // The name of an unknown member is the writer's choice: it must not reach a terminal as it is.
  const where = misfit?.path ? `${showable(misfit.path)}: ` : '';
  return `${where}${misfit?.received === 'unknown' ? 'unknown member' : `expected ${misfit?.expected}`}`;
}

/** True for JSON's own kinds of value whose members stand in the order of RFC 8785 §3.2.3 (UTF-16 code units). */
function isPlainInOrder(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean';
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isPlainInOrder);
  let before = '';
  const members = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(members)) {
    if (name < before || !isPlainInOrder(members[name])) return false;
    before = name;
  }
  return true;
}

function formatError(what: string, why: string): BreakglassError {
  return new BreakglassError('FORMAT', `${what} is not in the format: ${why}`, {
    hint: 'the file was changed, cut or made by another program. Nothing was done with it.',
  });
}
