import { useRecordMaxBytes } from './use-record.ts';

/** A file of a use log, whichever: rotated away, the one in use, or a copy. */
export interface UseLogFile {
  /** For people and findings. */
  readonly name: string;
  /** Its bytes from `position` on, in pieces of any size. It is read twice and never held whole. */
  read(position: number): Iterable<Uint8Array>;
}

/** A piece of a file that LF ends, or the end of the file. `overlong`: it is no line, and `bytes` are not all of it. */
export interface FileLine {
  /** Where in the file it begins. */
  readonly position: number;
  /** With its LF. */
  readonly bytes: Uint8Array;
  readonly kind: 'whole' | 'torn' | 'overlong';
}

/** A file whose bytes are at hand. */
export function useLogFile(name: string, bytes: Uint8Array): UseLogFile {
  return { name, read: (position) => [bytes.subarray(position)] };
}

/** The lines of a file from `start` on. Whoever wrote it decides how long they are: at most one is held, up to 1 MiB of it. */
export function* linesOf(file: UseLogFile, start: number): Generator<FileLine> {
  let position = start;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const take = (rest: Uint8Array): FileLine => {
    const length = heldBytes + rest.length;
    const overlong = length > useRecordMaxBytes;
    const bytes = overlong ? new Uint8Array(0) : held.length === 0 ? rest : Buffer.concat([...held, rest]);
    const line: FileLine = { position, bytes, kind: overlong ? 'overlong' : bytes.at(-1) === 0x0a ? 'whole' : 'torn' };
    position += length;
    held = [];
    heldBytes = 0;
    return line;
  };
  for (const piece of file.read(start)) {
    let from = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, from)) {
      yield take(piece.subarray(from, end + 1));
      from = end + 1;
    }
    if (from === piece.length) continue;
    if (heldBytes <= useRecordMaxBytes) held.push(Uint8Array.from(piece.subarray(from)));
    heldBytes += piece.length - from;
  }
  if (heldBytes > 0) yield take(new Uint8Array(0));
}
