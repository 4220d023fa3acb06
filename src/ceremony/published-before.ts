import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { openJws } from '../base/jws.ts';
import { readPublicFile } from '../machine/public-file.ts';
import { acceptTrust, openTrust, type Trust, trustFingerprint } from '../trust/trust-file.ts';

const trustMaxBytes = 4 * 1024 * 1024;

/**
 * The trust file that a folder holds; undefined for none, and for one that is torn or was never one: that is replaced. Throws
 * `FORMAT_NEWER` for a whole one that cannot be judged here, or `BAD_INPUT`.
 */
export function readTrustAt(path: string): Trust | undefined {
  const bytes = readPublicFile(path, { maxBytes: trustMaxBytes });
  if (!bytes) return undefined;
  try {
    return openTrust(bytes);
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    if (isWholeTrustFile(bytes)) throw unreadable(path, error);
    return undefined;
  }
}

/**
 * The version that a folder gets which holds `there`: the newest one that whoever knows `there` accepts. Throws `TRUST_OTHER`,
 * `TRUST_OLDER` or `TRUST_INVALID`.
 */
export function nextVersion(
  there: Trust,
  { trust, versions }: { readonly trust: Trust; readonly versions: readonly Trust[] },
  dir: string,
): Trust {
  if (there.id !== trust.id) throw otherTrust(there, trust, dir);
  const [before, inForce] = [there.payload.version, trust.payload.version];
  if (before > inForce) throw newerThere(there, trust, dir);
  const step = [...versions.filter(({ payload }) => payload.version > before && payload.version < inForce), trust]
    .reverse()
    .find((candidate) => isAccepted(there, candidate));
  if (step) return step;
  throw new BreakglassError(
    'TRUST_INVALID',
    `${dir} holds ${named(there)}, from which nothing at hand leads to ${named(trust)}`,
    {
      hint: 'give a medium that holds every version: --medium DIR. If it does, somebody else made the file there: look at it with breakglass trust show. Nothing was written there.',
    },
  );
}

/** Throws `TRUST_OLDER` for a JWK Set with a key that this version does not know: a newer version was being published there. */
export function refuseStrangeKeys(path: string, trust: Trust): void {
  const bytes = readPublicFile(path, { maxBytes: trustMaxBytes });
  const known = new Set(trust.keys.map((key) => key.public.kid));
  const strange = bytes && keyIds(bytes).find((kid) => !known.has(kid));
  if (strange === undefined) return;
  throw new BreakglassError(
    'TRUST_OLDER',
    `${path} holds the key ${strange}, which version ${trust.payload.version} of the trust ${trust.payload.name} does not know`,
    {
      hint: 'it is of a newer version, of another trust, or somebody put it there. If it is not wanted, move it away. Nothing was written there.',
    },
  );
}

function isWholeTrustFile(bytes: Uint8Array): boolean {
  try {
    const [first = ''] = Buffer.from(bytes).toString('latin1').split('\n');
    openJws(first, 'breakglass-trust+jws', 'the trust file');
    return true;
  } catch (error) {
    if (isBreakglassError(error)) return false;
    throw error;
  }
}

function isAccepted(there: Trust, candidate: Trust): boolean {
  try {
    acceptTrust(there, candidate);
    return true;
  } catch (error) {
    if (isBreakglassError(error)) return false;
    throw error;
  }
}

// What is no JWK Set names no key, and is replaced.
function keyIds(bytes: Uint8Array): string[] {
  try {
    const { keys } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { keys: unknown };
    return Array.isArray(keys)
      ? keys.flatMap(({ kid }: { kid?: unknown }) => (typeof kid === 'string' ? [kid] : []))
      : [];
  } catch {
    return [];
  }
}

function unreadable(path: string, cause: BreakglassError): BreakglassError {
  return new BreakglassError('FORMAT_NEWER', `${path} is a trust file that cannot be judged here: ${cause.message}`, {
    hint: 'it may be of a newer breakglass: use that one. If the file is spoilt, move it away. Nothing was written there.',
    cause,
  });
}

function otherTrust(there: Trust, trust: Trust, dir: string): BreakglassError {
  return new BreakglassError('TRUST_OTHER', `${dir} holds another trust`, {
    hint: `there: ${identity(there)}; here: ${identity(trust)}. Compare the words with a share card, and name another folder. Nothing was written there.`,
  });
}

function newerThere(there: Trust, trust: Trust, dir: string): BreakglassError {
  return new BreakglassError('TRUST_OLDER', `${dir} holds ${named(there)}, which is newer than ${named(trust)} here`, {
    hint: 'this machine or medium is behind: plug in a medium that has the newer version, with --medium DIR. Nothing was written there.',
  });
}

function identity(trust: Trust): string {
  return `${trust.payload.name}, ${named(trust)}, ${trustFingerprint(trust).words.join(' ')}`;
}

function named({ payload, sha256 }: Trust): string {
  return `version ${payload.version} (${sha256.slice(0, 8)})`;
}
