import type { Command } from 'commander';
import { collect, ofToken } from './flags.ts';
import type { CommandIo } from './io.ts';
import type { SelectorFlags } from './selector-flags.ts';

export interface RevokeFlags extends SelectorFlags {
  readonly token?: readonly string[];
  readonly before?: string;
  readonly reason?: string;
  readonly closed?: true;
  readonly kill?: readonly string[];
  readonly key?: string;
  readonly passphraseFd?: string;
  readonly list: string;
  readonly sendTo?: readonly string[];
  readonly trail?: readonly string[];
  readonly trust?: string;
  readonly state?: string;
  readonly json?: true;
}

export function registerRevoke(program: Command, io: CommandIo): void {
  const revoke = program.command('revoke');
  revoke
    .option('--token <file>', 'deny this token; a file, the token itself, or - for standard input', collect)
    .option('--jti <id>', 'deny the token with this id', collect)
    .addOption(
      revoke
        .createOption('--family [id]', 'deny this family; without an id, those of the tokens given')
        .preset(ofToken)
        .argParser(collect),
    )
    .option('--incident <id>', 'deny every token of this incident', collect)
    .option('--subject <id>', 'deny every token of this person', collect)
    .option('--role <name>', 'deny every token for this role', collect)
    .option('--audience <audience>', 'deny every token for this service', collect)
    .option('--epoch <n>', 'deny every token of this epoch and older ones', collect)
    .option('--kid <thumbprint>', 'deny every token that this key signed', collect)
    .option('--all', 'deny every token')
    .option('--before <time>', 'only tokens issued before: now, or like 2026-01-31T23:59:59Z')
    .option('--reason <text>', 'why, for whoever reads the list')
    .option('--closed', 'the incident went well and is over: the same denial, reports say closed')
    .option('--kill <file>', 'publish a kill file instead: needs no key and no passphrase', collect)
    .option('--key <file>', "the commander's key; without it, the only *.revoker.age in this directory")
    .option('--passphrase-fd <n>', 'read the passphrase of the key from this descriptor')
    .option('--list <file>', 'the revocation list', 'revocations.jws')
    .option('--send-to <dir>', 'copy the list to where services read it, and confirm (repeatable)', collect)
    .option('--trail <path>', 'a medium, trail folder or file of records, to say what dies (repeatable)', collect)
    .option('--trust <file>', 'trust file; without it, the pinned one')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('deny tokens, in one command; without a selector it lists what is open')
    .action(async (flags: RevokeFlags) => (await import('./at-the-desk.ts')).runRevoke(flags, io));
}
