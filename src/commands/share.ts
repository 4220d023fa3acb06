import type { Command } from 'commander';
import { collect } from './flags.ts';
import { type CommandIo, productJson } from './io.ts';

export interface ShareFlags {
  readonly share?: string;
  readonly trust?: string;
  readonly state?: string;
  readonly passphraseFd?: string;
  readonly record?: true;
  readonly medium?: readonly string[];
  readonly allowFixed?: true;
  readonly json?: true;
}

export function registerShare(program: Command, io: CommandIo): void {
  const share = program.command('share').description('work with one share card');
  share
    .command('check')
    .option('--share <file>', 'share file; without it, the card is typed')
    .option('--trust <file>', 'trust file; without it, the pinned one or that of this machine')
    .option('--passphrase-fd <n>', 'read the passphrase of the share file from this descriptor')
    .option('--state <dir>', 'state directory')
    .option('--record', 'put on the record whose card was checked, and when')
    .option(
      '--medium <dir>',
      'with --record: where a medium is mounted, once for each; without it, media are found',
      collect,
    )
    .option('--allow-fixed', 'with --record: allow media that are not removable or share a device (recorded)')
    .option('--json', 'print JSON')
    .description('prove one card alone, without a quorum')
    .action(async (flags: ShareFlags) => {
      const { runShareCheck } = await import('./at-the-machine.ts');
      await runShareCheck(flags, io, (value) => productJson(io, value));
    });
}
