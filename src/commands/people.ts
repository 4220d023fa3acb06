import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';

export interface TrailFlags {
  readonly trust?: string;
  readonly state?: string;
  readonly json?: true;
}

export interface LeaveFlags {
  readonly also?: readonly string[];
  readonly trust?: readonly string[];
  readonly state?: string;
  readonly json?: true;
}

export function registerPeople(program: Command, io: CommandIo): void {
  const people = program
    .command('people')
    .description('who has a part, what is overdue, and what to do when somebody leaves');
  people
    .command('list')
    .argument('[path...]', 'media or trail folders; without them, the copy of this machine')
    .option('--trust <file>', 'the trust file that you believe; without it, the pinned one (with paths)')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('everybody of the policy and the active set: parts, last check of the card, what is overdue')
    .action(async (paths: string[], flags: TrailFlags) =>
      (await import('./at-the-desk.ts')).runPeopleList(paths, flags, io),
    );
  people
    .command('leave')
    .argument('<label>', 'who leaves')
    .option('--also <label>', 'who leaves at the same time, once for each', collect)
    .option('--trust <path>', 'a trust file, or a medium or folder with T*.TXT files, once for each', collect)
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description(
      'who could still combine their cards after this departure, and which rotation is needed; changes nothing',
    )
    .action(async (label: string, flags: LeaveFlags) =>
      (await import('./at-the-desk.ts')).runPeopleLeave(label, flags, io),
    );
}
