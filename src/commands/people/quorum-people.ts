import type { QuorumPeople } from '../../ceremony/people.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { QuorumFlags } from '../quorum-flags.ts';
import { flagPeople } from './flag-people.ts';
import { passphraseSource } from './passphrases.ts';
import type { PassphraseSource } from './share-files.ts';
import { terminalPeople } from './terminal-people.ts';

/**
 * The quorum at a terminal, or the one that the flags of a command line stand for. `fromDescriptor` is the source of
 * `--passphrase-fd` where the command reads more from it than the passphrases of shares.
 */
export function peopleOf(
  flags: QuorumFlags,
  terminal: Terminal | undefined,
  fromDescriptor = passphrasesOf(flags),
): QuorumPeople {
  if (terminal) return terminalPeople(terminal, { shareFiles: flags.share ?? [], passphrases: fromDescriptor });
  return flagPeople({
    confirm: flags.confirm ?? '',
    clock: flags.clock ?? '',
    head: flags.head ?? '',
    shares: flags.share ?? [],
    accept: flags.accept ?? [],
    passphrases: fromDescriptor ?? (async () => undefined),
  });
}

/** The source of `--passphrase-fd`, or undefined. */
export function passphrasesOf({ passphraseFd }: QuorumFlags): PassphraseSource | undefined {
  return passphraseFd === undefined ? undefined : passphraseSource(passphraseFd, undefined, 'open');
}
