import { open, stat } from 'node:fs/promises';
import { BreakglassError, systemErrorCode } from '../../base/errors.ts';

/** A file is looked at when its folder changes, an address every so often. */
export type SourceKind = 'path' | 'address';

/** Where a signed file comes from. */
export interface Source {
  readonly kind: SourceKind;
  /** For people: the path, or the address without its query. */
  readonly name: string;
  /** All bytes, or `unchanged` since the last read that was `kept`. Throws `IO`, `NOT_FOUND` or `BAD_INPUT`. */
  read(how: 'if-changed' | 'always'): Promise<SourceBytes>;
}

export type SourceBytes = 'unchanged' | { readonly bytes: Uint8Array; readonly keep: () => void };

/** A million denials take about 400 MiB. */
const maxBytes = 1024 * 1024 * 1024;

export interface UrlOptions {
  /** Default 5 s. */
  readonly timeoutMs: number;
}

/** A path, or an address that begins with `https:` or `http:`. */
export function openSource(location: string, what: string, options: UrlOptions): Source {
  return sourceKind(location) === 'address' ? urlSource(new URL(location), what, options) : pathSource(location, what);
}

export function sourceKind(location: string): SourceKind {
  return /^https?:\/\//.test(location) ? 'address' : 'path';
}

function pathSource(path: string, what: string): Source {
  let kept: string | undefined;
  return {
    kind: 'path',
    name: path,
    read: async (how) => {
      try {
        const before = await versionOf(path);
        if (how === 'if-changed' && before === kept) return 'unchanged';
        const bytes = await readBounded(path, what);
        // Written over while it was read: the next look sees another version and reads it again.
        return { bytes, keep: () => (kept = before) };
      } catch (cause) {
        if (cause instanceof BreakglassError) throw cause;
        const missing = systemErrorCode(cause) === 'ENOENT';
        throw new BreakglassError(
          missing ? 'NOT_FOUND' : 'IO',
          `${what} ${path} ${missing ? 'is not there' : `cannot be read (${systemErrorCode(cause) ?? 'unknown'})`}`,
          { hint: 'break-glass stays closed without it; normal traffic is not touched.', cause },
        );
      }
    },
  };
}

async function versionOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

async function readBounded(path: string, what: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw tooLong(path, what);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** ETag and If-None-Match (RFC 9110 §13.1.2). What is read is signed, so it may come from anywhere; a redirect is a mistake, or worse. */
function urlSource(url: URL, what: string, { timeoutMs }: UrlOptions): Source {
  const name = `${url.origin}${url.pathname}`;
  let etag: string | null = null;
  const refuse = (why: string, cause?: unknown) =>
    new BreakglassError('IO', `${what} at ${name} ${why}`, {
      hint: 'break-glass closes when its revocations become stale; normal traffic is not touched.',
      cause,
    });
  return {
    kind: 'address',
    name,
    read: async (how) => {
      const asked = how === 'if-changed' ? etag : null;
      try {
        const response = await fetch(url, {
          redirect: 'manual',
          headers: asked === null ? {} : { 'if-none-match': asked },
          signal: AbortSignal.timeout(timeoutMs),
        });
        if (response.status === 304 && asked !== null) {
          await response.body?.cancel();
          return 'unchanged';
        }
        if (response.status !== 200) {
          await response.body?.cancel();
          throw refuse(`answered ${response.status}`);
        }
        const bytes = await collect(response, name, what);
        const next = response.headers.get('etag');
        return { bytes, keep: () => (etag = next) };
      } catch (cause) {
        if (cause instanceof BreakglassError) throw cause;
        throw refuse(`was not read (${reason(cause)})`, cause);
      }
    },
  };
}

async function collect(response: Response, name: string, what: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxBytes) throw tooLong(name, what);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown';
  if (cause.name === 'TimeoutError') return 'it took too long';
  // fetch says "fetch failed", and why in its cause.
  const inner = cause.cause instanceof Error ? cause.cause : cause;
  return systemErrorCode(inner) ?? inner.message;
}

function tooLong(name: string, what: string): BreakglassError {
  return new BreakglassError('BAD_INPUT', `${what} ${name} is longer than ${maxBytes.toLocaleString('en')} bytes`, {
    hint: 'it is not a file that breakglass wrote. Nothing of it was used.',
  });
}
