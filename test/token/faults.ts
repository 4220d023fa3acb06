import { createHmac } from 'node:crypto';
import { canonicalJson } from '../../src/base/canonical.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { startsInMaxSeconds } from '../../src/token/claims.ts';
import { sealToken } from '../../src/token/mint.ts';
import { exampleClaims, exampleToken, type Fixture, forge, headerOf, midnight, signBytes } from './fixture.ts';

/** A token with one fault. Unless the fault is in the signature itself it is signed with the right key. */
export interface TokenFault {
  readonly name: string;
  readonly expect: ErrorCode;
  readonly make: (fixture: Fixture) => Promise<string>;
  /** Seconds since the epoch at which it is judged; one minute after the mint if absent. */
  readonly now?: number;
  readonly mode?: 'production' | 'drill' | 'any';
  /** Too big for a file, or only made with one algorithm. */
  readonly only?: 'memory' | 'ES256';
}

type Json = Readonly<Record<string, unknown>>;

/** The claims of a good token, changed; `undefined` leaves a member out. */
const claims =
  (change: (claims: Json & { breakglass: Json; authorization_details: [Json] }) => Json, signer?: SignerName) =>
  (fixture: Fixture) => {
    const good = JSON.parse(canonicalJson(exampleClaims(fixture)));
    const key = fixture[signer ?? 'token'];
    return forge(headerOf(key), canonicalJson({ ...good, ...change(good) }), key);
  };

type SignerName = 'token' | 'drill' | 'trail' | 'root' | 'retiredToken' | 'stranger';

const breakglass = (change: Json) => claims((good) => ({ breakglass: { ...good.breakglass, ...change } }));
const detail = (change: Json) =>
  claims((good) => ({ authorization_details: [{ ...good.authorization_details[0], ...change }] }));

/** The text of the good claims, changed as text. */
const claimsText = (change: (text: string) => string | Uint8Array) => (fixture: Fixture) =>
  forge(headerOf(fixture.token), change(canonicalJson(exampleClaims(fixture))), fixture.token);

const replace = (from: string | RegExp, to: string) =>
  claimsText((text) => {
    const changed = text.replace(from, () => to);
    if (changed === text) throw new Error(`${from} is not in the claims`);
    return changed;
  });

/** The header, changed; the signature covers it. */
const header = (change: Json) => (fixture: Fixture) =>
  forge(headerOf(fixture.token, change), canonicalJson(exampleClaims(fixture)), fixture.token);

const headerText = (change: (text: string) => string | Uint8Array) => (fixture: Fixture) =>
  forge(change(headerOf(fixture.token)), canonicalJson(exampleClaims(fixture)), fixture.token);

/** A good token, changed as text. */
const text = (change: (token: string, segments: [string, string, string]) => string) => async (fixture: Fixture) => {
  const token = await exampleToken(fixture);
  return change(token, token.split('.') as [string, string, string]);
};

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The same bytes with the unused low bits of the last character set: a second spelling that lenient decoders take. */
function withTrailingBit(segment: string): string {
  return segment.slice(0, -1) + (alphabet[alphabet.indexOf(segment.slice(-1)) + 1] ?? '');
}

