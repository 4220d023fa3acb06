import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { BreakglassError, type ErrorCode, isBreakglassError } from '../base/errors.ts';
import { writeExclusive } from '../machine/files.ts';
import { armorSealed, sealToRecipient } from '../machine/sealed.ts';
import type { CommandIo } from './io.ts';

export interface Delivery {
  /** Where the tokens go: resolves with how, once they are there. */
  deliver(tokens: readonly string[], recipient: string | null): Promise<'stdout' | 'file' | 'sealed'>;
  /** The tokens in clear, for JSON and for a QR code; null before delivery and when they were sealed. */
  readonly tokens: readonly string[] | null;
  /** The tokens as one text in age's ASCII armor, when they were sealed and no file took them. */
  readonly sealed: string | null;
  /** The file that holds them, or null. */
  readonly file: string | null;
}

/**
 * One token a line, to a new file of mode 0600 or to standard output, sealed to the age recipient when there is one. When
 * the file cannot be written the issued token is not lost: it goes to standard output.
 */
export function tokenDelivery(
  options: { readonly out: string | undefined; readonly json: 'json' | 'text' },
  io: CommandIo,
): Delivery {
  let tokens: readonly string[] | null = null;
  let sealed: string | null = null;
  let file: string | null = null;
  return {
    get tokens() {
      return tokens;
    },
    get sealed() {
      return sealed;
    },
    get file() {
      return file;
    },
    deliver: async (released, recipient) => {
      const text = released.map((token) => `${token}\n`).join('');
      const bytes = recipient === null ? Buffer.from(text) : await sealToRecipient(Buffer.from(text), recipient);
      if (recipient === null) tokens = released;
      if (options.out !== undefined && writeTokenFile(options.out, bytes, io)) {
        file = options.out;
        return recipient === null ? 'file' : 'sealed';
      }
      if (recipient !== null) sealed = await armorSealed(bytes);
      if (options.json === 'text') orUndelivered(() => io.product(sealed ?? text));
      return recipient === null ? 'stdout' : 'sealed';
    },
  };
}

/** Runs what hands out an issued token; a failure says what that means for the token. */
export function orUndelivered(handOut: () => 'written' | 'closed'): void {
  try {
    if (handOut() === 'closed') throw undelivered('IO', 'nobody reads standard output');
  } catch (cause) {
    if (!isBreakglassError(cause) || cause.cause === undefined) throw cause;
    throw undelivered(cause.code, cause.message, cause);
  }
}

function undelivered(code: ErrorCode, why: string, cause?: unknown): BreakglassError {
  return new BreakglassError(code, `the token is issued and on the record, and nobody got it: ${why}`, {
    hint: 'it counts as issued. Mend the output and run mint again with a new request.',
    cause,
  });
}

/** Before anybody gives a share: the file must not be there, and its folder must. */
export function refuseExistingOut(out: string | undefined): void {
  if (out === undefined) return;
  if (!existsSync(dirname(out))) {
    throw new BreakglassError('NOT_FOUND', `there is no folder ${dirname(out)} for --out`, {
      hint: 'make it, or give --out another name. No token was issued.',
    });
  }
  if (!existsSync(out)) return;
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
