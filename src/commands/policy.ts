import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export function registerPolicy(program: Command, io: CommandIo): void {
  const policy = program.command('policy').description('write and check the policy that custodians enforce');
  policy
    .command('new')
    .argument('[file]', 'where to write it; without it, to stdout')
    .description('write a commented starting policy')
    .action(async (file: string | undefined) => (await import('./at-the-desk.ts')).runPolicyNew(file, io));
  policy
    .command('check')
    .argument('<file>', 'the policy, in TOML')
    .option('--json', 'print JSON')
    .description('say whether a policy is good, and what it means')
    .action(async (file: string, flags: { json?: true }) =>
      (await import('./at-the-desk.ts')).runPolicyCheck(file, flags, io),
    );
}
