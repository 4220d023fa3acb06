/** Scheme, host in brackets or by name, port; then the path; query and fragment are left out. User information does not fit. */
const pattern = /^(https?):\/\/(\[[0-9a-f:.]{2,45}\]|[a-z0-9._~!$&'()*+,;=%-]+)(?::([0-9]*))?(\/[^?#]*)?(?:[?#].*)?$/i;
/** Printable ASCII but the backslash, which some readers take for a slash; a `%` encodes something. */
const safePattern = /^(?:[!-$&-[\]-~]|%[0-9a-f]{2})+$/i;
const defaultPorts: Readonly<Record<string, string>> = { http: '80', https: '443' };

/**
 * The address of a request in the one spelling in which two are compared (docs/format.md §15; RFC 3986 §6.2.2, §6.2.3), without
 * query and fragment; undefined for what is no address of http or https.
 */
export function normalizeAddress(address: string): string | undefined {
  if (!safePattern.test(address)) return undefined;
  const match = pattern.exec(address);
  if (!match) return undefined;
  const [, scheme = '', host = '', port = '', path = '/'] = match;
  const lowered = scheme.toLowerCase();
  const place = normalizeEncoding(host).toLowerCase().replace(/%../g, upper);
  const suffix = port === '' || port === defaultPorts[lowered] ? '' : `:${port}`;
  return `${lowered}://${place}${suffix}${removeDotSegments(normalizeEncoding(path))}`;
}

// What needs no encoding is decoded, the rest in upper case: RFC 3986 §6.2.2.1 and §6.2.2.2.
function normalizeEncoding(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%../g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return /[a-z0-9._~-]/i.test(character) ? character : encoded.toUpperCase();
  });
}

/** RFC 3986 §5.2.4, for a path that begins with a slash. */
function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path;
  const segments = path.split('/').slice(1);
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  return `/${kept.join('/')}${(last === '.' || last === '..') && kept.length > 0 ? '/' : ''}`;
}

function upper(encoded: string): string {
  return encoded.toUpperCase();
}
