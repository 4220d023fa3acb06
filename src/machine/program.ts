import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '../base/bytes.ts';
import { softwareVersion } from './version.ts';

/** Which program wrote a record. `sha256` is over SHA256SUMS, which `sha256sum -c` compares with every file of the command. */
export interface SoftwareIdentity {
  readonly version: string;
  readonly sha256: string;
}

let identity: SoftwareIdentity | undefined;

export function softwareIdentity(): SoftwareIdentity {
  identity ??= { version: softwareVersion(), sha256: sha256Hex(readFileSync(identityFile())) };
  return identity;
}

// Unbundled there is no list of files: this one stands for the sources.
function identityFile(): string {
  const sums = fileURLToPath(new URL('SHA256SUMS', import.meta.url));
  return existsSync(sums) ? sums : fileURLToPath(import.meta.url);
}
