import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';
import type { UsesFlags } from './uses-options.ts';

export interface ReviewFlags extends UsesFlags {
  readonly trail?: readonly string[];
  readonly withoutUses?: true;
  readonly misuse?: true;
  readonly remarks?: string;
  readonly key?: string;
  readonly passphraseFd?: string;
  readonly out?: string;
  readonly trust?: string;
  readonly head?: string;
  readonly json?: true;
}

export interface NewKeyFlags {
  readonly passphraseFd?: string;
  readonly json?: true;
}

export function registerReview(program: Command, io: CommandIo): void {
  const review = program.command('review').argument('<incident>', 'whose tokens and uses are looked at');
  review
    .option('--trail <path>', 'a medium, trail folder or file of records (repeatable)', collect)
    .option('--uses <path>', "a guard's use log: a file, or a folder of them (repeatable)", collect)
    .option('--uses-key <file>', "a guard's public key, from its owner: breakglass guard key (repeatable)", collect)
    .option('--revocations <file>', 'a revocation list, to find uses after a revocation (repeatable)', collect)
    .option('--without-uses', 'there is no use log: the review closes the debt, and stays a finding')
    .option('--misuse', 'conclude misuse, whatever the reconciliation finds')
    .option('--remarks <text>', 'what the auditor says about it')
    .option('--key <file>', "the auditor's key; without it, the only *.auditor.age in this directory")
    .option('--passphrase-fd <n>', 'read the passphrase of the key from this descriptor')
    .option('--out <file>', 'the review (default: INCIDENT.review.jws)')
    .option('--trust <file>', 'the trust file that you believe; without it, the pinned one')
    .option('--head <words>', "head code: the words of the last ceremony on a custodian's card")
    .option('--json', 'print JSON')
    .description('compare what was done with what was issued, and sign what you conclude')
    .action(async (incident: string, flags: ReviewFlags) =>
      (await import('./at-the-desk.ts')).runReview(incident, flags, io),
    );
  review
    .command('new-key')
    .argument('<label>', 'the auditor')
    .option('--passphrase-fd <n>', 'read the passphrase of the new key from this descriptor')
    .option('--json', 'print JSON')
    .description('make the key of an auditor: LABEL.auditor.age, and LABEL.jwk for policy apply --add-auditor')
    .action(async (label: string, _flags: NewKeyFlags, command: Command) =>
      (await import('./at-the-desk.ts')).runReviewNewKey(label, command.optsWithGlobals(), io),
    );
}
