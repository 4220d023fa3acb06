import { describeDuration, formatTime } from '../base/time.ts';
import type { StripToken } from '../token/strip.ts';
import { readBundle } from './bundle.ts';
import { timeFlag } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import type { StripFlags } from './strip.ts';

/** `strip current`: the token of a bundle that is valid now, and nothing else, on standard output. */
export async function runStripCurrent(path: string, flags: StripFlags, io: CommandIo): Promise<void> {
  const now = flags.at === undefined ? io.clock.now() : timeFlag('--at', flags.at);
  const strip = readBundle(path, 'breakglass strip current -');
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
