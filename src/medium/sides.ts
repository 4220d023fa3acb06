import { isBreakglassError } from '../base/errors.ts';
import { openCheckpoint } from '../trail/checkpoint.ts';
import { checkpointNameSize, cosignatureNameSize, trustName, trustNameVersion } from '../trail/layout.ts';
import type { TrustHistory } from '../trail/trust-history.ts';
import { readWhole, type TrailCopy } from './copy.ts';
import type { LosingFile } from './history.ts';

/** A file beside the records that belongs on every copy. */
export interface SideFile {
  readonly name: string;
  /** null: no copy has a sound one, and the spoilt ones only have to go. */
  readonly sha256: string | null;
  /** Copies where something else lies under this name: to be set aside there. */
  readonly spoilt: readonly TrailCopy[];
}

export interface SideOptions {
  readonly losing: readonly LosingFile[];
  readonly history: TrustHistory;
  /** Some medium will get everything, so files on which all copies agree matter too. */
  readonly adopting: boolean;
}

/**
 * The trust versions, keys, checkpoints and cosignatures that mending copies. A trust version or checkpoint is copied only
 * if the trust signed it, so that a planted or torn one stays where it is; checkpoints and cosignatures of a losing side are
 * set aside with its records. The rest proves nothing to anybody: it is copied when it is whole lines and no two copies
 * differ.
 */
export function soundSides(copies: readonly TrailCopy[], options: SideOptions): readonly SideFile[] {
  const names = new Set(copies.flatMap(({ sides }) => [...sides.keys()]));
  return [...names].sort().flatMap((name) => {
    const [first] = copies;
    const agreed = copies.every(({ sides }) => sides.get(name) === first?.sides.get(name));
    if (agreed && !options.adopting && options.losing.length === 0) return [];
    return judge(
      name,
      copies.filter(({ sides }) => sides.has(name)),
      options,
    );
  });
}

function judge(name: string, having: readonly TrailCopy[], options: SideOptions): readonly SideFile[] {
  const lost = having.filter((copy) => isOfLosingSide(name, copy, options.losing));
  const holders = having.filter((copy) => !lost.includes(copy));
  const sound = holders.find((copy) => isSound(name, copy, holders, options.history));
  const sha256 = sound?.sides.get(name) ?? null;
  const wrong = isSigned(name) && sha256 !== null ? holders.filter(({ sides }) => sides.get(name) !== sha256) : [];
  const spoilt = [...lost.filter(({ sides }) => sides.get(name) !== sha256), ...wrong];
  return sha256 === null && spoilt.length === 0 ? [] : [{ name, sha256, spoilt }];
}

// A checkpoint of size n is over the records 0 to n - 1.
function isOfLosingSide(name: string, copy: TrailCopy, losing: readonly LosingFile[]): boolean {
  const size = checkpointNameSize(name) ?? cosignatureNameSize(name);
  if (size === undefined) return false;
  return losing.some(
    (file) => file.copy === copy && (file.why === 'ceremony' || file.why === 'recorder') && file.seq < size,
  );
}

function isSigned(name: string): boolean {
  return trustNameVersion(name) !== undefined || checkpointNameSize(name) !== undefined;
}

function isSound(name: string, copy: TrailCopy, holders: readonly TrailCopy[], history: TrustHistory): boolean {
  const sha256 = copy.sides.get(name);
  if (trustNameVersion(name) !== undefined)
    return history.versions.some((trust) => trust.sha256 === sha256 && trustName(trust.payload.version) === name);
  const size = checkpointNameSize(name);
  if (size !== undefined) return isCheckpoint(readWhole(copy.place, name), size, history);
  return holders.every(({ sides }) => sides.get(name) === sha256) && readWhole(copy.place, name).at(-1) === 0x0a;
}

function isCheckpoint(bytes: Uint8Array, size: number, history: TrustHistory): boolean {
  return history.versions.some((trust) => {
    try {
      return openCheckpoint(bytes, trust).size === size;
    } catch (error) {
      if (isBreakglassError(error)) return false;
      throw error;
    }
  });
}
