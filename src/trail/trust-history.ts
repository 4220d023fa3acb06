import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { checkTrustSuccession, openTrust, type Trust } from '../trust/trust-file.ts';

/** Every trust version that follows from version 1 by valid signatures. */
export interface TrustHistory {
  readonly id: string;
  /** In the order of their versions. */
  readonly versions: readonly Trust[];
  readonly newest: Trust;
  /** Files that are not trust files, or do not follow from version 1: none of them counts. */
  readonly refused: readonly RefusedTrust[];
  /** The version with this number and SHA-256, what genesis, rotate, policy and restart records name. */
  find(version: number, sha256: string): Trust | undefined;
}

export interface RefusedTrust {
  readonly sha256: string;
  readonly reason: BreakglassError;
}

/**
 * Orders trust files of any origin, repeated or not, into the history of one trust: that of `pinned` or `id`, or the only one
 * there is. A planted file is refused by itself and hurts no other. Throws `TRUST_MISSING` without a version 1, `TRUST_OTHER`
 * when there are several trusts and none is pinned.
 */
export function openTrustHistory(
  files: readonly Uint8Array[],
  pinned?: Trust,
  id: string | null = pinned?.id ?? null,
): TrustHistory {
  const { opened, refused } = openAll(pinned ? [pinned.bytes, ...files] : files);
  const first = firstVersion(opened, pinned, id);
  const versions = [first];
  for (const candidate of opened) {
    if (candidate.sha256 === first.sha256) continue;
    const before = versions.find((trust) => trust.sha256 === candidate.payload.previous);
    const reason = before ? successionRefusal(before, candidate) : noPredecessor(candidate);
    if (reason && candidate.sha256 !== pinned?.sha256) refused.push({ sha256: candidate.sha256, reason });
    else versions.push(candidate);
  }
  return {
    id: first.id,
    versions,
    newest: versions.at(-1) ?? first,
    refused,
    find: (version, sha256) => versions.find((trust) => trust.payload.version === version && trust.sha256 === sha256),
  };
}

function openAll(files: readonly Uint8Array[]): { opened: Trust[]; refused: RefusedTrust[] } {
  const opened = new Map<string, Trust>();
  const refused = new Map<string, RefusedTrust>();
  for (const bytes of files) {
    const digest = sha256Hex(bytes);
    if (opened.has(digest) || refused.has(digest)) continue;
    try {
      opened.set(digest, openTrust(bytes));
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      refused.set(digest, { sha256: digest, reason: error });
    }
  }
  const byVersion = [...opened.values()].sort((a, b) => a.payload.version - b.payload.version);
  return { opened: byVersion, refused: [...refused.values()] };
}

/** Without a version 1 at hand the history begins with the pinned version, which is believed as it is. */
function firstVersion(opened: readonly Trust[], pinned: Trust | undefined, id: string | null): Trust {
  const ofVersion1 = opened.filter((trust) => trust.payload.version === 1 && (id ?? trust.id) === trust.id);
  const [first = pinned, ...more] = ofVersion1;
  if (!first) {
    throw new BreakglassError('TRUST_MISSING', 'there is no trust file of version 1 to begin with', {
      hint: 'give the trust file with --trust, or a medium whose T0000001.TXT can be read. Nothing was judged.',
    });
  }
  if (more.length > 0) {
    throw new BreakglassError('TRUST_OTHER', 'the media hold trails of more than one trust', {
      hint: 'say with --trust which one is meant. Nothing was judged.',
    });
  }
  return first;
}

function successionRefusal(before: Trust, next: Trust): BreakglassError | undefined {
  try {
    checkTrustSuccession(before, next);
    return undefined;
  } catch (error) {
    if (isBreakglassError(error)) return error;
    throw error;
  }
}

function noPredecessor(trust: Trust): BreakglassError {
  return new BreakglassError(
    'TRUST_INVALID',
    `the trust file of version ${trust.payload.version} follows no version that is at hand`,
    { hint: 'a version between is missing, or the file is of another trust. It was not used.' },
  );
}
