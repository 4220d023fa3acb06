import { formatCanonicalFile, parseCanonicalFile } from '../base/canonical.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { integer, integerBetween, literal, object, type Shape, sha256Digest } from '../base/schema.ts';
import { readInput, replaceFile, writeExclusive } from '../machine/files.ts';

const point = { seq: integer, sha256: sha256Digest };
const stateSchema = object({
  v: literal(1),
  trust: sha256Digest,
  trustVersion: integerBetween(1, 1_000_000),
  trustSha256: sha256Digest,
  ...point,
  ceremony: object(point),
});

/**
 * What an auditor remembers of the last check that ended `intact`: the last record that an anchor vouched for, and the last
 * ceremony record. A later check that does not find them knows that the trail was cut or changed.
 */
export type AuditorState = Shape<typeof stateSchema>;

/** Reads the memory of an auditor. Throws `STATE_MISSING` or `STATE_DAMAGED`. */
export function readAuditorState(path: string): AuditorState {
  try {
    return parseCanonicalFile(stateSchema, readInput(path, { what: 'the state file', maxBytes: 4096 }), 'it');
  } catch (cause) {
    if (isBreakglassError(cause, 'NOT_FOUND')) {
      throw new BreakglassError('STATE_MISSING', `the auditor's state file ${path} is not there`, {
        hint: 'for the first check add --new-state. Nothing was judged.',
        cause,
      });
    }
    if (!isBreakglassError(cause)) throw cause;
    throw new BreakglassError('STATE_DAMAGED', `the auditor's state file ${path} is damaged`, {
      hint: 'find out why before you make a new one: it is what shows a trail that was cut. Nothing was judged.',
      cause,
    });
  }
}

/** Replaces the memory, or makes it: then nothing may be there (`EXISTS`). */
export function writeAuditorState(path: string, state: AuditorState, mode: 'new' | 'update'): void {
  const bytes = formatCanonicalFile(state);
  if (mode === 'new') writeExclusive(path, bytes, { mode: 0o600 });
  else replaceFile(path, bytes, { mode: 0o600 });
}