const form: readonly TokenFault[] = [
  { name: 'empty', expect: 'TOKEN_EMPTY', make: text(() => '') },
  {
    name: 'a-byte-too-long',
    expect: 'TOKEN_TOO_LARGE',
    make: text((token) => token.padEnd(8193, 'A')),
    only: 'memory',
  },
  { name: 'five-megabytes', expect: 'TOKEN_TOO_LARGE', make: text((token) => token.padEnd(5e6, 'A')), only: 'memory' },
  {
    name: 'nesting-of-100000',
    expect: 'TOKEN_TOO_LARGE',
    make: replace('"dana"', `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    only: 'memory',
  },
  { name: 'one-segment', expect: 'TOKEN_NOT_COMPACT', make: text((_, [first]) => first) },
  { name: 'two-segments', expect: 'TOKEN_NOT_COMPACT', make: text((_, [first, second]) => `${first}.${second}`) },
  { name: 'four-segments', expect: 'TOKEN_NOT_COMPACT', make: text((token) => `${token}.AAAA`) },
  { name: 'final-dot', expect: 'TOKEN_NOT_COMPACT', make: text((token) => `${token}.`) },
  { name: 'no-header', expect: 'TOKEN_NOT_COMPACT', make: text((_, [, second, third]) => `.${second}.${third}`) },
  { name: 'no-payload', expect: 'TOKEN_NOT_COMPACT', make: text((_, [first, , third]) => `${first}..${third}`) },
  { name: 'no-signature', expect: 'TOKEN_NOT_COMPACT', make: text((_, [first, second]) => `${first}.${second}.`) },
  { name: 'only-dots', expect: 'TOKEN_NOT_COMPACT', make: text(() => '..') },
  {
    name: 'flattened-json',
    expect: 'TOKEN_NOT_COMPACT',
    make: text((_, [first, second, third]) => canonicalJson({ payload: second, protected: first, signature: third })),
  },
  { name: 'space-before', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => ` ${token}`) },
  { name: 'space-after', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `${token} `) },
  { name: 'line-feed-after', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `${token}\n`) },
  { name: 'crlf-after', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `${token}\r\n`), only: 'memory' },
  {
    name: 'line-feed-inside',
    expect: 'TOKEN_NOT_CANONICAL',
    make: text((token) => token.replace(/\.(.{9})/, '.$1\n')),
  },
  {
    name: 'space-inside-signature',
    expect: 'TOKEN_NOT_CANONICAL',
    make: text((token) => token.replace(/(.{9})$/, ' $1')),
  },
  { name: 'nul-after', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `${token}\0`), only: 'memory' },
  { name: 'bom-before', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `\u{feff}${token}`) },
  { name: 'bearer-before', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `Bearer ${token}`) },
  { name: 'quotes', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `"${token}"`) },
  { name: 'padding-of-signature', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => `${token}==`) },
  { name: 'padding-of-header', expect: 'TOKEN_NOT_CANONICAL', make: text((token) => token.replace('.', '=.')) },
  {
    name: 'trailing-bits-of-signature',
    expect: 'TOKEN_NOT_CANONICAL',
    make: text((_, [first, second, third]) => `${first}.${second}.${withTrailingBit(third)}`),
  },
  {
    name: 'standard-base64',
    expect: 'TOKEN_NOT_CANONICAL',
    make: text((_, [first, second]) => `${first}.${second}.${'+/'.repeat(43)}`),
  },
  {
    name: 'signature-of-63-bytes',
    expect: 'TOKEN_NOT_CANONICAL',
    make: text((_, [first, second, third]) => `${first}.${second}.${third.slice(0, 84)}`),
  },
  {
    name: 'signature-of-67-bytes',
    expect: 'TOKEN_NOT_CANONICAL',
    make: text((token) => `${token.slice(0, -2)}AAAAAA`),
  },
  {
    name: 'signature-in-der',
    expect: 'TOKEN_NOT_CANONICAL',
    make: text((_, [first, second, third]) => {
      const [r, s] = [Buffer.from(third, 'base64url').subarray(0, 32), Buffer.from(third, 'base64url').subarray(32)];
      const integer = (bytes: Buffer) => Buffer.concat([Buffer.of(2, 33, 0), bytes]);
      const der = Buffer.concat([Buffer.of(0x30, 70), integer(r), integer(s)]);
      return `${first}.${second}.${der.toString('base64url')}`;
    }),
    only: 'ES256',
  },
];

const headers: readonly TokenFault[] = [
  { name: 'alg-none', expect: 'TOKEN_HEADER', make: header({ alg: 'none' }) },
  {
    name: 'alg-none-and-no-signature',
    expect: 'TOKEN_NOT_COMPACT',
    make: async (fixture) => (await header({ alg: 'none' })(fixture)).replace(/[^.]*$/, ''),
  },
  { name: 'alg-in-lower-case', expect: 'TOKEN_HEADER', make: header({ alg: 'es256' }) },
  {
    name: 'alg-confusion-hs512',
    expect: 'TOKEN_HEADER',
    make: async (fixture) => {
      const signed = await header({ alg: 'HS512' })(fixture);
      const input = signed.slice(0, signed.lastIndexOf('.'));
      const secret = fixture.token.public.key.export({ type: 'spki', format: 'pem' });
      return `${input}.${createHmac('sha512', secret).update(input).digest('base64url')}`;
    },
  },
  { name: 'kid-missing', expect: 'TOKEN_HEADER', make: header({ kid: undefined }) },
  { name: 'kid-empty', expect: 'TOKEN_HEADER', make: header({ kid: '' }) },
  { name: 'kid-a-number', expect: 'TOKEN_HEADER', make: header({ kid: 1 }) },
  { name: 'typ-missing', expect: 'TOKEN_HEADER', make: header({ typ: undefined }) },
  { name: 'typ-jwt', expect: 'TOKEN_HEADER', make: header({ typ: 'JWT' }) },
  { name: 'typ-of-a-record', expect: 'TOKEN_HEADER', make: header({ typ: 'breakglass-record+jws' }) },
  { name: 'typ-with-prefix', expect: 'TOKEN_HEADER', make: header({ typ: 'application/breakglass+jwt' }) },
  { name: 'header-jku', expect: 'TOKEN_HEADER', make: header({ jku: 'https://evil.example.com/jwks' }) },
  { name: 'header-jwk', expect: 'TOKEN_HEADER', make: (f) => header({ jwk: f.token.public.jwk })(f) },
  { name: 'header-x5u', expect: 'TOKEN_HEADER', make: header({ x5u: 'https://evil.example.com/cert' }) },
  { name: 'header-x5c', expect: 'TOKEN_HEADER', make: header({ x5c: ['AAAA'] }) },
  { name: 'header-cty', expect: 'TOKEN_HEADER', make: header({ cty: 'JWT' }) },
  { name: 'header-zip', expect: 'TOKEN_HEADER', make: header({ zip: 'DEF' }) },
  { name: 'header-crit', expect: 'TOKEN_HEADER', make: header({ crit: ['exp'], exp: 1 }) },
  { name: 'header-crit-empty', expect: 'TOKEN_HEADER', make: header({ crit: [] }) },
  { name: 'header-b64-false-without-crit', expect: 'TOKEN_HEADER', make: header({ b64: false }) },
  { name: 'header-b64-false-with-crit', expect: 'TOKEN_HEADER', make: header({ b64: false, crit: ['b64'] }) },
  { name: 'header-b64-true', expect: 'TOKEN_HEADER', make: header({ b64: true }) },
  { name: 'header-duplicate-alg', expect: 'TOKEN_HEADER', make: headerText((h) => h.replace('{', '{"alg":"none",')) },
  { name: 'header-proto', expect: 'TOKEN_HEADER', make: headerText((h) => h.replace('{', '{"__proto__":{},')) },
  {
    name: 'header-to-string',
    expect: 'TOKEN_HEADER',
    make: headerText((h) => h.replace('"typ"', '"toString":1,"typ"')),
  },
  { name: 'header-with-space', expect: 'TOKEN_HEADER', make: headerText((h) => h.replace(':', ': ')) },
  { name: 'header-with-bom', expect: 'TOKEN_HEADER', make: headerText((h) => `\u{feff}${h}`) },
  { name: 'header-with-escape', expect: 'TOKEN_HEADER', make: headerText((h) => h.replace('jwt"', '\\u006awt"')) },
  {
    name: 'header-with-invalid-utf8',
    expect: 'TOKEN_HEADER',
    make: headerText((h) => Buffer.concat([Buffer.from(h), Buffer.of(0xff)])),
  },
  {
    name: 'header-reordered',
    expect: 'TOKEN_HEADER',
    make: headerText((h) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(h)).reverse()))),
  },
  { name: 'header-an-array', expect: 'TOKEN_HEADER', make: headerText((h) => `[${h}]`) },
  { name: 'header-not-json', expect: 'TOKEN_HEADER', make: headerText(() => 'alg') },
];

const spelling: readonly TokenFault[] = [
  { name: 'claims-duplicate-key', expect: 'TOKEN_NOT_CANONICAL', make: replace('"exp":', '"exp":1,"exp":') },
  {
    name: 'claims-duplicate-key-inside',
    expect: 'TOKEN_NOT_CANONICAL',
    make: replace('"drill":', '"drill":true,"drill":'),
  },
  { name: 'claims-with-bom', expect: 'TOKEN_NOT_CANONICAL', make: claimsText((t) => `\u{feff}${t}`) },
  { name: 'claims-with-raw-nul', expect: 'TOKEN_NOT_CANONICAL', make: replace('"dana"', '"dana\0"') },
  { name: 'claims-with-space', expect: 'TOKEN_NOT_CANONICAL', make: replace('"exp":', '"exp": ') },
  { name: 'claims-with-line-feed-after', expect: 'TOKEN_NOT_CANONICAL', make: claimsText((t) => `${t}\n`) },
  { name: 'claims-with-second-value', expect: 'TOKEN_NOT_CANONICAL', make: claimsText((t) => `${t}{}`) },
  { name: 'claims-with-comment', expect: 'TOKEN_NOT_CANONICAL', make: claimsText((t) => `${t}/**/`) },
  { name: 'claims-with-escape', expect: 'TOKEN_NOT_CANONICAL', make: replace('"dana"', '"\\u0064ana"') },
  { name: 'claims-with-escaped-slash', expect: 'TOKEN_NOT_CANONICAL', make: replace('https://', 'https:\\/\\/') },
  { name: 'claims-with-escaped-key', expect: 'TOKEN_NOT_CANONICAL', make: replace('"exp":', '"\\u0065xp":') },
  { name: 'claims-with-trailing-comma', expect: 'TOKEN_NOT_CANONICAL', make: claimsText((t) => t.replace(/}$/, ',}')) },
  {
    name: 'claims-with-invalid-utf8',
    expect: 'TOKEN_NOT_CANONICAL',
    make: claimsText((t) => Buffer.from(t.replace('dana', 'dan\u{e9}'), 'latin1')),
  },
  {
    name: 'claims-reordered',
    expect: 'TOKEN_NOT_CANONICAL',
    make: claimsText((t) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(t)).reverse()))),
  },
  { name: 'claims-cut', expect: 'TOKEN_NOT_CANONICAL', make: claimsText((t) => t.slice(0, -1)) },
  { name: 'claims-not-json', expect: 'TOKEN_NOT_CANONICAL', make: claimsText(() => 'token') },
  { name: 'exp-with-exponent', expect: 'TOKEN_NOT_CANONICAL', make: replace(/"exp":\d+/, '"exp":17672265e2') },
  {
    name: 'exp-with-fraction-zero',
    expect: 'TOKEN_NOT_CANONICAL',
    make: replace(/"exp":(\d+)/, `"exp":${midnight + 900}.0`),
  },
  { name: 'iat-minus-zero', expect: 'TOKEN_NOT_CANONICAL', make: replace(/"iat":\d+/, '"iat":-0') },
];

const shape: readonly TokenFault[] = [
  { name: 'claims-null', expect: 'TOKEN_CLAIMS', make: claimsText(() => 'null') },
  { name: 'claims-an-array', expect: 'TOKEN_CLAIMS', make: claimsText((t) => `[${t}]`) },
  { name: 'claims-empty', expect: 'TOKEN_CLAIMS', make: claimsText(() => '{}') },
  { name: 'claim-proto', expect: 'TOKEN_CLAIMS', make: claimsText((t) => t.replace('{', '{"__proto__":{},')) },
  { name: 'claim-to-string', expect: 'TOKEN_CLAIMS', make: claimsText((t) => t.replace(/}$/, ',"toString":1}')) },
  { name: 'claim-unknown', expect: 'TOKEN_CLAIMS', make: claims(() => ({ admin: true })) },
  { name: 'claim-that-paints-the-terminal', expect: 'TOKEN_CLAIMS', make: claims(() => ({ '\u001b[2J\u202e': 1 })) },
  { name: 'claim-unknown-inside', expect: 'TOKEN_CLAIMS', make: breakglass({ admin: true }) },
  {
    name: 'claim-deeply-nested',
    expect: 'TOKEN_CLAIMS',
    make: replace('"dana"', `${'['.repeat(2000)}${']'.repeat(2000)}`),
  },
  { name: 'exp-1e999', expect: 'TOKEN_CLAIMS', make: replace(/"exp":\d+/, '"exp":1e999') },
  { name: 'exp-float', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: midnight + 900.5 })) },
  { name: 'exp-a-string', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: String(midnight + 900) })) },
  { name: 'exp-missing', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: undefined })) },
  { name: 'exp-null', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: null })) },
  { name: 'exp-negative', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: -1 })) },
  { name: 'exp-in-milliseconds', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: (midnight + 900) * 1000 })) },
  {
    name: 'times-after-the-year-9999',
    expect: 'TOKEN_CLAIMS',
    make: claims(() => ({ iat: 253_402_300_800, nbf: 253_402_300_800, exp: 253_402_300_801 })),
  },
  { name: 'exp-above-2-53', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: 2 ** 53 })) },
  { name: 'exp-before-iat', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: midnight - 3 })) },
  { name: 'exp-equals-nbf', expect: 'TOKEN_CLAIMS', make: claims(() => ({ exp: midnight })) },
  { name: 'nbf-before-iat', expect: 'TOKEN_CLAIMS', make: claims(() => ({ nbf: midnight - 1 })) },
  { name: 'nbf-missing', expect: 'TOKEN_CLAIMS', make: claims(() => ({ nbf: undefined })) },
  { name: 'iat-missing', expect: 'TOKEN_CLAIMS', make: claims(() => ({ iat: undefined })) },
  { name: 'jti-missing', expect: 'TOKEN_CLAIMS', make: claims(() => ({ jti: undefined })) },
  { name: 'jti-empty', expect: 'TOKEN_CLAIMS', make: claims(() => ({ jti: '' })) },
  { name: 'jti-null', expect: 'TOKEN_CLAIMS', make: claims(() => ({ jti: null })) },
  { name: 'jti-short', expect: 'TOKEN_CLAIMS', make: claims(() => ({ jti: 'A'.repeat(21) })) },
  { name: 'jti-trailing-bits', expect: 'TOKEN_CLAIMS', make: claims(() => ({ jti: `${'A'.repeat(21)}B` })) },
  { name: 'jti-with-line-feed', expect: 'TOKEN_CLAIMS', make: claims(({ jti }) => ({ jti: `${jti}\n` })) },
  { name: 'sub-with-nul', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: 'dana\0' })) },
  { name: 'sub-with-bidi', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: 'dana\u{202e}' })) },
  { name: 'sub-with-zero-width', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: 'da\u{200b}na' })) },
  { name: 'sub-with-look-alike', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: 'd\u{430}na' })) },
  { name: 'sub-with-lone-surrogate', expect: 'TOKEN_CLAIMS', make: replace('"dana"', '"dana\\ud800"') },
  { name: 'sub-in-upper-case', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: 'Dana' })) },
  { name: 'sub-empty', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: '' })) },
  { name: 'sub-with-final-line-feed', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: 'dana\n' })) },
  { name: 'sub-an-object', expect: 'TOKEN_CLAIMS', make: claims(() => ({ sub: { id: 'dana' } })) },
  { name: 'aud-array-of-one', expect: 'TOKEN_CLAIMS', make: claims(({ aud }) => ({ aud: [aud] })) },
  {
    name: 'aud-array-of-two',
    expect: 'TOKEN_CLAIMS',
    make: claims(({ aud }) => ({ aud: [aud, 'https://evil.example.com'] })),
  },
  { name: 'aud-missing', expect: 'TOKEN_CLAIMS', make: claims(() => ({ aud: undefined })) },
  { name: 'client-id-other', expect: 'TOKEN_CLAIMS', make: claims(() => ({ client_id: 'Breakglass' })) },
  { name: 'scope-double-space', expect: 'TOKEN_CLAIMS', make: claims(() => ({ scope: 'db:read  db:write' })) },
  { name: 'scope-empty', expect: 'TOKEN_CLAIMS', make: claims(() => ({ scope: '' })) },
  { name: 'scope-an-array', expect: 'TOKEN_CLAIMS', make: claims(() => ({ scope: ['db:read'] })) },
  { name: 'roles-empty', expect: 'TOKEN_CLAIMS', make: claims(() => ({ roles: [] })) },
  { name: 'roles-two', expect: 'TOKEN_CLAIMS', make: claims(() => ({ roles: ['db-admin', 'root'] })) },
  {
    name: 'details-two',
    expect: 'TOKEN_CLAIMS',
    make: claims(({ authorization_details: [d] }) => ({ authorization_details: [d, d] })),
  },
  { name: 'details-other-type', expect: 'TOKEN_CLAIMS', make: detail({ type: 'urn:breakglass:override:v2' }) },
  { name: 'details-other-location', expect: 'TOKEN_CLAIMS', make: detail({ locations: ['https://evil.example.com'] }) },
  { name: 'details-other-privilege', expect: 'TOKEN_CLAIMS', make: detail({ privileges: ['root'] }) },
  { name: 'details-no-actions', expect: 'TOKEN_CLAIMS', make: detail({ actions: [] }) },
  { name: 'cnf-null', expect: 'TOKEN_CLAIMS', make: claims(() => ({ cnf: null })) },
  { name: 'cnf-a-jwk', expect: 'TOKEN_CLAIMS', make: (f) => claims(() => ({ cnf: { jwk: f.token.public.jwk } }))(f) },
  { name: 'epoch-zero', expect: 'TOKEN_CLAIMS', make: breakglass({ epoch: 0 }) },
  { name: 'sequence-zero', expect: 'TOKEN_CLAIMS', make: breakglass({ sequence: 0 }) },
  { name: 'drill-a-string', expect: 'TOKEN_CLAIMS', make: breakglass({ drill: 'false' }) },
  { name: 'drill-missing', expect: 'TOKEN_CLAIMS', make: breakglass({ drill: undefined }) },
  { name: 'revocations-in-upper-case', expect: 'TOKEN_CLAIMS', make: breakglass({ revocations: 'A'.repeat(64) }) },
  { name: 'trail-null', expect: 'TOKEN_CLAIMS', make: breakglass({ trail: null }) },
  { name: 'breakglass-missing', expect: 'TOKEN_CLAIMS', make: claims(() => ({ breakglass: undefined })) },
];

const signedBy =
  (signer: SignerName, kidOf: SignerName = signer) =>
  (fixture: Fixture) =>
    forge(
      headerOf({ ...fixture.token, kid: fixture[kidOf].kid }),
      canonicalJson(exampleClaims(fixture)),
      fixture[signer],
    );

const signature: readonly TokenFault[] = [
  { name: 'key-unknown', expect: 'TOKEN_UNKNOWN_KEY', make: signedBy('stranger') },
  { name: 'key-of-the-trail', expect: 'TOKEN_UNKNOWN_KEY', make: signedBy('trail') },
  { name: 'key-of-the-root', expect: 'TOKEN_UNKNOWN_KEY', make: signedBy('root') },
  { name: 'key-retired', expect: 'TOKEN_KEY_RETIRED', make: signedBy('retiredToken') },
  { name: 'key-wrong', expect: 'TOKEN_SIGNATURE', make: signedBy('stranger', 'token') },
  { name: 'key-of-drill-as-token', expect: 'TOKEN_SIGNATURE', make: signedBy('drill', 'token') },
  {
    name: 'alg-of-the-other-kind',
    expect: 'TOKEN_ALGORITHM',
    make: (f) => header({ alg: f.alg === 'ES256' ? 'Ed25519' : 'ES256' })(f),
  },
  { name: 'alg-eddsa', expect: 'TOKEN_ALGORITHM', make: header({ alg: 'EdDSA' }) },
  {
    name: 'signature-all-zero',
    expect: 'TOKEN_SIGNATURE',
    make: text((token) => token.replace(/[^.]*$/, 'A'.repeat(86))),
  },
  {
    name: 'signature-of-another-token',
    expect: 'TOKEN_SIGNATURE',
    make: async (fixture) => {
      const other = await sealToken(exampleClaims(fixture, { firstSequence: 2 }), fixture.token);
      return (await exampleToken(fixture)).replace(/[^.]*$/, other.slice(other.lastIndexOf('.') + 1));
    },
  },
  {
    name: 'signature-of-the-payload-alone',
    expect: 'TOKEN_SIGNATURE',
    make: async (fixture) => {
      const [first, second] = (await exampleToken(fixture)).split('.');
      const signed = await signBytes(second ?? '', fixture.token);
      return `${first}.${second}.${Buffer.from(signed).toString('base64url')}`;
    },
  },
];

const good = (signer: 'token' | 'drill' = 'token', change: Json = {}) =>
  claims(({ breakglass }) => ({ breakglass: { ...breakglass, drill: signer === 'drill', ...change } }), signer);

const meaning: readonly TokenFault[] = [
  { name: 'expired-this-second', expect: 'TOKEN_EXPIRED', make: good(), now: midnight + 900 },
  { name: 'expired-long-ago', expect: 'TOKEN_EXPIRED', make: good(), now: midnight + 1e8 },
  { name: 'not-yet-valid', expect: 'TOKEN_NOT_YET_VALID', make: claims(() => ({ nbf: midnight + 66 })) },
  { name: 'issued-in-future', expect: 'TOKEN_ISSUED_IN_FUTURE', make: good(), now: midnight - 6 },
  { name: 'issuer-other', expect: 'TOKEN_ISSUER', make: claims(() => ({ iss: 'https://breakglass.example.com/' })) },
  {
    name: 'trust-other',
    expect: 'TOKEN_OTHER_TRUST',
    make: breakglass({ trail: { id: 'a'.repeat(64), seq: 7, prev: 'b'.repeat(64) } }),
  },
  { name: 'epoch-not-of-its-key', expect: 'TOKEN_OTHER_TRUST', make: breakglass({ epoch: 1 }) },
  {
    name: 'audience-other',
    expect: 'TOKEN_AUDIENCE',
    make: claims(({ authorization_details: [d] }) => ({
      aud: 'https://evil.example.com',
      authorization_details: [{ ...d, locations: ['https://evil.example.com'] }],
    })),
  },
  {
    name: 'policy-role-unknown',
    expect: 'TOKEN_OVER_POLICY',
    make: claims(({ authorization_details: [d] }) => ({
      roles: ['constructor'],
      authorization_details: [{ ...d, privileges: ['constructor'] }],
    })),
  },
  { name: 'policy-scope', expect: 'TOKEN_OVER_POLICY', make: claims(() => ({ scope: 'db:read db:write db:drop' })) },
  { name: 'policy-action', expect: 'TOKEN_OVER_POLICY', make: detail({ actions: ['read', 'drop'] }) },
  { name: 'policy-lifetime', expect: 'TOKEN_OVER_POLICY', make: claims(() => ({ exp: midnight + 901 })) },
  {
    name: 'policy-offset',
    expect: 'TOKEN_OVER_POLICY',
    make: claims(() => ({
      nbf: midnight + 7200 + startsInMaxSeconds - 899,
      exp: midnight + 7200 + startsInMaxSeconds + 1,
    })),
    now: midnight + 9000,
  },
  { name: 'drill-in-production', expect: 'TOKEN_DRILL', make: good('drill') },
  { name: 'production-in-drill', expect: 'TOKEN_PRODUCTION', make: good(), mode: 'drill' },
  { name: 'drill-key-that-says-production', expect: 'TOKEN_DRILL', make: good('drill', { drill: false }) },
  {
    name: 'drill-key-that-says-production-in-drill',
    expect: 'TOKEN_PRODUCTION',
    make: good('drill', { drill: false }),
    mode: 'drill',
  },
  {
    name: 'drill-key-that-says-production-anywhere',
    expect: 'TOKEN_DRILL',
    make: good('drill', { drill: false }),
    mode: 'any',
  },
  { name: 'production-key-that-says-drill', expect: 'TOKEN_DRILL', make: good('token', { drill: true }) },
  {
    name: 'production-key-that-says-drill-anywhere',
    expect: 'TOKEN_PRODUCTION',
    make: good('token', { drill: true }),
    mode: 'any',
  },
  { name: 'revocations-behind', expect: 'REVOCATIONS_BEHIND', make: breakglass({ revocations: 'c'.repeat(64) }) },
];

export const tokenFaults: readonly TokenFault[] = [
  ...form,
  ...headers,
  ...spelling,
  ...shape,
  ...signature,
  ...meaning,
];
