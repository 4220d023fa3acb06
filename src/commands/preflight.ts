import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export function registerPreflight(program: Command, io: CommandIo): void {
  program
    .command('preflight')
    .option('--json', 'print JSON')
    .description('say whether this machine is fit for a ceremony, and what to do where it is not')
    .action(async (flags: { json?: true }) => (await import('./at-the-machine.ts')).runPreflightCheck(flags, io));
}
