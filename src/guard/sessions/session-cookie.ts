import { formatBase64url } from '../../base/bytes.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Seconds } from '../../base/time.ts';

/** The prefix binds it to this host and to https (RFC 6265bis §4.1.3.2). */
const cookieName = '__Host-breakglass';
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** Takes the cookie away from a browser. */
export const clearedCookie = `${cookieName}=; ${attributes}; Max-Age=0`;

/** A new cookie of 256 random bits: its secret value, and the text of `Set-Cookie`. */
export function formatCookie(
  random: RandomBytes,
  lifetime: Seconds,
): { readonly value: string; readonly text: string } {
  const value = formatBase64url(random(32));
  return { value, text: `${cookieName}=${value}; ${attributes}; Max-Age=${Math.floor(lifetime)}` };
}

/**
 * The value of our cookie among the values of all `Cookie` fields. Undefined where there is none; `unknown` where there are two, for
 * which of them was meant cannot be told, or one of another form.
 */
export function cookieOf(fields: readonly string[]): string | 'unknown' | undefined {
  const [value, another] = fields
    .flatMap((field) => field.split(';'))
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((pair) => pair === cookieName || pair.startsWith(`${cookieName}=`))
    .map((pair) => pair.slice(cookieName.length + 1));
  if (value === undefined) return undefined;
  return another === undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : 'unknown';
}
