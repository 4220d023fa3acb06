import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export interface VerifyFlags {
  readonly trust?: string;
  readonly state?: string;
  readonly audience?: string;
  readonly revocations: string | boolean;
  readonly withoutRevocations?: true;
  readonly drill?: true;
  readonly at?: string;
  readonly recordUse?: string;
  readonly useKey?: string;
  readonly json?: true;
}

export function registerVerify(program: Command, io: CommandIo): void {
  program
    .command('verify')
    .argument('<token>', 'the token, a file that holds it or a strip, or - for standard input')
    .option('--trust <file>', 'trust file; without it, the pinned one')
    .option('--audience <audience>', 'the service that judges; without it the token is shown, not judged')
    .option('--revocations <file>', 'the revocation list to judge by')
    .option('--without-revocations', 'judge without a revocation list')
    .option('--drill', 'accept a drill token, and only that')
    .option('--at <time>', 'judge as of this time, like 2026-01-31T23:59:59Z')
    .option('--record-use <file>', 'record the verdict in this use log before it is shown')
    .option('--use-key <file>', 'the key of that log; without it, use-log.key of the state directory')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('judge a token strictly and say what it opens')
    .action(async (token: string, flags: VerifyFlags) =>
      (await import('./at-the-desk.ts')).runVerify(token, flags, io),
    );
}
