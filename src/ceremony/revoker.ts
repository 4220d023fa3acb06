import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import type { SigningKey } from '../key/derive.ts';
import { trustNameVersion } from '../trail/layout.ts';
import { openTrust, type Trust } from '../trust/trust-file.ts';

/** A commander who may deny: the key and its label in the trust file. */
export interface Revoker {
  readonly label: string;
  readonly key: SigningKey;
}

/**
 * The revoker of `trust` whose key this is. `older` are versions that are at hand, which tell a retired key from a strange
 * one. Throws `REVOKER_RETIRED` or `REVOKER_UNKNOWN`.
 */
export function identifyRevoker(
  key: SigningKey,
  trust: Trust,
  options: { readonly what: string; readonly older: () => readonly Trust[] },
): Revoker {
  const found = trust.revokers.find((revoker) => revoker.public.kid === key.kid);
  if (found) return { label: found.label, key };
  const { what } = options;
  const named = `${trust.payload.name}, version ${trust.payload.version}`;
  for (const version of options.older()) {
    const retired = version.revokers.find((revoker) => revoker.public.kid === key.kid);
    if (!retired || version.id !== trust.id) continue;
    throw new BreakglassError('REVOKER_RETIRED', `${what} is the retired key of ${retired.label}: not in ${named}`, {
      hint: `${others(trust)} Nothing was denied.`,
    });
  }
  throw new BreakglassError(
    'REVOKER_UNKNOWN',
    `${what} is no revoker's key of ${named}: of another trust, or retired`,
    {
      hint: `${others(trust)} Nothing was denied.`,
    },
  );
}

/** Trust versions that a ceremony machine keeps; those that cannot be read are left out. */
export function trustVersionsIn(stateDir: string): Trust[] {
  const folder = join(stateDir, 'trust');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => trustNameVersion(name) !== undefined)
    .flatMap((name) => {
      try {
        return [openTrust(readFileSync(join(folder, name)))];
      } catch (error) {
        if (isBreakglassError(error) || error instanceof Error) return [];
        throw error;
      }
    });
}

function others(trust: Trust): string {
  const labels = trust.revokers.map(({ label }) => label).join(', ');
  return labels === ''
    ? 'the trust file names no revoker; INCIDENT.kill.jws beside the token needs none: revoke --kill FILE.'
    : `its revokers are ${labels}; or publish INCIDENT.kill.jws, which needs no key: revoke --kill FILE.`;
}
