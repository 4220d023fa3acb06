import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { QuorumFlags } from './quorum-flags.ts';

/** The flags that rotations, a new policy and an un-denial have in common. */
export interface ChangeFlags extends QuorumFlags {
  readonly reason?: string;
  readonly prepare?: string;
}

/** The flags of a ceremony that deals cards. */
export interface DealFlags {
  readonly threshold?: string;
  readonly custodian?: readonly string[];
  readonly cardDir?: readonly string[];
  readonly readBack?: boolean;
  readonly destroyed?: readonly string[];
  readonly policy?: string;
}

export function withChangeFlags(command: Command): Command {
  return command
    .option('--reason <text>', 'why; it goes on the record')
    .option('--prepare <file>', 'only write the request for this change and show its 12 words')
    .option('--request <file>', 'the request that --prepare wrote')
    .option('--trust <file>', 'trust file, to compare with the one of this machine')
    .option('--state <dir>', 'state directory of this machine')
    .option('--medium <dir>', 'where a medium is mounted, once for each; without it, media are found', collect)
    .option('--share <file>', "a custodian's share file, once for each", collect)
    .option('--confirm <words>', 'the 12 words of the request')
    .option('--clock <time>', 'what a watch says, in UTC, like 2026-01-31T23:59:59Z')
    .option('--head <words>', 'three or more words of a head code, or: none')
    .option('--accept <code>', 'go on in spite of this anomaly, once for each (recorded)', collect)
    .option('--passphrase-fd <n>', 'read passphrases from this descriptor, one a line in the order of their use')
    .option(
      '--revocations <file>',
      'a revocation list whose denials are taken over first (recorded); repeatable',
      collect,
    )
    .option('--review <file>', 'take in this review of an auditor, once for each (recorded)', collect)
    .option('--out <dir>', 'where trust file, JWK Sets and revocations are published (default: this directory)')
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .option('--json', 'print JSON');
}

export function withDealFlags(command: Command): Command {
  return command
    .option('--threshold <m>', 'how many shares make a quorum from now on')
    .option('--custodian <label>', 'who gets a card, once for each; without it, those who have one', collect)
    .option('--card-dir <label=dir>', "write this custodian's share to this directory instead of showing it", collect)
    .option('--no-read-back', 'do not read the shown cards back')
    .option('--destroyed <label>', 'the old card of this custodian was destroyed before your eyes (recorded)', collect)
    .option('--policy <file>', 'a new policy in the same ceremony');
}
