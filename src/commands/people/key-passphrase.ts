import { wipe } from '../../base/bytes.ts';
import { type BreakglassError, isBreakglassError } from '../../base/errors.ts';
import type { PassphraseSource } from './share-files.ts';

const attemptsMax = 5;

export interface KeyQuestion {
  /** The file, as a person named it. */
  readonly path: string;
  readonly passphrases: PassphraseSource;
  readonly note: (text: string) => void;
  /** What there is to say when no passphrase was given at all, or none that opens it. */
  readonly refusal: (given: 'none' | 'wrong') => BreakglassError;
  /** Told after each wrong one that will be asked for again. */
  readonly afterWrong?: (attempt: number) => void;
}

/**
 * Opens a key file under a passphrase; a wrong one is asked for again, five times in all. `open` throws `PASSPHRASE_WRONG` for a wrong
 * one; what else it throws ends it. Throws `refusal` too, and what the terminal throws.
 */
export async function askUntilOpen<T>(
  { path, passphrases, note, refusal, afterWrong }: KeyQuestion,
  open: (passphrase: Uint8Array) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const passphrase = await passphrases(path);
    if (!passphrase) throw refusal(attempt === 1 ? 'none' : 'wrong');
    try {
      // Nothing is sealed under an empty one: no need to wait for scrypt to say so.
      if (passphrase.length > 0) return await open(passphrase);
    } catch (error) {
      if (!isBreakglassError(error, 'PASSPHRASE_WRONG')) throw error;
    } finally {
      wipe(passphrase);
    }
    if (attempt === attemptsMax) throw refusal('wrong');
    note(`breakglass: that passphrase does not open ${path}. Look at Caps Lock and the keyboard layout.`);
    afterWrong?.(attempt);
  }
}
