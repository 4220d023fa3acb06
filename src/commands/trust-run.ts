import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BreakglassError } from '../base/errors.ts';
import { jwkSets, pemFiles } from '../ceremony/trust-files.ts';
import { replaceFile } from '../machine/files.ts';
import { writePin } from '../machine/pin.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { describeTrust, trustJson } from '../report/trust.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrust } from './load-trust.ts';
import type { TrustExportFlags, TrustFlags } from './trust.ts';

/** `trust show` */
export async function runTrustShow(file: string | undefined, options: TrustFlags, io: CommandIo): Promise<void> {
  const trust = await loadTrust(file, options.state, io);
  if (options.json) return productJson(io, trustJson(trust));
  io.product(describeTrust(trust));
}

/** `trust pin` */
export async function runTrustPin(file: string, options: TrustFlags, io: CommandIo): Promise<void> {
  const trust = await loadTrust(file, options.state, io);
  writePin(options.state ?? defaultStateDir(io.env), trust);
  if (options.json) return productJson(io, trustJson(trust));
  io.product(describeTrust(trust));
  io.note('pinned. Compare the fingerprint words with those on a share card: they are what you trust from now on.');
}

/** `trust export` */
export async function runTrustExport(
  file: string | undefined,
  options: TrustExportFlags,
  io: CommandIo,
): Promise<void> {
  const trust = await loadTrust(file, options.state, io);
  if (options.jwks === undefined && options.pem === undefined) {
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
  mkdirSync(dir, { recursive: true });
  return [...files].map(([name, bytes]) => {
    replaceFile(join(dir, name), bytes, { mode: 0o644 });
    return join(dir, name);
  });
}
