import type { ReviewSource } from '../ceremony/import-reviews.ts';
import type { RevocationSource } from '../ceremony/import-revocations.ts';
import { readInput } from '../machine/files.ts';

/** The lists that `--revocations` names. Throws `NOT_FOUND` or `BAD_INPUT`. */
export function revocationSources(files: readonly string[] = []): RevocationSource[] {
  return files.map((name) => ({
    name,
    bytes: readInput(name, { what: 'the revocation list', maxBytes: 1024 * 1024 * 1024 }),
  }));
}

/** The reviews that `--review` names. Throws `NOT_FOUND` or `BAD_INPUT`. */
export function reviewSources(files: readonly string[] = []): ReviewSource[] {
  return files.map((name) => ({ name, bytes: readInput(name, { what: 'the review', maxBytes: 1024 * 1024 }) }));
}
