import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export interface GuardKeyFlags {
  readonly json?: true;
}

export function registerGuard(program: Command, io: CommandIo): void {
  const guard = program.command('guard').description('what belongs to the guards of services');
  guard
    .command('key')
    .argument('<file>', 'the key file of a guard, or its use log')
    .option('--json', 'print JSON')
    .description('print the public key of a guard, for audit-check --uses-key')
    .action(async (file: string, flags: GuardKeyFlags) =>
      (await import('./at-the-desk.ts')).runGuardKey(file, flags, io),
    );
}
