import { isBreakglassError } from '../base/errors.ts';
import type { Trust } from '../trust/trust-file.ts';
import { splitLines } from './list.ts';
import { openStatement } from './statement.ts';

/**
 * True if a list is one that a verifier can go by under this trust: it has a line that counts and, where there were keys of
 * older epochs, one that denies all of them. A denial that a quorum has allowed again counts: it was there.
 */
export function deniesOldEpochs(list: Uint8Array, trust: Trust): boolean {
  const newestOld = trust.payload.epoch - 1;
  for (const { content } of splitLines(list)) {
    const line = content.toString('latin1');
    // A million signatures take a minute, and few lines are of this kind.
    if (newestOld > 0 && !speaksOfEpochs(line)) continue;
    if (denies(line, trust, newestOld)) return true;
  }
  return false;
}

function speaksOfEpochs(line: string): boolean {
  return Buffer.from(line.split('.', 2)[1] ?? '', 'base64url').includes('"kind":"epoch"');
}

function denies(line: string, trust: Trust, newestOld: number): boolean {
  try {
    const { deny } = openStatement(line, trust);
    return newestOld === 0 || deny.some(({ kind, value }) => kind === 'epoch' && Number(value) >= newestOld);
  } catch (error) {
    if (isBreakglassError(error)) return false;
    throw error;
  }
}
