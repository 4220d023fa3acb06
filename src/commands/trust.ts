import type { Command } from 'commander';
import type { Trust } from '../trust/trust-file.ts';
import { type CommandIo, productJson } from './io.ts';

export function registerTrust(program: Command, io: CommandIo): void {
  const trust = program.command('trust').description('show, pin and export the trust file');
  trust
    .command('show')
    .argument('[file]', 'a trust file; without it, the pinned one')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('show a trust file and its fingerprint words')
    .action((file: string | undefined, options: { state?: string; json?: true }) => showTrust(file, options, io));
  trust
    .command('pin')
    .argument('<file>', 'the trust file')
    .option('--state <dir>', 'state directory')
    .option('--json', 'print JSON')
    .description('remember a trust file, so that verify needs no flags')
    .action((file: string, options: { state?: string; json?: true }) => pinTrust(file, options, io));
  trust
    .command('export')
    .argument('[file]', 'a trust file; without it, the pinned one')
    .option('--state <dir>', 'state directory')
    .option('--jwks <dir>', 'write the JWK Set of the active token keys, one file an algorithm')
    .option('--pem <dir>', 'write every public key in PEM')
    .option('--json', 'print JSON')
    .description('write the public keys for gateways and openssl')
    .action((file: string | undefined, options: ExportOptions) => exportTrust(file, options, io));
}

/** The trust file of a path, or the pinned one. Throws `TRUST_MISSING` when there is neither. */
export async function loadTrust(file: string | undefined, stateDir: string | undefined, io: CommandIo): Promise<Trust> {
  const { readInput } = await import('../machine/files.ts');
  const { readPin } = await import('../machine/pin.ts');
  const { defaultStateDir } = await import('../machine/state-dir.ts');
  const { openTrust } = await import('../trust/trust-file.ts');
  if (file !== undefined) return openTrust(readInput(file, { what: 'the trust file', maxBytes: 4 * 1024 * 1024 }));
  const pinned = readPin(stateDir ?? defaultStateDir(io.env));
  if (pinned) return pinned;
  const { BreakglassError } = await import('../base/errors.ts');
  throw new BreakglassError('TRUST_MISSING', 'there is no trust file to judge by: none was given and none is pinned', {
    hint: 'give --trust FILE, or pin one once: breakglass trust pin FILE. Nothing was judged.',
  });
}

async function showTrust(
  file: string | undefined,
  options: { state?: string; json?: true },
  io: CommandIo,
): Promise<void> {
  const trust = await loadTrust(file, options.state, io);
  const { describeTrust, trustJson } = await import('../report/trust.ts');
  if (options.json) return productJson(io, trustJson(trust));
  io.product(describeTrust(trust));
}

async function pinTrust(file: string, options: { state?: string; json?: true }, io: CommandIo): Promise<void> {
  const trust = await loadTrust(file, options.state, io);
  const { writePin } = await import('../machine/pin.ts');
  const { defaultStateDir } = await import('../machine/state-dir.ts');
  writePin(options.state ?? defaultStateDir(io.env), trust);
  const { describeTrust, trustJson } = await import('../report/trust.ts');
  if (options.json) return productJson(io, trustJson(trust));
  io.product(describeTrust(trust));
  io.note('pinned. Compare the fingerprint words with those on a share card: they are what you trust from now on.');
}

interface ExportOptions {
  readonly state?: string;
  readonly jwks?: string;
  readonly pem?: string;
  readonly json?: true;
}

async function exportTrust(file: string | undefined, options: ExportOptions, io: CommandIo): Promise<void> {
  const trust = await loadTrust(file, options.state, io);
  const { jwkSets, pemFiles } = await import('../ceremony/publish.ts');
  if (options.jwks === undefined && options.pem === undefined) {
    const { BreakglassError } = await import('../base/errors.ts');
    throw new BreakglassError('USAGE', 'trust export was not told what to write', {
      hint: 'give --jwks DIR, --pem DIR or both. Nothing was written.',
    });
  }
  const written = [
    ...(options.jwks === undefined ? [] : await writeAll(options.jwks, jwkSets(trust))),
    ...(options.pem === undefined ? [] : await writeAll(options.pem, pemFiles(trust))),
  ];
  if (options.json) return productJson(io, { files: written });
  for (const path of written) io.product(`${path}\n`);
}

async function writeAll(dir: string, files: ReadonlyMap<string, Uint8Array>): Promise<string[]> {
  const { mkdirSync } = await import('node:fs');
  const { join } = await import('node:path');
  const { replaceFile } = await import('../machine/files.ts');
  mkdirSync(dir, { recursive: true });
  return [...files].map(([name, bytes]) => {
    replaceFile(join(dir, name), bytes, { mode: 0o644 });
    return join(dir, name);
  });
}
