import type { Command } from 'commander';
import type { CommandIo } from './io.ts';
import type { RequestFlags } from './request-fields.ts';

export interface MintFlags extends RequestFlags {
  readonly request?: string;
  readonly trust?: string;
  readonly state?: string;
  readonly medium?: readonly string[];
  readonly share?: readonly string[];
  readonly confirm?: string;
  readonly clock?: string;
  readonly head?: string;
  readonly accept?: readonly string[];
  readonly passphraseFd?: string;
  readonly startsIn: string;
  readonly out?: string;
  readonly qr?: true;
  readonly drill?: true;
  readonly allowFixed?: true;
  readonly json?: true;
}

export function registerMint(program: Command, io: CommandIo): void {
  const collect = (value: string, before: readonly string[] = []) => [...before, value];
  program
    .command('mint')
    .option('--request <file>', "the responder's request; without it, the same is asked")
    .option(
      '--trust <file>',
      'trust file, to compare with the one of this machine or to begin a lost state directory anew',
    )
    .option('--state <dir>', 'state directory of this machine')
    .option('--medium <dir>', 'where a medium is mounted, once for each; without it, media are found', collect)
    .option('--share <file>', "a custodian's share file, once for each", collect)
    .option('--confirm <words>', 'the 12 words that the responder reads out')
    .option('--clock <time>', 'what a watch says, in UTC, like 2026-01-31T23:59:59Z')
    .option('--head <words>', 'three or more words of a head code, or: none')
    .option('--accept <code>', 'go on in spite of this anomaly, once for each (recorded)', collect)
    .option('--passphrase-fd <n>', 'read the passphrases of share files from this descriptor, one a line')
    .option('--incident <id>', 'incident')
    .option('--subject <person>', 'who gets the token')
    .option('--role <role>', 'role of the policy')
    .option('--circumstance <name>', 'circumstance of the role')
    .option('--reason <text>', 'why, in words')
    .option('--lifetime <duration>', 'of one token; without it, the longest that the role allows')
    .option('--duration <duration>', 'of a strip of tokens')
    .option('--recipient <age1…>', 'seal the token to this age recipient')
    .option('--starts-in <duration>', 'the walk from the vault: when the token begins to be valid', '0s')
    .option('--out <file>', 'write the token to this new file instead of standard output')
    .option('--qr', 'show the token as a QR code on the terminal too')
    .option('--drill', 'a drill: real shares, but the token opens nothing in production')
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .option('--json', 'print JSON')
    .description('rebuild the key from a quorum of shares and mint one token, on the record')
    .action(async (flags: MintFlags) => {
      const { runMint } = await import('./at-the-machine.ts');
      await runMint(flags, io);
    });
}
