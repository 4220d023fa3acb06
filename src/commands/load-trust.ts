import { BreakglassError } from '../base/errors.ts';
import { readInput } from '../machine/files.ts';
import { readPin } from '../machine/pin.ts';
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
