import type { Command } from 'commander';
import { type ChangeFlags, type DealFlags, withChangeFlags, withDealFlags } from './change-flags.ts';
import type { CommandIo } from './io.ts';

export type RotateFlags = ChangeFlags & DealFlags & { readonly strength?: string };

export function registerRotate(program: Command, io: CommandIo): void {
  const rotate = program.command('rotate').description('new keys, new cards or a new seed, by a quorum');
  withChangeFlags(rotate.command('keys'))
    .option('--policy <file>', 'a new policy in the same ceremony')
    .description('the next epoch of the same seed: every token of before ends, the cards stay')
    .action(async (flags: RotateFlags) => (await import('./at-the-machine.ts')).runRotate('rotate.keys', flags, io));
  withDealFlags(withChangeFlags(rotate.command('shares')))
    .description('new cards for the same seed, for the same people or others; the cards of before are retired')
    .action(async (flags: RotateFlags) => (await import('./at-the-machine.ts')).runRotate('rotate.shares', flags, io));
  withDealFlags(withChangeFlags(rotate.command('seed')))
    .option('--strength <bits>', 'strength of the new seed: 128 or 256')
    .description('new seed, new keys, new cards: nothing of before opens anything any more')
    .action(async (flags: RotateFlags) => (await import('./at-the-machine.ts')).runRotate('rotate.seed', flags, io));
}
