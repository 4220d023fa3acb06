import type { Command } from 'commander';
import { type ChangeFlags, withChangeFlags } from './change-flags.ts';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';
import { type SelectorFlags, withSelectorFlags } from './selector-flags.ts';

export type ResetFlags = ChangeFlags & SelectorFlags & { readonly entry?: readonly string[] };

export interface RevocationsFlags {
  readonly trust?: string;
  readonly state?: string;
  readonly json?: true;
}

export interface MergeFlags {
  readonly out: string;
  readonly json?: true;
}

export function registerRevocations(program: Command, io: CommandIo): void {
  const revocations = program.command('revocations').description('show, check and merge lists of denials');
  revocations
    .command('show')
    .argument('[file]', 'a revocation list', 'revocations.jws')
    .option('--trust <file>', 'trust file; without it, the pinned one')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('the denials in force, in plain words')
    .action(async (file: string, flags: RevocationsFlags) =>
      (await import('./at-the-desk.ts')).runRevocationsShow(file, flags, io),
    );
  revocations
    .command('check')
    .argument('<file...>', 'revocation lists')
    .option('--trust <file>', 'trust file; without it, the pinned one')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('judge every line: its form, who signed it, and whether they may say what it says')
    .action(async (files: string[], flags: RevocationsFlags) =>
      (await import('./at-the-desk.ts')).runRevocationsCheck(files, flags, io),
    );
  revocations
    .command('merge')
    .argument('<file...>', 'revocation lists and kill files')
    .requiredOption('--out <file>', 'the list that takes the lines; what stands in it stays')
    .option('--json', 'print JSON')
    .description('the union of the lines: needs no key and judges nothing')
    .action(async (files: string[], flags: MergeFlags) =>
      (await import('./at-the-desk.ts')).runRevocationsMerge(files, flags, io),
    );
  withSelectorFlags(withChangeFlags(revocations.command('reset')))
    .option('--entry <sha256>', 'the denial with this SHA-256, as revocations show --json prints it', collect)
    .description('allow again what was denied, by a quorum: the denials that these selectors name')
    .action(async (flags: ResetFlags) => (await import('./at-the-machine.ts')).runRevocationsReset(flags, io));
}
