import type { Command } from 'commander';
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

export function registerTrust(program: Command, io: CommandIo): void {
  const trust = program.command('trust').description('show, pin and export the trust file');
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
}
