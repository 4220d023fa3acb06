import { BreakglassError } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import type { Denials } from '../revocation/denials.ts';
import type { DenyEntry } from '../revocation/statement.ts';
import type { Claims } from '../token/claims.ts';

/** Throws `REQUEST_REVOKED` when a line known denies a token before it is made. `kid` is of the key that would sign it. */
export function refuseRevoked(claims: readonly Claims[], kid: string, denials: Denials): void {
  const [entry] = claims.flatMap((each) => denials.find({ kid, claims: each }) ?? []);
  if (!entry) return;
  throw new BreakglassError(
    'REQUEST_REVOKED',
    `${describeDenied(entry)} is denied since ${formatTime(entry.at)}, by ${entry.by}: ${entry.reason}`,
    {
      hint: `services would refuse the token. ${entry.kind === 'family' ? 'Leave --renews out: a new family is not denied.' : 'If the denial is not right any more, a quorum takes it back: breakglass revocations reset.'} No token was issued.`,
    },
  );
}

function describeDenied(entry: DenyEntry): string {
  const { before } = entry;
  const issued = before === undefined ? '' : ` (tokens issued before ${formatTime(before)})`;
  if (entry.kind === 'all') return `everything${issued}`;
  if (entry.kind === 'epoch') return `epoch ${entry.value} with those before it${issued}`;
  return `${entry.kind === 'kid' ? 'key' : entry.kind} ${entry.value}${issued}`;
}
