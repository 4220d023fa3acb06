import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';

export interface InitOptions {
  readonly name?: string;
  readonly issuer?: string;
  readonly policy?: string;
  readonly threshold?: string;
  readonly custodian?: readonly string[];
  readonly revoker?: readonly string[];
  readonly alg: string;
  readonly strength: string;
  readonly medium?: readonly string[];
  readonly cardDir?: readonly string[];
  readonly readBack: boolean;
  readonly passphraseFd?: string;
  readonly allowFixed?: true;
  readonly state?: string;
  readonly out?: string;
  readonly json?: true;
}

export function registerInit(program: Command, io: CommandIo): void {
  program
    .command('init')
    .option('--name <name>', 'name of the trust, for people')
    .option('--issuer <issuer>', 'the iss of its tokens')
    .option('--policy <file>', 'policy in TOML (see: breakglass policy new)')
    .option('--threshold <m>', 'how many shares make a quorum')
    .option('--custodian <label>', 'a custodian; once for each', collect)
    .option('--revoker <label>', 'a commander who gets a revoker key; once for each', collect)
    .option('--alg <alg>', 'token algorithm: ES256 or Ed25519', 'ES256')
    .option('--strength <bits>', 'strength of the seed: 128 or 256', '128')
    .option('--medium <dir>', 'where a medium is mounted; twice or more', collect)
    .option('--card-dir <label=dir>', "write this custodian's share to this directory instead of showing it", collect)
    .option('--no-read-back', 'do not read the shown cards back (recorded)')
    .option(
      '--passphrase-fd <n>',
      'read passphrases from this descriptor: revokers first, then share files, one a line',
    )
    .option('--allow-fixed', 'allow media that are not removable or share a device (recorded)')
    .option('--state <dir>', 'state directory of this machine')
    .option('--out <dir>', 'where trust file, JWK Set, revocations and revoker keys go')
    .option('--json', 'print JSON')
    .description('key ceremony: make a trust, deal its shares, begin its trail')
    .action(async (options: InitOptions) => {
      const { runInit } = await import('./at-the-machine.ts');
      await runInit(options, io);
    });
}
