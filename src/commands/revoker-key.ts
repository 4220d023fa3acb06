import { readdirSync } from 'node:fs';
import { wipe } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { showable } from '../base/text.ts';
import { identifyRevoker, type Revoker, trustVersionsIn } from '../ceremony/revoker.ts';
import type { SigningKey } from '../key/derive.ts';
import { readInput } from '../machine/files.ts';
import { openRevokerKey } from '../machine/personal-key.ts';
import { isAgeFile } from '../machine/sealed.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { PassphraseSource } from './people/share-files.ts';

const keyFileMaxBytes = 64 * 1024;
const attemptsMax = 5;
/** After this many wrong passphrases the kill file is named. */
const attemptsBeforeKillFile = 2;

/** The key file of a commander, read and not opened yet. */
export interface RevokerKeyFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** `--key`, or the only `*.revoker.age` in this directory; undefined when there is none. Throws `USAGE` when there are several. */
export function findRevokerKey(flag: string | undefined): RevokerKeyFile | undefined {
  const path = flag ?? onlyKeyHere();
  if (path === undefined) return undefined;
  const bytes = readInput(path, { what: 'the revoker key', maxBytes: keyFileMaxBytes });
  if (isAgeFile(bytes)) return { path, bytes };
  throw new BreakglassError('BAD_INPUT', `${path} is not an age file`, {
    hint: 'give LABEL.revoker.age, which init wrote for a commander. Nothing was denied.',
  });
}

/**
 * Opens a key file and finds its revoker in the trust file; a wrong passphrase is asked for again. Throws `PASSPHRASE_WRONG`,
 * `NO_TERMINAL`, `ABORTED`, `REVOKER_RETIRED`, `REVOKER_UNKNOWN` or `BAD_INPUT`.
 */
export async function openRevoker(
  file: RevokerKeyFile,
  trust: Trust,
  options: { readonly stateDir: string; readonly passphrases: PassphraseSource; readonly note: (text: string) => void },
): Promise<Revoker> {
  const key = await openKey(file, options);
  return identifyRevoker(key, trust, { what: file.path, older: () => trustVersionsIn(options.stateDir) });
}

async function openKey(
  { path, bytes }: RevokerKeyFile,
  { passphrases, note }: { readonly passphrases: PassphraseSource; readonly note: (text: string) => void },
): Promise<SigningKey> {
  for (let attempt = 1; ; attempt++) {
    const passphrase = await passphrases(path);
    if (!passphrase) throw wrong(path, attempt);
    try {
      // Nothing is sealed under an empty one: no need to wait for scrypt to say so.
      if (passphrase.length > 0) return await openRevokerKey(bytes, passphrase, path);
    } catch (error) {
      if (!isBreakglassError(error, 'PASSPHRASE_WRONG')) throw error;
    } finally {
      wipe(passphrase);
    }
    if (attempt === attemptsMax) throw wrong(path, attempt + 1);
    note(`breakglass: that passphrase does not open ${path}. Look at Caps Lock and the keyboard layout.`);
    if (attempt === attemptsBeforeKillFile) note(`hint: ${killFileHint()}`);
  }
}

function wrong(path: string, attempt: number): BreakglassError {
  return attempt === 1
    ? new BreakglassError('NO_TERMINAL', `there is no passphrase for ${path}`, {
        hint: 'run it in a terminal, or give the passphrase on a descriptor: --passphrase-fd N. Nothing was denied.',
      })
    : new BreakglassError('PASSPHRASE_WRONG', `no passphrase that was given opens ${path}`, {
        hint: `${killFileHint()} Nothing was denied.`,
      });
}

/** What closes a family without any key: mint wrote it beside the token. */
function killFileHint(): string {
  const here = namesHere('.kill.jws');
  const [only = 'INCIDENT.kill.jws'] = here;
  const file = here.length > 1 ? 'FILE' : only;
  const which = here.length > 1 ? ` (here: ${here.map((name) => showable(name)).join(', ')})` : '';
  return `the kill file that mint wrote beside the token kills its family without any key or passphrase: breakglass revoke --kill ${file}${which}.`;
}

function onlyKeyHere(): string | undefined {
  const names = namesHere('.revoker.age');
  if (names.length <= 1) return names[0];
  throw new BreakglassError('USAGE', `there are ${names.length} revoker keys here: ${names.join(', ')}`, {
    hint: 'say which one is yours: --key FILE. Nothing was denied.',
  });
}

function namesHere(ending: string): string[] {
  return readdirSync('.')
    .filter((name) => name.endsWith(ending))
    .sort();
}
