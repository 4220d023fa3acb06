import { basename } from 'node:path';
import { formatCanonicalFile, parseCanonicalFile } from '../base/canonical.ts';
import { isBreakglassError } from '../base/errors.ts';
import { identifier, literal, object, randomId, type Shape, sha256Digest, time } from '../base/schema.ts';
import { mediumName } from '../trail/layout.ts';
import { type Directory, isAbsent } from './disk.ts';

const labelSchema = object({
  v: literal(1),
  medium: randomId,
  label: identifier,
  trust: sha256Digest,
  created: time,
});

/** MEDIUM.JSN: unsigned, a label only. It says where to look, never what to believe. */
export type MediumLabel = Shape<typeof labelSchema>;

const longestLabel = 4096;

export function formatMediumLabel(label: MediumLabel): Uint8Array {
  return formatCanonicalFile(label);
}

/** The label in the folder BGTRAIL, or undefined when it is missing or damaged. Throws other system errors. */
export function readMediumLabel(root: Directory): MediumLabel | undefined {
  try {
    return parseCanonicalFile(labelSchema, root.readFile(mediumName, longestLabel), mediumName);
  } catch (error) {
    if (isBreakglassError(error, 'FORMAT') || isAbsent(error)) return undefined;
    throw error;
  }
}

/** What a medium is called when it is made: the last component of its mount point, as an identifier. */
export function labelFromPath(path: string): string {
  const name = basename(path).toLowerCase();
  const label = name
    .replace(/[^a-z0-9._-]/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 32);
  return label === '' ? 'medium' : label;
}
