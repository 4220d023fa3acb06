import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '../base/bytes.ts';
import { conformOrUndefined, freeText } from '../base/schema.ts';

/** Set by the build (esbuild `define`); does not exist when the sources run unbundled. */
declare const BREAKGLASS_VERSION: string | undefined;

/** Which program wrote a record. `sha256` is over the file that holds this code: the one bundle, as `sha256sum` prints it. */
export interface SoftwareIdentity {
  readonly version: string;
  readonly sha256: string;
}

let identity: SoftwareIdentity | undefined;

export function softwareIdentity(): SoftwareIdentity {
  identity ??= { version: softwareVersion(), sha256: sha256Hex(readFileSync(fileURLToPath(import.meta.url))) };
  return identity;
}

export function softwareVersion(): string {
  return typeof BREAKGLASS_VERSION === 'string' ? BREAKGLASS_VERSION : developmentVersion();
}

function developmentVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const version = typeof manifest === 'object' && manifest && 'version' in manifest ? manifest.version : undefined;
  return conformOrUndefined(freeText, version) ?? 'unknown';
}
