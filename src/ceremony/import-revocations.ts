import { sha256Hex } from '../base/bytes.ts';
import type { State } from '../machine/state.ts';
import { readRevocations } from '../revocation/list.ts';
import { type RunFacts, waitForMedium } from './trail-writer.ts';

/** A file of statements that somebody brings to a ceremony. */
export interface RevocationSource {
  /** As it was named on the command line. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Hashes in one record: about 720 KiB of the 1 MiB that a record may have. */
const linesPerRecord = 8192;

/**
 * Adds the good lines that are new to those of the state directory. What is imported waits there for a medium and is written with
 * what waits (P9); that comes first, so that no line is ever known and not on the record. Bad lines are told and skipped.
 */
export function importRevocations(
  state: State,
  sources: readonly RevocationSource[],
  run: RunFacts,
  note: (text: string) => void,
): void {
  if (sources.length === 0) return;
  const known = readRevocations(state.revocations(), state.trust);
  const fresh = new Map<string, string>();
  for (const { name, bytes } of sources) {
    const list = readRevocations(bytes, state.trust);
    for (const { line, message } of list.alarms) note(`breakglass: alarm: line ${line} of ${name}: ${message}`);
    for (const line of list.lines) {
      const sha256 = sha256Hex(line);
      if (!known.hasLine(sha256)) fresh.set(sha256, line);
    }
  }
  if (fresh.size === 0) return;
  const newest = readRevocations(linesOf([...known.lines, ...fresh.values()]), state.trust).newest ?? '';
  for (const statements of chunks([...fresh.keys()], linesPerRecord))
    waitForMedium(state, run, { type: 'revocations.imported', statements, newest }, []);
  state.mergeRevocations(linesOf([...fresh.values()]));
}

function linesOf(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}
