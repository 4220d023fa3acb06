import { secretBytes, wipe } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';

/** Base-2 logarithm of the scrypt work factor N: age's own default, a second or two. */
export const defaultWorkFactor = 18;

const binaryStart = Buffer.from('age-encryption.org/v1\n');
const armorStart = Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----');
const scryptStart = Buffer.concat([binaryStart, Buffer.from('-> scrypt ')]);

/** True for the start of an age file (age-encryption.org/v1), binary or in ASCII armor. */
export function isAgeFile(bytes: Uint8Array): boolean {
  return startsWith(bytes, binaryStart) || isArmored(bytes);
}

/**
 * Encrypts `bytes` as a binary age file under a passphrase (scrypt recipient). The library takes the passphrase as a string,
 * which cannot be wiped: docs/threat-model.md says so.
 */
export async function sealWithPassphrase(
  bytes: Uint8Array,
  passphrase: Uint8Array,
  options: { readonly workFactor: number } = { workFactor: defaultWorkFactor },
): Promise<Uint8Array> {
  if (passphrase.length === 0) throw badFile('the passphrase', 'is empty');
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  encrypter.setScryptWorkFactor(options.workFactor);
  encrypter.setPassphrase(textOf(passphrase));
  return collect(await encrypter.encrypt(streamOf(bytes)));
}

/**
 * The plaintext of an age file that is encrypted under `passphrase`, as a secret; nothing of a file that is cut or changed.
 * Throws `PASSPHRASE_WRONG`, or `BAD_INPUT` for what is not an age file, not under a passphrase, or damaged.
 */
export async function openWithPassphrase(
  bytes: Uint8Array,
  passphrase: Uint8Array,
  options: { readonly what: string } = { what: 'the age file' },
): Promise<Uint8Array> {
  const { what } = options;
  if (!isAgeFile(bytes)) throw badFile(what, 'is not an age file');
  const age = await import('age-encryption');
  try {
    const file = isArmored(bytes) ? age.armor.decode(Buffer.from(bytes).toString('latin1')) : bytes;
    if (!startsWith(file, scryptStart)) throw badFile(what, 'is encrypted to a key, not under a passphrase');
    const decrypter = new age.Decrypter();
    decrypter.addPassphrase(textOf(passphrase));
    return await collect(await decrypter.decrypt(streamOf(file)));
  } catch (cause) {
    if (isBreakglassError(cause)) throw cause;
    throw isNoMatch(cause) ? wrongPassphrase(what, cause) : badFile(what, 'is damaged', cause);
  }
}

/** Encrypts `bytes` as a binary age file to one recipient (`age1…`). Throws `BAD_INPUT`. */
export async function sealToRecipient(bytes: Uint8Array, recipient: string): Promise<Uint8Array> {
  const encrypter = await encrypterTo(recipient);
  return collect(await encrypter.encrypt(streamOf(bytes)));
}

/** Throws `BAD_INPUT` unless something can be sealed to `recipient`: one wrong character breaks its checksum. */
export async function checkRecipient(recipient: string): Promise<void> {
  await encrypterTo(recipient);
}

/** A binary age file as text (ASCII armor), for a screen or a pipe. */
export async function armorSealed(file: Uint8Array): Promise<string> {
  const { armor } = await import('age-encryption');
  return armor.encode(file);
}

async function encrypterTo(recipient: string) {
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    throw badFile('the recipient', 'is not an age recipient (age1…)', cause);
  }
  return encrypter;
}

function textOf(passphrase: Uint8Array): string {
  return Buffer.from(passphrase.buffer, passphrase.byteOffset, passphrase.byteLength).toString('utf8');
}

function isNoMatch(error: unknown): boolean {
  return error instanceof Error && error.message.includes('no identity matched');
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

// Not the library's way for whole files: that goes through a Response, which leaves copies and loads the fetch of Node.js.
async function collect(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk);
    const whole = secretBytes(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  } finally {
    wipe(...chunks);
  }
}

function isArmored(bytes: Uint8Array): boolean {
  const first = bytes.findIndex((byte) => byte > 0x20);
  return first >= 0 && startsWith(bytes.subarray(first), armorStart);
}

function startsWith(bytes: Uint8Array, start: Buffer): boolean {
  return start.equals(bytes.subarray(0, start.length));
}

function wrongPassphrase(what: string, cause: unknown): BreakglassError {
  return new BreakglassError('PASSPHRASE_WRONG', `the passphrase does not open ${what}`, {
    hint: 'type it again; look at Caps Lock and the keyboard layout. Nothing was opened.',
    cause,
  });
}

function badFile(what: string, why: string, cause?: unknown): BreakglassError {
  return new BreakglassError('BAD_INPUT', `${what} ${why}`, {
    hint: 'give another one. Nothing was opened or written.',
    cause,
  });
}
