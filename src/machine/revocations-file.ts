import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { mergeRevocations } from '../revocation/list.ts';
import { claimFile } from './file-claim.ts';
import { readInput } from './files.ts';
import { putPublicFile, type Replace, replacePublic, requireFolder, targetOf } from './public-file.ts';

/** A million denials take about 400 MiB. */
const listMaxBytes = 1024 * 1024 * 1024;

/** The bytes of a list of statements; none where there is no file yet. Throws `BAD_INPUT`, or `NOT_FOUND` without its folder. */
export function readRevocationsFile(path: string): Uint8Array {
  if (!existsSync(path)) {
    requireFolder(dirname(path));
    return new Uint8Array(0);
  }
  return readInput(path, { what: 'the revocation list', maxBytes: listMaxBytes });
}

/**
 * Adds lines to the list at `path`, or begins it, and returns the union: what is there stays, even what nobody understands.
 * At every moment readers see the old list or the new one; when this returns, the new one was flushed and read back. Two
 * processes of this machine at once lose nothing. Throws `IO`, `NOT_FOUND`, `BAD_INPUT`, `STATE_BUSY` or `MEDIUM_READ_BACK`.
 */
export function mergeIntoFile(path: string, lines: Uint8Array, replace: Replace = replacePublic): Uint8Array {
  requireFolder(dirname(path));
  const target = targetOf(path);
  const claim = claimFile(target);
  try {
    const union = mergeRevocations(readRevocationsFile(target), lines);
    putPublicFile(target, union, replace);
    return union;
  } finally {
    claim.release();
  }
}
