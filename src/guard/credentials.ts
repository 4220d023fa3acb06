import { BreakglassError, type ErrorCode } from '../base/errors.ts';
import { overrideType } from '../token/claims.ts';
import type { GuardRequest } from './request.ts';

/** A token as a request shows it; nothing of it is proved. */
export interface ShownToken {
  readonly scheme: 'bearer' | 'dpop';
  readonly token: string;
  /** The values of its `DPoP` fields. */
  readonly proofs: readonly string[];
}

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly shown: ShownToken }
  /** Break-glass credentials in a way that is not taken. */
  | { readonly kind: 'odd'; readonly error: BreakglassError; readonly token: string | null };

/**
 * The break-glass token of a request (RFC 6750 §2.1, RFC 9449 §7.1), if it has one. Anything else that authorizes is none of a
 * guard's business and is left to normal RBAC; but what looks like a break-glass token is never left to it.
 */
export function readCredentials({ target, header }: GuardRequest): Credentials {
  const fields = header('authorization');
  const plain = plainToken(fields);
  const shown = plain ? [plain.token] : fields.flatMap(breakglassWords);
  if (namesTokenInQuery(target))
    return odd('CREDENTIALS_IN_QUERY', 'a token stands in the address of the request', shown[0] ?? null, {
      hint: 'send it as `Authorization: DPoP TOKEN`: addresses are written to logs. Have this token revoked.',
    });
  const [token] = shown;
  if (token === undefined) return none;
  if (plain) return { kind: 'token', shown: { ...plain, proofs: proofsOf(header('dpop')) } };
  if (fields.length > 1 || shown.length > 1)
    return odd('CREDENTIALS_TWICE', 'the request authorizes twice', token, {
      hint: 'send one Authorization field with one token.',
    });
  return odd(
    'CREDENTIALS_SCHEME',
    'the token does not stand alone in an Authorization field of scheme Bearer or DPoP',
    token,
    { hint: 'send `Authorization: DPoP TOKEN`, as `breakglass proof` prints it.' },
  );
}

/** The one token of the one field, after a scheme in any case and its spaces (RFC 9110 §11.4), if it is a break-glass token. */
function plainToken(fields: readonly string[]): Pick<ShownToken, 'scheme' | 'token'> | undefined {
  const [field] = fields;
  if (field === undefined || fields.length > 1) return undefined;
  const end = field.indexOf(' ');
  const scheme = end < 0 ? '' : field.slice(0, end).toLowerCase();
  if (scheme !== 'bearer' && scheme !== 'dpop') return undefined;
  let start = end;
  while (field.charCodeAt(start) === space) start++;
  const token = field.slice(start);
  return noBreak(token) && looksLikeToken(token) ? { scheme, token } : undefined;
}

const space = 0x20;

function noBreak(word: string): boolean {
  return !word.includes(' ') && !word.includes(',') && !word.includes('\t');
}

function proofsOf(fields: readonly string[]): readonly string[] {
  return fields.length === 0 ? fields : fields.flatMap((value) => value.split(/ *, */));
}

const none = { kind: 'none' } as const;

function breakglassWords(field: string): string[] {
  // Most requests carry something short, or nothing.
  if (field.length < 40) return [];
  return field.split(/[\s,]+/).filter(looksLikeToken);
}

/** The header that was met last: the tokens of a key all begin alike. */
let knownHeader = '.';

/** Header and claims are read leniently here: what only looks like a break-glass token is refused, not handed on. */
function looksLikeToken(word: string): boolean {
  if (word.startsWith(knownHeader)) return true;
  const end = word.indexOf('.');
  if (end < 0) return false;
  if (isTokenHeader(word.slice(0, end + 1))) return true;
  return decoded(word.slice(end + 1, end + 1 + 8192).split('.', 1)[0] ?? '').includes(overrideType);
}

function isTokenHeader(segment: string): boolean {
  const text = decoded(segment.slice(0, headerLooked));
  if (!/breakglass\+jwt/i.test(text)) return false;
  // A string of its own, and not a long one: a stranger may have made it.
  if (segment.length < headerLooked) knownHeader = Buffer.from(segment, 'latin1').toString('latin1');
  return true;
}

/** What is looked at of a header: ours have 120 characters. */
const headerLooked = 1024;

function decoded(segment: string): string {
  return Buffer.from(segment, 'base64url').toString('latin1');
}

function namesTokenInQuery(target: string): boolean {
  const query = target.indexOf('?');
  if (query < 0 || target.length - query < 40) return false;
  return target
    .slice(query + 1)
    .split(/[&;=]/)
    .some((part) => looksLikeToken(unescaped(part)));
}

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function odd(code: ErrorCode, why: string, token: string | null, { hint }: { readonly hint: string }): Credentials {
  return { kind: 'odd', error: new BreakglassError(code, `the request is refused: ${why}`, { hint }), token };
}
