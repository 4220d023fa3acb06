import { formatBase64url, sha256 } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { randomId } from '../base/random.ts';
import { isPrintable } from '../base/text.ts';
import { describeDuration, formatTime } from '../base/time.ts';
import type { Claims } from '../token/claims.ts';
import { type ProofClaims, proofMaxAgeSeconds, sealProof } from '../token/proof.ts';
import type { StripToken } from '../token/strip.ts';
import { normalizeAddress } from '../token/web-address.ts';
import { readBundle } from './bundle.ts';
import { openHolderKey } from './holder-key.ts';
import { type CommandIo, productJson } from './io.ts';
import type { ProofFlags } from './proof.ts';

/** `proof`: the header lines of one request on standard output, and nothing else. */
export async function runProof(method: string, url: string, flags: ProofFlags, io: CommandIo): Promise<void> {
  const request = { htm: methodOf(method), htu: addressOf(url), ...nonceOf(flags.nonce) };
  const strip = readBundle(flags.token, 'breakglass proof METHOD URL --key KEY --token -');
  const { claims } = strip.current(io.clock.now());
  warnOfOtherHost(claims, request.htu, io);
  if (!claims.cnf) return printBearer(strip.current(io.clock.now()), flags, io);
  const key = await openHolderKey(flags.key, claims, { passphraseFd: flags.passphraseFd, note: io.note });
  // Only now: to type a passphrase may take the minute that a proof lasts, and the rest of a token.
  const now = io.clock.now();
  const current = strip.current(now);
  const proof = { jti: randomId(io.random), iat: now, ath: formatBase64url(sha256(current.token)), ...request };
  const headers = { Authorization: `DPoP ${current.token}`, DPoP: await sealProof(proof, key) };
  print(headers, { current, proof: { jti: proof.jti, iat: proof.iat, jkt: key.kid } }, flags, io);
  io.note(
    `${validity(current.claims, now)} The proof is good once, for ${proofMaxAgeSeconds} s: ${request.htm} ${request.htu}`,
  );
}

function printBearer(current: StripToken, flags: ProofFlags, io: CommandIo): void {
  print({ Authorization: `Bearer ${current.token}` }, { current, proof: null }, flags, io);
  io.note('breakglass: the token is bound to no key: whoever sees it can use it, and no proof was made');
  io.note(validity(current.claims, io.clock.now()));
}

function print(
  headers: Readonly<Record<string, string>>,
  {
    current,
    proof,
  }: {
    readonly current: StripToken;
    readonly proof: (Pick<ProofClaims, 'jti' | 'iat'> & { readonly jkt: string }) | null;
  },
  flags: ProofFlags,
  io: CommandIo,
): void {
  const { jti, exp, breakglass } = current.claims;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\n`);
  if (flags.json) productJson(io, { headers, token: { jti, sequence: breakglass.sequence, exp }, proof });
  else io.product(lines.join(''));
}

function validity({ exp, breakglass }: Claims, now: number): string {
  return `Token ${breakglass.sequence} is valid until ${formatTime(exp)}, ${describeDuration(exp - now)} more.`;
}

/** The audience is often the address of the service: then another host is a slip, and hears a token that is not its own. */
function warnOfOtherHost({ aud }: Claims, address: string, io: CommandIo): void {
  const service = normalizeAddress(aud);
  if (service === undefined || hostOf(service) === hostOf(address)) return;
  io.note(`breakglass: the token is for ${aud}, and the request goes to ${hostOf(address)}: is that the same service?`);
}

function hostOf(address: string): string {
  return address.split('/', 3).join('/');
}

// Methods are case-sensitive (RFC 9110 §9.1), and curl sends what it is given.
function methodOf(method: string): string {
  if (/^[A-Z]{1,20}(?:-[A-Z]{1,20})?$/.test(method)) return method;
  throw bad('the method is not one of HTTP', 'write it in capitals, as it is sent: GET, POST');
}

// Without a word of what was given: it may hold a password.
function addressOf(url: string): string {
  const address = normalizeAddress(url);
  if (address !== undefined) return address;
  throw bad(
    'the address is not one of http or https',
    'write it as it is sent: https://HOST/PATH, without user name, with spaces and what is not ASCII percent-encoded',
  );
}

function nonceOf(nonce: string | undefined): { readonly nonce?: string } {
  if (nonce === undefined) return {};
  if (isPrintable(nonce)) return { nonce };
  throw bad('--nonce is not a nonce', 'give the value of the field DPoP-Nonce in the answer of the service');
}

function bad(what: string, law: string): BreakglassError {
  return new BreakglassError('BAD_INPUT', what, { hint: `${law}. No token was printed.` });
}
