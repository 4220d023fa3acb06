import type { Command } from 'commander';
import type { CommandIo } from './io.ts';

export interface ProofFlags {
  readonly token: string;
  readonly key?: string;
  readonly nonce?: string;
  readonly passphraseFd?: string;
  readonly json?: true;
}

export function registerProof(program: Command, io: CommandIo): void {
  program
    .command('proof')
    .argument('<method>', 'of the request: GET, POST, …')
    .argument('<url>', 'address of the request')
    .requiredOption('--token <file>', 'the token, or the bundle of a strip, that mint wrote, or - for standard input')
    .option('--key <file>', 'the private key that the token is bound to')
    .option('--nonce <nonce>', 'the nonce that the service asked for')
    .option('--passphrase-fd <n>', 'read the passphrase of the key from this descriptor')
    .option('--json', 'print JSON')
    .description('print the header lines of one request with proof of possession, for curl -H @-')
    .action(async (method: string, url: string, flags: ProofFlags) =>
      (await import('./at-the-desk.ts')).runProof(method, url, flags, io),
    );
}
