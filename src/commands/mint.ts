import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';
import type { QuorumFlags } from './quorum-flags.ts';
import { type RequestFlags, withRequestFlags } from './request-flags.ts';

export interface MintFlags extends RequestFlags, QuorumFlags {
  readonly startsIn: string;
  readonly renews?: string;
  readonly qr?: true;
  readonly drill?: true;
}

export function registerMint(program: Command, io: CommandIo): void {
  const mint = program
    .command('mint')
    .option('--request <file>', "the responder's request; without it, the same is asked");
  withRequestFlags(mint)
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
    .option('--starts-in <duration>', 'the walk from the vault: when the token begins to be valid', '0s')
    .option('--renews <family>', 'go on with this family of the trail, or: last')
    .option('--revocations <file>', 'take in this list of denials first, once for each (recorded)', collect)
    .option('--review <file>', 'take in this review of an auditor, once for each (recorded)', collect)
    .option('--out <file>', 'write the token to this new file instead of standard output')
    .option('--qr', 'show the token as a QR code on the terminal too')
    .option('--drill', 'a drill: real shares, but the token opens nothing in production')
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .option('--json', 'print JSON')
    .description('rebuild the key from a quorum of shares and mint one token, on the record')
    .action(async (flags: MintFlags) => {
      const { runMint } = await import('./mint-run.ts');
      await runMint(flags, io);
    });
}
