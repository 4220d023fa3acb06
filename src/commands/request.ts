import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import { type RequestFlags, withRequestFlags } from './request-flags.ts';

export interface RequestCommandFlags extends RequestFlags {
  readonly trust?: string;
  readonly state?: string;
  readonly holder?: string;
  readonly unsealed?: true;
  readonly passphraseFd?: string;
  readonly drill?: true;
  readonly out?: string;
  readonly json?: true;
}

export function registerRequest(program: Command, io: CommandIo): void {
  withRequestFlags(program.command('request'))
    .option('--trust <file>', 'trust file; without it, the pinned one')
    .option(
      '--holder <key>',
      'proof of possession: new, none, or a file with a public JWK; without it, new where the role requires it',
    )
    .option('--unsealed', 'keep the new holder key without a passphrase')
    .option('--passphrase-fd <n>', 'read the passphrase of the new holder key from this descriptor')
    .option('--drill', 'ask for a drill token')
    .option('--out <file>', 'where to write the request')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description("write the responder's request and show the words to read out")
    .action(async (flags: RequestCommandFlags) => {
      const { runRequest } = await import('./at-the-desk.ts');
      await runRequest(flags, io);
    });
}
