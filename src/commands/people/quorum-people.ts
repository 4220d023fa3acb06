import type { QuorumPeople } from '../../ceremony/people.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import { flagPeople } from './flag-people.ts';
import { passphraseSource } from './passphrases.ts';
import type { PassphraseSource } from './share-files.ts';
import { terminalPeople } from './terminal-people.ts';

/** The flags that every quorum ceremony has for its people. */
export interface PeopleFlagsOfCommand {
  readonly share?: readonly string[];
  readonly confirm?: string;
  readonly clock?: string;
  readonly head?: string;
  readonly accept?: readonly string[];
  readonly passphraseFd?: string;
}

/**
 * The quorum at a terminal, or the one that the flags of a command line stand for. `fromDescriptor` is the source of
 * `--passphrase-fd` where the command reads more from it than the passphrases of shares.
 */
export function peopleOf(
  flags: PeopleFlagsOfCommand,
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
export function passphrasesOf({ passphraseFd }: PeopleFlagsOfCommand): PassphraseSource | undefined {
  return passphraseFd === undefined ? undefined : passphraseSource(passphraseFd, undefined, 'open');
}
