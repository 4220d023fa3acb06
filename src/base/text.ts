const identifierPattern = /^[a-z0-9][a-z0-9._:@/-]{0,63}$/;
const printablePattern = /^[!#-[\]-~]{1,256}$/;

// Invisible, bidi and zero-width characters and separators: what a reader of the record would not see (format.md §1).
const refusedPattern = new RegExp(
  '[\\u{0}-\\u{1f}\\u{7f}-\\u{9f}\\u{ad}\\u{34f}\\u{61c}\\u{115f}\\u{1160}\\u{17b4}\\u{17b5}\\u{180b}-\\u{180f}' +
    '\\u{200b}-\\u{200f}\\u{2028}-\\u{202f}\\u{2060}-\\u{206f}\\u{3164}\\u{fe00}-\\u{fe0f}\\u{feff}\\u{ffa0}' +
    '\\u{fff0}-\\u{fffb}\\u{fffe}\\u{ffff}\\u{e0000}-\\u{e0fff}\\p{Surrogate}]',
  'u',
);

/** Incident, subject, role, scope, label, person: `[a-z0-9][a-z0-9._:@/-]{0,63}`. */
export function isIdentifier(text: string): boolean {
  return identifierPattern.test(text);
}

/** Audience and issuer: 1 to 256 printable ASCII characters without space, quote and backslash. */
export function isPrintable(text: string): boolean {
  return printablePattern.test(text);
}

/** Reasons, names and details: 1 to 1,024 code units that a person can see (format.md §1). */
export function isFreeText(text: string): boolean {
  return text.length > 0 && text.length <= 1024 && !refusedPattern.test(text);
}

/** What a person typed, as an identifier: trimmed and lower-cased; undefined when it is none. */
export function toIdentifier(text: string): string | undefined {
  const lowered = text.trim().toLowerCase();
  return isIdentifier(lowered) ? lowered : undefined;
}

/** Anything from outside as printable ASCII of at most `length` characters, safe to show on a terminal. */
export function showable(text: string, length = 64): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > length ? `${printable.slice(0, length)}…` : printable;
}
