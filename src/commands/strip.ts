import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export interface StripFlags {
  readonly at?: string;
  readonly json?: true;
}

export function registerStrip(program: Command, io: CommandIo): void {
  const strip = program.command('strip').description('use a strip of tokens');
  strip
    .command('current')
    .argument('<bundle>', 'the file that mint --out wrote, or - for standard input')
    .option('--at <time>', 'as of this time, like 2026-01-31T23:59:59Z')
    .option('--json', 'print JSON')
    .description('print the one token of a strip that is valid now; its signature is not judged')
    .action(async (bundle: string, flags: StripFlags) =>
      (await import('./at-the-desk.ts')).runStripCurrent(bundle, flags, io),
    );
}
