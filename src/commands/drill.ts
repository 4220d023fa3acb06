import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export interface DrillFlags {
  readonly policy?: string;
  readonly keep?: string;
  readonly interactive?: true;
  readonly due?: true;
  readonly trust?: string;
  readonly state?: string;
  readonly json?: true;
}

export function registerDrill(program: Command, io: CommandIo): void {
  program
    .command('drill')
    .argument('[path...]', 'with --due: media or trail folders; without them, the copy of this machine')
    .option('--policy <file>', 'take the drill targets and roles of this policy')
    .option('--keep <dir>', 'keep the sandbox in this new directory')
    .option('--interactive', 'people at this terminal copy and type the cards of the sandbox, and their time counts')
    .option('--due', 'only say whether a drill with the real cards is due: exit 0 yes, 1 no, 3 cannot be decided')
    .option('--trust <file>', 'with --due and paths: the trust file that you believe; without it, the pinned one')
    .option('--state <dir>', 'with --due: state directory')
    .option('--json', 'print JSON')
    .description('run the whole flow with fresh keys in a sandbox, measure it and see refusals refused')
    .action(async (paths: string[], flags: DrillFlags) => {
      if (flags.due || paths.length > 0) return (await import('./at-the-desk.ts')).runDrillDue(paths, flags, io);
      const { runDrill } = await import('./at-the-machine.ts');
      await runDrill(flags, io);
    });
}
