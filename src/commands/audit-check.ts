import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';

export interface AuditCheckFlags {
  readonly trust?: string;
  readonly head?: string;
  readonly state?: string;
  readonly newState?: true;
  readonly seen?: readonly string[];
  readonly uses?: readonly string[];
  readonly usesKey?: readonly string[];
  readonly revocations?: readonly string[];
  readonly json?: true;
}

export function registerAuditCheck(program: Command, io: CommandIo): void {
  program
    .command('audit-check')
    .argument('<path...>', 'media, trail folders, or files of concatenated records')
    .option('--trust <file>', 'the trust file that you believe; without it, the pinned one')
    .option('--head <words>', "head code: the words of the last ceremony on a custodian's card")
    .option('--state <file>', 'what you remember of the last check; updated after one that ends intact')
    .option('--new-state', 'make the state file')
    .option('--seen <file>', 'tokens that were seen, one a line (repeatable)', collect)
    .option('--uses <path>', "a guard's use log: a file, or a folder of them (repeatable)", collect)
    .option('--uses-key <file>', "a guard's public key, from its owner: breakglass guard key (repeatable)", collect)
    .option('--revocations <file>', 'a revocation list, to find uses after a revocation (repeatable)', collect)
    .option('--json', 'print JSON')
    .description(
      'judge a trail: signatures, order, policy, copies against each other, its end, and what was done with it',
    )
    .action(async (paths: string[], flags: AuditCheckFlags) =>
      (await import('./at-the-desk.ts')).runAuditCheck(paths, flags, io),
    );
}
