import { readdirSync, rmSync } from 'node:fs';
import { wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { SigningKey } from '../key/derive.ts';
import { readInput, writeExclusive } from '../machine/files.ts';
import { newAuditorKey, openAuditorKey as openKeyFile, writePersonalKey } from '../machine/personal-key.ts';
import { isAgeFile } from '../machine/sealed.ts';
import { openTerminal } from '../terminal/terminal.ts';
import { identifierFlag } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';
import { askUntilOpen } from './people/key-passphrase.ts';
import { passphraseSource } from './people/passphrases.ts';
import type { PassphraseSource } from './people/share-files.ts';
import type { NewKeyFlags } from './review.ts';

const ending = '.auditor.age';

/** The key file of an auditor, read and not opened yet. */
export interface AuditorKeyFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** `--key`, or the only `*.auditor.age` in this directory. Throws `NOT_FOUND`, `USAGE` or `BAD_INPUT`. */
export function findAuditorKey(flag: string | undefined): AuditorKeyFile {
  const path = flag ?? onlyKeyHere();
  const bytes = readInput(path, { what: "the auditor's key", maxBytes: 64 * 1024 });
  if (isAgeFile(bytes)) return { path, bytes };
  throw new BreakglassError('BAD_INPUT', `${path} is not an age file`, {
    hint: `give LABEL${ending}, which breakglass review new-key wrote. Nothing was signed.`,
  });
}

/** Opens a key file; a wrong passphrase is asked for again. Throws `PASSPHRASE_WRONG`, `NO_TERMINAL`, `ABORTED` or `BAD_INPUT`. */
export async function openAuditorKey(
  { path, bytes }: AuditorKeyFile,
  { passphrases, note }: { readonly passphrases: PassphraseSource; readonly note: (text: string) => void },
): Promise<SigningKey> {
  const refusal = (given: 'none' | 'wrong') => notOpened(path, given);
  return askUntilOpen({ path, passphrases, note, refusal }, (passphrase) => openKeyFile(bytes, passphrase, path));
}

function notOpened(path: string, given: 'none' | 'wrong'): BreakglassError {
  const hint = 'type it in a terminal, or give it on a descriptor: --passphrase-fd N. Nothing was signed.';
  return given === 'none'
    ? new BreakglassError('NO_TERMINAL', `there is no passphrase for ${path}`, { hint })
    : new BreakglassError('PASSPHRASE_WRONG', `no passphrase that was given opens ${path}`, { hint });
}

/** `review new-key`: a label in, a sealed key and its public half out. */
export async function runReviewNewKey(given: string, flags: NewKeyFlags, io: CommandIo): Promise<void> {
  const label = identifierFlag('the label', given);
  const stem = label.replaceAll('/', '-');
  const [keyFile, publicFile] = [`${stem}${ending}`, `${stem}.jwk`];
  const terminal = flags.passphraseFd === undefined ? await openTerminal() : undefined;
  const key = newAuditorKey();
  try {
    const passphrase = await passphraseSource(flags.passphraseFd, terminal, 'seal')(`the auditor's key of ${label}`);
    if (!passphrase || passphrase.length === 0) throw noPassphrase(label);
    try {
      await writePersonalKey(keyFile, key, passphrase);
    } finally {
      wipe(passphrase);
    }
    writePublic(publicFile, keyFile, `${JSON.stringify(key.jwk)}\n`);
  } finally {
    wipe(key.pkcs8);
    terminal?.close();
  }
  if (flags.json) return productJson(io, { label, key: keyFile, public: publicFile, jwk: key.jwk });
  io.product(
    `Made ${keyFile}, which only its passphrase opens, and ${publicFile}.\nA quorum makes ${label} an auditor: breakglass policy apply POLICY --add-auditor ${label}=${publicFile}\n`,
  );
}

// A key without its public half would be of no use.
function writePublic(path: string, keyFile: string, text: string): void {
  try {
    writeExclusive(path, Buffer.from(text), { mode: 0o644 });
  } catch (error) {
    rmSync(keyFile, { force: true });
    throw error;
  }
}

function noPassphrase(label: string): BreakglassError {
  return new BreakglassError('NO_TERMINAL', `the auditor's key of ${label} has no passphrase`, {
    hint: 'it is always sealed: type a passphrase, or give one on --passphrase-fd N. Nothing was made.',
  });
}

function onlyKeyHere(): string {
  const names = readdirSync('.').filter((name) => name.endsWith(ending));
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  const [code, message] =
    only === undefined
      ? (['NOT_FOUND', "there is no auditor's key in this directory"] as const)
      : (['USAGE', `there are ${names.length} auditors' keys here: ${names.sort().join(', ')}`] as const);
  throw new BreakglassError(code, message, {
    hint: 'say which one is yours: --key FILE; breakglass review new-key LABEL makes one. Nothing was signed.',
  });
}
