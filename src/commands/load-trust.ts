import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { readInput } from '../machine/files.ts';
import { readPin } from '../machine/pin.ts';
import { openState } from '../machine/state.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import type { Trust } from '../trust/trust-file.ts';
import { openTrust } from '../trust/trust-file.ts';
import type { CommandIo } from './io.ts';

/** The trust file of a path, or the pinned one. Throws `TRUST_MISSING` when there is neither. */
export async function loadTrust(file: string | undefined, stateDir: string | undefined, io: CommandIo): Promise<Trust> {
  if (file !== undefined) return openTrust(readInput(file, { what: 'the trust file', maxBytes: 4 * 1024 * 1024 }));
  const pinned = readPin(stateDir ?? defaultStateDir(io.env));
  if (pinned) return pinned;
  throw new BreakglassError('TRUST_MISSING', 'there is no trust file to judge by: none was given and none is pinned', {
    hint: 'give --trust FILE, or pin one once: breakglass trust pin FILE. Nothing was judged.',
  });
}

/** The same; on a ceremony machine, where none is given or pinned, its own. */
export async function loadTrustOfMachine(
  file: string | undefined,
  stateDir: string | undefined,
  io: CommandIo,
): Promise<Trust> {
  try {
    return await loadTrust(file, stateDir, io);
  } catch (error) {
    if (!isBreakglassError(error, 'TRUST_MISSING')) throw error;
    try {
      return openState(stateDir ?? defaultStateDir(io.env)).trust;
    } catch (other) {
      throw isBreakglassError(other, 'STATE_MISSING') ? error : other;
    }
  }
}
