import { existsSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import { BreakglassError, type ErrorCode, isBreakglassError } from '../base/errors.ts';
import { writeExclusive } from '../machine/files.ts';
import { armorSealed, sealToRecipient } from '../machine/sealed.ts';
import type { CommandIo } from './io.ts';

export interface Delivery {
  /** Tokens of these sequences will come. Throws `EXISTS` when a file is in the place of one of a strip. */
  prepare(sequences: readonly number[]): void;
  /** Where the tokens go: resolves with how, once they are there. */
  deliver(tokens: readonly string[], recipient: string | null): Promise<'stdout' | 'file' | 'sealed'>;
  /** The tokens in clear, for JSON and for a QR code; null before delivery and when they were sealed. */
  readonly tokens: readonly string[] | null;
  /** The tokens as one text in age's ASCII armor, when they were sealed and no file took them. */
  readonly sealed: string | null;
  /** The file that holds them all, or null. */
  readonly file: string | null;
  /** The file of each token of a strip, in order; null where there is none. */
  readonly pieces: readonly (string | null)[];
  /** What went wrong after the tokens were out. */
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

/**
 * One token a line, to a new file of mode 0600 or to standard output, sealed to the age recipient when there is one. Beside the
 * file each token of a strip goes to one of its own. When the file cannot be written the issued tokens are not lost: they go
 * to standard output.
 */
export function tokenDelivery(
  options: { readonly out: string | undefined; readonly json: 'json' | 'text' },
  io: CommandIo,
): Delivery {
  const { out } = options;
  let names: readonly string[] = [];
  let tokens: readonly string[] | null = null;
  let sealed: string | null = null;
  let file: string | null = null;
  let pieces: readonly (string | null)[] = [];
  const warnings: { code: string; message: string }[] = [];
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
    get pieces() {
      return pieces;
    },
    warnings,
    prepare: (sequences) => {
      names = out === undefined || sequences.length < 2 ? [] : sequences.map((sequence) => pieceName(out, sequence));
      for (const name of names) refuseExisting(name);
    },
    deliver: async (released, recipient) => {
      const text = released.map((token) => `${token}\n`).join('');
      const sealedFor = async (content: string) =>
        recipient === null ? Buffer.from(content) : sealToRecipient(Buffer.from(content), recipient);
      const bytes = await sealedFor(text);
      if (recipient === null) tokens = released;
      if (out !== undefined && writeTokenFile(out, bytes, io)) {
        file = out;
        const contents = await Promise.all(names.map((_, at) => sealedFor(`${released[at]}\n`)));
        pieces = contents.map((content, at) => writePiece(names[at] ?? '', content, warnings));
        return recipient === null ? 'file' : 'sealed';
      }
      if (recipient !== null) sealed = await armorSealed(bytes);
      if (options.json === 'text') orUndelivered(() => io.product(sealed ?? text));
      return recipient === null ? 'stdout' : 'sealed';
    },
  };
}

/** `token.jwt` and 1: `token.001.jwt`. */
function pieceName(out: string, sequence: number): string {
  const { dir, name, ext } = parse(out);
  return join(dir, `${name}.${String(sequence).padStart(3, '0')}${ext}`);
}

// The bundle holds the token as well.
function writePiece(path: string, bytes: Uint8Array, warnings: { code: string; message: string }[]): string | null {
  try {
    writeExclusive(path, bytes, { mode: 0o600 });
    return path;
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    warnings.push({ code: 'STRIP_FILE', message: `one token of the strip is in the bundle only: ${error.message}` });
    return null;
  }
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
  refuseExisting(out);
}

function refuseExisting(path: string): void {
  if (!existsSync(path)) return;
  throw new BreakglassError('EXISTS', `${path} exists already`, {
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
