import { wipe } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { SigningKey } from '../key/derive.ts';
import { readInput } from '../machine/files.ts';
import { importHolderKey } from '../machine/personal-key.ts';
import { isAgeFile, openWithPassphrase } from '../machine/sealed.ts';
import { holdingTerminal, openTerminal } from '../terminal/terminal.ts';
import type { Claims } from '../token/claims.ts';
import { askUntilOpen } from './people/key-passphrase.ts';
import { passphraseSource } from './people/passphrases.ts';

const keyFileMaxBytes = 64 * 1024;

export interface HolderKeyOptions {
  readonly passphraseFd: string | undefined;
  readonly note: (text: string) => void;
}

/**
 * The key that a token is bound to, from the file that `request --holder new` wrote, plain or under a passphrase. Throws `USAGE` when no
 * file is named, `KEY_MISMATCH` for the key of another token, `BAD_INPUT`, `NO_TERMINAL`, `PASSPHRASE_WRONG` or `ABORTED`.
 */
export async function openHolderKey(
  path: string | undefined,
  claims: Claims,
  options: HolderKeyOptions,
): Promise<SigningKey> {
  if (path === undefined) throw noKey(claims);
  const bytes = readInput(path, { what: 'the holder key', maxBytes: keyFileMaxBytes });
  try {
    const key = isAgeFile(bytes) ? await unseal(bytes, path, options) : await importHolderKey(bytes, path);
    if (key.kid !== claims.cnf?.jkt) throw otherKey(path, claims);
    return key;
  } finally {
    wipe(bytes);
  }
}

async function unseal(bytes: Uint8Array, path: string, { passphraseFd, note }: HolderKeyOptions): Promise<SigningKey> {
  const terminal = passphraseFd === undefined ? await openTerminal() : undefined;
  const passphrases = passphraseSource(passphraseFd, terminal, 'open');
  const open = async (passphrase: Uint8Array) => {
    const pkcs8 = await openWithPassphrase(bytes, passphrase, { what: path });
    try {
      return await importHolderKey(pkcs8, path);
    } finally {
      wipe(pkcs8);
    }
  };
  const ask = () => askUntilOpen({ path, passphrases, note, refusal: (given) => notOpened(path, given) }, open);
  try {
    return await (terminal ? holdingTerminal(terminal, ask) : ask());
  } finally {
    terminal?.close();
  }
}

function noKey({ sub, breakglass: { incident } }: Claims): BreakglassError {
  const name = `${sub}-${incident}.holder`.replaceAll('/', '-');
  return new BreakglassError('USAGE', 'the token is bound to a key, and --key was not given', {
    hint: `give the file that request wrote: --key ${name}.age, or ${name}.p8. No token was printed.`,
  });
}

function otherKey(path: string, { sub, breakglass: { incident } }: Claims): BreakglassError {
  return new BreakglassError('KEY_MISMATCH', `${path} is not the key that the token is bound to`, {
    hint: `give the one that was made with its request, of ${sub} for ${incident}. No token was printed.`,
  });
}

function notOpened(path: string, given: 'none' | 'wrong'): BreakglassError {
  return given === 'none'
    ? new BreakglassError('NO_TERMINAL', `there is no passphrase for ${path}`, {
        hint: 'run it in a terminal, or give the passphrase on a descriptor: --passphrase-fd N. No token was printed.',
      })
    : new BreakglassError('PASSPHRASE_WRONG', `no passphrase that was given opens ${path}`, {
        hint: 'without it the key is lost, and the token with it: ask for another token with a new key. No token was printed.',
      });
}
