import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export interface DrillFlags {
  readonly policy?: string;
  readonly keep?: string;
  readonly interactive?: true;
  readonly json?: true;
}

export function registerDrill(program: Command, io: CommandIo): void {
  program
    .command('drill')
    .option('--policy <file>', 'take the drill targets and roles of this policy')
    .option('--keep <dir>', 'keep the sandbox in this new directory')
    .option('--interactive', 'people at this terminal copy and type the cards of the sandbox, and their time counts')
    .option('--json', 'print JSON')
    .description('run the whole flow with fresh keys in a sandbox, measure it and see refusals refused')
    .action(async (flags: DrillFlags) => {
      const { runDrill } = await import('./at-the-machine.ts');
      await runDrill(flags, io);
    });
}
