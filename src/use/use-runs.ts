import type { UseFindingList } from './use-findings.ts';
import { linesOf, type UseLogFile } from './use-lines.ts';

/** Lines of one log that stand one behind the other in a file, their `seq` rising by one. Nothing in them is proved. */
export interface Run {
  readonly file: UseLogFile;
  readonly position: number;
  readonly first: number;
  last: number;
}

/** What stands behind the last LF of a file. */
export interface TornEnd {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** The place behind the line before it; null when there is none. */
  readonly place: { readonly trail: string; readonly seq: number } | null;
  mended: boolean;
}

export interface ScannedFiles {
  /** By trail, in the order of `first`. */
  readonly runs: ReadonlyMap<string, readonly Run[]>;
  readonly torn: readonly TornEnd[];
}

/** Finds out which lines of which log stand where, so that the logs can then be read in order, copy beside copy. */
export function scanFiles(files: readonly UseLogFile[], found: UseFindingList): ScannedFiles {
  const runs = new Map<string, Run[]>();
  const torn: TornEnd[] = [];
  for (const file of files) scanFile(file, runs, torn, found);
  for (const ofLog of runs.values()) ofLog.sort((a, b) => a.first - b.first);
  return { runs, torn };
}

function scanFile(file: UseLogFile, runs: Map<string, Run[]>, torn: TornEnd[], found: UseFindingList): void {
  let current: { readonly run: Run; readonly trail: string } | undefined;
  let number = 0;
  for (const line of linesOf(file, 0)) {
    number++;
    if (line.kind === 'torn') {
      const place = current ? { trail: current.trail, seq: current.run.last + 1 } : null;
      torn.push({ file: file.name, bytes: Uint8Array.from(line.bytes), place, mended: false });
      continue;
    }
    const peeked = line.kind === 'whole' ? peek(line.bytes) : undefined;
    if (!peeked) {
      found.add('USE_LINE_FORM', `line ${number} of ${file.name} is no line of a use log`, { file: file.name });
      current = undefined;
      continue;
    }
    const { trail, seq } = peeked;
    if (current?.trail === trail && current.run.last + 1 === seq) {
      current.run.last = seq;
    } else {
      current = { trail, run: { file, position: line.position, first: seq, last: seq } };
      const ofLog = runs.get(trail);
      if (ofLog) ofLog.push(current.run);
      else runs.set(trail, [current.run]);
    }
  }
  if (number === 0) found.add('USE_LOG_EMPTY', `${file.name} is empty`, { file: file.name });
}

/**
 * Where a line says that it belongs. Its text is searched, not judged: what is found here only says where to look, and the line
 * is opened strictly when its turn comes. In canonical JSON `seq` stands shortly before `trail`, and no string holds a bare quote.
 */
function peek(line: Uint8Array): { readonly trail: string; readonly seq: number } | undefined {
  const segments = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('latin1').split('.', 3);
  const payload = Buffer.from(segments[1] ?? '', 'base64url').toString('latin1');
  const match = /[{,]"seq":(0|[1-9]\d{0,7}),(?:.{0,4096}?,)?"trail":"([0-9a-f]{64})"/.exec(payload);
  return match?.[1] && match[2] ? { trail: match[2], seq: Number(match[1]) } : undefined;
}
