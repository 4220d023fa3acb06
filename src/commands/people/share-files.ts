import { wipe } from '../../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../../base/errors.ts';
import { isAgeFile, openWithPassphrase } from '../../machine/sealed.ts';
import { awaitInput } from '../../machine/waiting-input.ts';
import { endIfAsked, holdingSignals } from '../../terminal/signals.ts';

/** Where passphrases come from: a descriptor or a terminal. Resolves with undefined when there is none left. */
export type PassphraseSource = (what: string) => Promise<Uint8Array | undefined>;

const shareFileMaxBytes = 64 * 1024;

/** The text of a share file, opened with a passphrase when it is an age file; the caller wipes it. */
export async function readShareFile(path: string, passphrases: PassphraseSource): Promise<Uint8Array> {
  const bytes = await awaitInput(path, { what: 'the share file', maxBytes: shareFileMaxBytes });
  if (!isAgeFile(bytes)) return bytes;
  // Nothing is heard while scrypt works on the one before.
  await holdingSignals(endIfAsked);
  const passphrase = await passphrases(path);
  if (!passphrase) {
    throw new BreakglassError('SHARE_FILE', `the share file ${path} is sealed and there is no passphrase for it`, {
      hint: 'run it in a terminal, or give the passphrases one a line: --passphrase-fd N. Nothing was signed.',
    });
  }
  try {
    return await openWithPassphrase(bytes, passphrase);
  } catch (cause) {
    if (!isBreakglassError(cause, 'PASSPHRASE_WRONG')) throw cause;
    throw new BreakglassError('PASSPHRASE_WRONG', `the passphrase does not open ${path}`, { hint: cause.hint, cause });
  } finally {
    wipe(passphrase);
  }
}
