import { equalBytes, wipe } from '../../base/bytes.ts';
import { passphrasesFromDescriptor, requireOpen } from '../../machine/passphrase.ts';
import { readPassphrase } from '../../terminal/secret-reader.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { integerFlag } from '../flags.ts';
import type { PassphraseSource } from './share-files.ts';

/**
 * Passphrases from the descriptor of `--passphrase-fd`, one a line in the order in which they are needed, or asked at the
 * terminal. To `choose` one at a terminal is to type it twice, and an empty one is an answer; to `seal`, what is always sealed, it is
 * not. The caller wipes each.
 */
export function passphraseSource(
  flag: string | undefined,
  terminal: Terminal | undefined,
  purpose: 'open' | 'choose' | 'seal',
): PassphraseSource {
  if (flag !== undefined) {
    const descriptor = integerFlag('--passphrase-fd', flag);
    requireOpen(descriptor);
    // Read when the first one is needed: what waits here is a ceremony that a signal can end, and no secret is held before.
    let lines: Uint8Array[] | undefined;
    return async () => {
      lines ??= await passphrasesFromDescriptor(descriptor);
      return lines.shift();
    };
  }
  if (!terminal) return async () => undefined;
  return purpose === 'open'
    ? (what) => askPassphrase(terminal, `Passphrase of ${what}:`)
    : (what) => choosePassphrase(what, terminal, purpose);
}

async function askPassphrase(terminal: Terminal, question: string): Promise<Uint8Array> {
  return readPassphrase(terminal, question);
}

async function choosePassphrase(what: string, terminal: Terminal, purpose: 'choose' | 'seal'): Promise<Uint8Array> {
  const none = purpose === 'choose' ? ' (Enter: none)' : '';
  for (;;) {
    const first = await askPassphrase(terminal, `New passphrase for ${what}${none}:`);
    if (first.length === 0 && purpose === 'choose') return first;
    if (first.length === 0) {
      terminal.write('It is always sealed: type a passphrase, or Ctrl-C to stop.\n');
      continue;
    }
    const again = await askPassphrase(terminal, 'The same once more:');
    const same = equalBytes(first, again);
    wipe(again);
    if (same) return first;
    wipe(first);
    terminal.write('They differ: once more from the start.\n');
  }
}
