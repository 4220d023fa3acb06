import { readdirSync } from 'node:fs';
import { BreakglassError } from '../base/errors.ts';
import { showable } from '../base/text.ts';
import { identifyRevoker, type Revoker, trustVersionsIn } from '../ceremony/revoker.ts';
import type { SigningKey } from '../key/derive.ts';
import { readInput } from '../machine/files.ts';
import { openRevokerKey } from '../machine/personal-key.ts';
import { isAgeFile } from '../machine/sealed.ts';
import type { Trust } from '../trust/trust-file.ts';
import { askUntilOpen } from './people/key-passphrase.ts';
import type { PassphraseSource } from './people/share-files.ts';

const keyFileMaxBytes = 64 * 1024;
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
  const afterWrong = (attempt: number) => {
    if (attempt === attemptsBeforeKillFile) note(`hint: ${killFileHint()}`);
  };
  const question = {
    path,
    passphrases,
    note,
    refusal: (given: 'none' | 'wrong') => notOpened(path, given),
    afterWrong,
  };
  return askUntilOpen(question, (passphrase) => openRevokerKey(bytes, passphrase, path));
}

function notOpened(path: string, given: 'none' | 'wrong'): BreakglassError {
  return given === 'none'
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
