import type { Command } from 'commander';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';

export interface TrustFlags {
  readonly state?: string;
  readonly json?: true;
}

export interface TrustExportFlags {
  readonly state?: string;
  readonly jwks?: string;
  readonly pem?: string;
  readonly json?: true;
}

export interface TrustPublishFlags {
  readonly state?: string;
  readonly medium?: readonly string[];
  readonly revocations?: readonly string[];
  readonly trust?: string;
  readonly json?: true;
}

export function registerTrust(program: Command, io: CommandIo): void {
  const trust = program.command('trust').description('show, pin, export and publish the trust file');
  trust
    .command('show')
    .argument('[file]', 'a trust file; without it, the pinned one')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('show a trust file and its fingerprint words')
    .action(async (file: string | undefined, flags: TrustFlags) =>
      (await import('./at-the-desk.ts')).runTrustShow(file, flags, io),
    );
  trust
    .command('pin')
    .argument('<file>', 'the trust file')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('remember a trust file, so that verify needs no flags')
    .action(async (file: string, flags: TrustFlags) => (await import('./at-the-desk.ts')).runTrustPin(file, flags, io));
  trust
    .command('export')
    .argument('[file]', 'a trust file; without it, the pinned one')
    .option('--state <dir>', 'state directory')
    .option('--jwks <dir>', 'write the JWK Set of the active token keys, one file an algorithm')
    .option('--pem <dir>', 'write every public key in PEM')
    .option('--json', 'print JSON')
    .description('write the public keys for gateways and openssl')
    .action(async (file: string | undefined, flags: TrustExportFlags) =>
      (await import('./at-the-desk.ts')).runTrustExport(file, flags, io),
    );
  trust
    .command('publish')
    .argument('[dir...]', 'folders that services and commanders read', ['.'])
    .option('--state <dir>', 'state directory of the ceremony machine')
    .option('--medium <dir>', 'a medium of the trail, beside or instead of the state directory (repeatable)', collect)
    .option('--revocations <file>', 'a list whose denials are published too (repeatable)', collect)
    .option('--trust <file>', 'which trust is meant, where a medium holds several and the state directory is lost')
    .option('--json', 'print JSON')
    .description(
      'write what verifiers need of the version in force, as --out of a ceremony does; needs no share and no key',
    )
    .action(async (dirs: string[], flags: TrustPublishFlags) =>
      (await import('./at-the-machine.ts')).runTrustPublish(dirs, flags, io),
    );
}
