import type { Command } from 'commander';
import { collect } from './flags.ts';

/** What a denial can be about, apart from a token at hand. */
export interface SelectorFlags {
  readonly jti?: readonly string[];
  /** `ofToken` stands for the families of the tokens that are given. */
  readonly family?: readonly string[];
  readonly incident?: readonly string[];
  readonly subject?: readonly string[];
  readonly role?: readonly string[];
  readonly audience?: readonly string[];
  readonly epoch?: readonly string[];
  readonly kid?: readonly string[];
  readonly all?: true;
}

export function withSelectorFlags(command: Command): Command {
  return command
    .option('--jti <id>', 'of the token with this id', collect)
    .option('--family <id>', 'of this family', collect)
    .option('--incident <id>', 'of this incident', collect)
    .option('--subject <id>', 'of this person', collect)
    .option('--role <name>', 'of this role', collect)
    .option('--audience <audience>', 'of this service', collect)
    .option('--epoch <n>', 'of this epoch and older ones', collect)
    .option('--kid <thumbprint>', 'of this signing key', collect)
    .option('--all', 'of every token');
}
