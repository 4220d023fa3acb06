import { existsSync } from 'node:fs';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { writeExclusive } from '../machine/files.ts';
import { sealToRecipient } from '../machine/sealed.ts';
import type { CommandIo } from './io.ts';

export interface Delivery {
  /** Where the tokens go: resolves with how, once they are there. */
  deliver(tokens: readonly string[]): Promise<'stdout' | 'file' | 'sealed'>;
  /** The tokens in clear, for JSON and for a QR code; null before delivery and when they were sealed. */
  readonly tokens: readonly string[] | null;
  /** The file that holds them, or null. */
  readonly file: string | null;
}

/**
 * One token a line, to a new file of mode 0600 or to standard output, sealed to the request's age recipient when there is
 * one. When the file cannot be written the issued token is not lost: it goes to standard output.
 */
export function tokenDelivery(
  options: { readonly out: string | undefined; readonly recipient: string | null; readonly json: 'json' | 'text' },
  io: CommandIo,
): Delivery {
  let tokens: readonly string[] | null = null;
  let file: string | null = null;
  return {
    get tokens() {
      return tokens;
    },
    get file() {
      return file;
    },
    deliver: async (released) => {
      const text = Buffer.from(released.map((token) => `${token}\n`).join(''));
      const bytes = options.recipient === null ? text : await sealToRecipient(text, options.recipient);
      if (options.recipient === null) tokens = released;
      if (options.out !== undefined && writeTokenFile(options.out, bytes, io)) {
        file = options.out;
        return options.recipient === null ? 'file' : 'sealed';
      }
      if (options.json === 'text' || options.recipient !== null) io.product(Buffer.from(bytes).toString('latin1'));
      return options.recipient === null ? 'stdout' : 'sealed';
    },
  };
}

/** Before anybody gives a share: the file must not be there. */
export function refuseExistingOut(out: string | undefined): void {
  if (out === undefined || !existsSync(out)) return;
  throw new BreakglassError('EXISTS', `${out} exists already`, {
    hint: 'give --out another name; breakglass overwrites nothing. No token was issued.',
  });
}

function writeTokenFile(path: string, bytes: Uint8Array, io: CommandIo): boolean {
  try {
    writeExclusive(path, bytes, { mode: 0o600 });
    return true;
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    io.note(`breakglass: ${error.message}. The token is issued and on the record; it goes to standard output instead.`);
    return false;
  }
}
