import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';

export interface MediaFlags {
  readonly state?: string;
  readonly medium?: readonly string[];
  readonly allowFixed?: true;
  readonly reason?: string;
  readonly json?: true;
}

export function registerMedia(program: Command, io: CommandIo): void {
  const media = program
    .command('media')
    .description('list, add, test and mend the media that hold the trail; say that one is lost');
  withMediaFlags(media.command('list'))
    .description('every known medium: where it is, up to which record, in step or behind; changes nothing')
    .action(async (flags: MediaFlags) => (await import('./at-the-machine.ts')).runMediaList(flags, io));
  withMediaFlags(media.command('add'))
    .argument('<dir>', 'where the blank medium is mounted')
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .description('make a blank medium a copy of everything')
    .action(async (dir: string, flags: MediaFlags) =>
      (await import('./at-the-machine.ts')).runMediaAdd(dir, flags, io),
    );
  withMediaFlags(media.command('test'))
    .argument('<medium>', 'its label or id, or where it is mounted')
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .description('write a probe, have the medium unplugged and plugged in again, and read the probe back')
    .action(async (name: string, flags: MediaFlags) =>
      (await import('./at-the-machine.ts')).runMediaTest(name, flags, io),
    );
  withMediaFlags(media.command('mend'))
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .description('bring every medium that is plugged in in step, and write what waits')
    .action(async (flags: MediaFlags) => (await import('./at-the-machine.ts')).runMediaMend(flags, io));
  withMediaFlags(media.command('lost'))
    .argument('<medium>', 'its label or id')
    .option('--reason <text>', 'how it was lost')
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .description('put on the record that a medium is lost, and forget it')
    .action(async (name: string, flags: MediaFlags) =>
      (await import('./at-the-machine.ts')).runMediaLost(name, flags, io),
    );
}

function withMediaFlags(command: Command): Command {
  return command
    .option('--state <dir>', 'state directory of this machine')
    .option('--medium <dir>', 'where a medium is mounted, once for each; without it, media are found', collect)
    .option('--json', 'print JSON');
}
