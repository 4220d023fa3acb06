import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatCanonicalFile } from '../base/canonical.ts';
import { isBreakglassError } from '../base/errors.ts';
import {
  filePath,
  integerBetween,
  jwsLines,
  literal,
  nullable,
  object,
  oneOf,
  type Shape,
  sha256Digest,
  time,
} from '../base/schema.ts';
import { removeFile, renameExclusive, replaceFile } from './files.ts';
import { readStateJson } from './state-file.ts';

const decidedSchema = object({
  v: literal(1),
  kind: oneOf(['rotate.keys', 'rotate.shares', 'rotate.seed', 'policy', 'revocations.reset']),
  decidedAt: time,
  /** The place of the record in the trail, and the record before it. */
  seq: integerBetween(0, 99_999_999),
  prev: sha256Digest,
  /** The record file. */
  record: jwsLines,
  /** The trust file that it names; null when the trust stays as it is. */
  trust: nullable(jwsLines),
  /** Statement lines that become known with it. */
  statements: jwsLines,
  /** Where services and commanders take them from. */
  outDir: filePath,
});

/**
 * A change that a quorum has decided and that is not written everywhere yet (docs/ceremony.md, change, steps 12 and 13): public
 * bytes only, so that it can be finished without anybody's share.
 */
export type DecidedChange = Shape<typeof decidedSchema>;

const decidedName = 'decided.json';

/** The decided change that waits in a state directory; `damaged` for a file that cannot be read as one. */
export function readDecided(dir: string): DecidedChange | 'damaged' | undefined {
  try {
    return readStateJson(join(dir, decidedName), decidedSchema);
  } catch (error) {
    if (isBreakglassError(error, 'STATE_DAMAGED')) return 'damaged';
    throw error;
  }
}

/** Keeps a file that is no decided change as evidence, under another name; resolves with that name. */
export function setDecidedAside(dir: string): string {
  const free = ['bad', 'ba2', 'ba3', 'ba4', 'ba5', 'ba6', 'ba7', 'ba8', 'ba9']
    .map((suffix) => `decided.${suffix}`)
    .find((name) => !existsSync(join(dir, name)));
  if (free === undefined) removeDecided(dir);
  else renameExclusive(join(dir, decidedName), join(dir, free));
  return free ?? decidedName;
}

export function writeDecided(dir: string, decided: DecidedChange): void {
  replaceFile(join(dir, decidedName), formatCanonicalFile(decided), { mode: 0o600 });
}

export function removeDecided(dir: string): void {
  removeFile(join(dir, decidedName));
}
