import { BreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import type { Trust } from '../trust/trust-file.ts';
import { type RevocationAlarm, type RevocationList, readRevocations } from './list.ts';
import { claimedTrust, type DenyEntry } from './statement.ts';

/** The lines of a kill file that count: signed beforehand, and all they do is to deny. */
export interface KillFile {
  readonly lines: readonly string[];
  readonly entries: readonly DenyEntry[];
  readonly alarms: readonly RevocationAlarm[];
}

/**
 * Opens a kill file (docs/format.md §10). A bad line is an alarm and does not hurt the good ones. Throws `KILL_OTHER_TRUST`, or
 * `KILL_INVALID` when no line denies anything.
 */
export function openKillFile(bytes: Uint8Array, trust: Trust, what: string): KillFile {
  const list = readRevocations(bytes, trust);
  const denying = list.lines.filter((_, position) => (list.statements[position]?.deny.length ?? 0) > 0);
  if (denying.length === 0) throw refusal(bytes, list, trust, what);
  const kept = new Set(denying);
  const entries = list.statements.flatMap((statement, position) =>
    kept.has(list.lines[position] ?? '') ? statement.deny : [],
  );
  return { lines: denying, entries, alarms: list.alarms };
}

function refusal(bytes: Uint8Array, list: RevocationList, trust: Trust, what: string): BreakglassError {
  const others = Buffer.from(bytes).toString('latin1').split('\n', 16).map(claimedTrust);
  const other = others.find((id) => id !== undefined && id !== trust.id);
  if (other !== undefined) {
    return new BreakglassError(
      'KILL_OTHER_TRUST',
      `${what} is of another trust: ${other.slice(0, 8)}, not ${trust.id.slice(0, 8)}`,
      { hint: 'give the trust file that it belongs to with --trust, or its own kill file. Nothing was denied.' },
    );
  }
  const [alarm] = list.alarms;
  const why = alarm ? `line ${alarm.line}: ${alarm.message}` : 'no line of it denies anything';
  return new BreakglassError('KILL_INVALID', `${what} is no kill file of this trust: ${why}`, {
    hint: 'take INCIDENT.kill.jws, which mint wrote beside the token, or revoke with a key. Nothing was denied.',
  });
}

const preSigned = { by: 'quorum', reason: 'pre-signed at mint' } as const;

/** The denial of one family as a mint signs it, before anybody has a token of it (docs/format.md §10). */
export function preSignedDenial(family: string, iat: Seconds): DenyEntry {
  return { kind: 'family', value: family, at: iat, ...preSigned };
}

/** True for such a denial: its `at` says when it was signed, and nothing says when it was published. */
export function isPreSigned({ kind, by, reason }: DenyEntry): boolean {
  return kind === 'family' && by === preSigned.by && reason === preSigned.reason;
}
