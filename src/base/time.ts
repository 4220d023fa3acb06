/** Whole seconds since 1970-01-01T00:00:00Z (NumericDate of RFC 7519 §2, integers only). */
export type Seconds = number;

/** Where the present comes from; tests and drills hand in their own. */
export interface Clock {
  now(): Seconds;
}

/** `YYYY-MM-DDTHH:MM:SSZ`. */
export function formatTime(seconds: Seconds): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}

const timePattern = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

/** The seconds of `YYYY-MM-DDTHH:MM:SSZ`, or undefined for any other spelling and for days that do not exist. */
export function parseTime(text: string): Seconds | undefined {
  if (!timePattern.test(text)) return undefined;
  const seconds = Date.parse(text) / 1000;
  if (Number.isNaN(seconds)) return undefined;
  // No month lacks a day before the 29th. Later ones, if it lacks them, are read as days of the next month.
  const mayBeLacking = text.slice(8, 10) > '28';
  return mayBeLacking && formatTime(seconds) !== text ? undefined : seconds;
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** The seconds of a duration like `15m` (`^[1-9][0-9]*[smhd]$` or `0s`), or undefined. */
export function parseDuration(text: string): Seconds | undefined {
  if (text === '0s') return 0;
  const match = /^([1-9][0-9]{0,8})([smhd])$/.exec(text);
  const unit = unitSeconds[match?.[2] ?? ''];
  return match && unit ? Number(match[1]) * unit : undefined;
}

/** A duration for people: `14 m 50 s`, `2 h`, `3 d 4 h`; two units at most. */
export function describeDuration(seconds: Seconds): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.round(seconds));
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(' ') || '0 s';
}
