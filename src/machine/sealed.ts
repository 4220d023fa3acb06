import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import type { Identity, Recipient, Stanza } from 'age-encryption';
import { secretBytes, wipe } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';

/** Base-2 logarithm of the scrypt work factor N: age's own default, about a second of one core and 256 MiB. */
export const defaultWorkFactor = 18;
/** A file that asks for more is refused, as age and typage do: it would take a gigabyte and more. */
const workFactorMax = 20;

const binaryStart = Buffer.from('age-encryption.org/v1\n');
const armorStart = Buffer.from('-----BEGIN AGE ENCRYPTED FILE-----');

/** True for the start of an age file (age-encryption.org/v1), binary or in ASCII armor. */
export function isAgeFile(bytes: Uint8Array): boolean {
  return startsWith(bytes, binaryStart) || isArmored(bytes);
}

/**
 * Encrypts `bytes` as a binary age file under a passphrase (scrypt recipient). The passphrase never becomes a string: the
 * scrypt stanza is made here, from the caller's bytes, and age-encryption only gets the file key. What is not wiped: that
 * file key and the last 64 KiB of plaintext, which the library keeps in buffers of its own until they are collected.
 */
export async function sealWithPassphrase(
  bytes: Uint8Array,
  passphrase: Uint8Array,
  options: { readonly workFactor: number } = { workFactor: defaultWorkFactor },
): Promise<Uint8Array> {
  if (passphrase.length === 0) throw badFile('the passphrase', 'is empty');
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  encrypter.addRecipient(passphraseRecipient(passphrase, options.workFactor, age.Stanza));
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
    const decrypter = new age.Decrypter();
    decrypter.addIdentity(passphraseIdentity(passphrase, what));
    const file = isArmored(bytes) ? age.armor.decode(Buffer.from(bytes).toString('latin1')) : bytes;
    return await collect(await decrypter.decrypt(streamOf(file)));
  } catch (cause) {
    throw isBreakglassError(cause) ? cause : badFile(what, 'is damaged', cause);
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

/** The scrypt recipient of age-encryption.org/v1: the file key under a key stretched from the passphrase. */
function passphraseRecipient(passphrase: Uint8Array, workFactor: number, StanzaOf: typeof Stanza): Recipient {
  return {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(16);
      const key = await stretch(passphrase, salt, workFactor);
      try {
        return [new StanzaOf(['scrypt', formatBase64(salt), String(workFactor)], wrapKey(fileKey, key))];
      } finally {
        wipe(key);
      }
    },
  };
}

function passphraseIdentity(passphrase: Uint8Array, what: string): Identity {
  return {
    async unwrapFileKey(stanzas) {
      const { salt, workFactor, body } = scryptStanza(stanzas, what);
      const key = await stretch(passphrase, salt, workFactor);
      try {
        return unwrapKey(body, key);
      } catch (cause) {
        throw wrongPassphrase(what, cause);
      } finally {
        wipe(key);
      }
    },
  };
}

interface ScryptStanza {
  readonly salt: Uint8Array;
  readonly workFactor: number;
  readonly body: Uint8Array;
}

/** The one stanza of a file under a passphrase: a scrypt stanza must stand alone. */
function scryptStanza(stanzas: readonly Stanza[], what: string): ScryptStanza {
  const [stanza, ...more] = stanzas;
  if (stanza?.args[0] !== 'scrypt') throw badFile(what, 'is encrypted to a key, not under a passphrase');
  const [, saltText = '', factorText = ''] = stanza.args;
  const salt = parseBase64(saltText);
  const wellFormed = more.length === 0 && stanza.args.length === 3 && stanza.body.length === 32;
  if (!wellFormed || salt?.length !== 16 || !/^[1-9][0-9]?$/.test(factorText)) throw badFile(what, 'is damaged');
  const workFactor = Number(factorText);
  if (workFactor > workFactorMax) throw badFile(what, `asks for more than 2^${workFactorMax} rounds of scrypt`);
  return { salt, workFactor, body: stanza.body };
}

// Off the main thread, so that timers and keys still work; Node.js clears the copy of the passphrase that it makes for that.
function stretch(passphrase: Uint8Array, salt: Uint8Array, workFactor: number): Promise<Buffer> {
  const N = 2 ** workFactor;
  const labelled = Buffer.concat([Buffer.from('age-encryption.org/v1/scrypt'), salt]);
  return new Promise((resolve, reject) => {
    scrypt(passphrase, labelled, 32, { N, r: 8, p: 1, maxmem: 1024 * (N + 16) }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

const zeroNonce = Buffer.alloc(12);

function wrapKey(fileKey: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv('chacha20-poly1305', key, zeroNonce, { authTagLength: 16 });
  return new Uint8Array(Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]));
}

function unwrapKey(body: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createDecipheriv('chacha20-poly1305', key, zeroNonce, { authTagLength: 16 });
  cipher.setAuthTag(body.subarray(16));
  const opened = cipher.update(body.subarray(0, 16));
  cipher.final();
  return new Uint8Array(opened);
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

/** base64 of RFC 4648 §4 without padding, as age writes it. */
function formatBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}

function parseBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return formatBase64(bytes) === text ? bytes : undefined;
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
