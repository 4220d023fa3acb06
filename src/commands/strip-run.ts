import { BreakglassError } from '../base/errors.ts';
import { describeDuration, formatTime } from '../base/time.ts';
import { readInput } from '../machine/files.ts';
import { openStrip, type StripToken } from '../token/strip.ts';
import { timeFlag } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import type { StripFlags } from './strip.ts';

/** No strip that fits its record is longer: 640 KiB of claims make about a thousand tokens. */
const bundleMaxBytes = 16 * 1024 * 1024;

/** `strip current`: the token of a bundle that is valid now, and nothing else, on standard output. */
export async function runStripCurrent(path: string, flags: StripFlags, io: CommandIo): Promise<void> {
  const now = flags.at === undefined ? io.clock.now() : timeFlag('--at', flags.at);
  const bytes = readInput(path, { what: 'the bundle', maxBytes: bundleMaxBytes });
  refuseSealed(bytes, path);
  const strip = openStrip(bytes);
  const current = strip.current(now);
  const next = strip.after(current);
  if (flags.json) productJson(io, { ...tokenJson(current), next: next ? placeJson(next) : null });
  else io.product(`${current.token}\n`);
  const { exp, breakglass } = current.claims;
  io.note(`Token ${breakglass.sequence} is valid until ${formatTime(exp)}, ${describeDuration(exp - now)} more.`);
  io.note(
    next
      ? `Then comes token ${next.claims.breakglass.sequence}, from ${formatTime(next.claims.nbf)} on.`
      : 'It is the last one.',
  );
  io.note('Its signature was not judged, and no denial was looked up: breakglass verify does that.');
}

function tokenJson({ token, claims }: StripToken) {
  const { jti, nbf, exp, breakglass } = claims;
  return { token, jti, sequence: breakglass.sequence, nbf, exp };
}

function placeJson({ claims }: StripToken) {
  const { jti, nbf, exp, breakglass } = claims;
  return { jti, sequence: breakglass.sequence, nbf, exp };
}

function refuseSealed(bytes: Uint8Array, path: string): void {
  const beginning = Buffer.from(bytes.subarray(0, 40)).toString('latin1');
  if (!/^(?:age-encryption\.org\/|-----BEGIN AGE)/.test(beginning)) return;
  const source = path === '-' ? 'BUNDLE' : path;
  throw new BreakglassError('BAD_INPUT', 'the bundle is sealed', {
    hint: `open it with the key that it was sealed to: age -d -i KEY ${source} | breakglass strip current -. No token was printed.`,
  });
}
