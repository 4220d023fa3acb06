import type { PublicKey } from '../key/public.ts';
import type { UseFinding } from './use-findings.ts';
import type { Use } from './use-record.ts';

/** A file of a use log, whichever: rotated away, the one in use, or a copy. */
export interface UseLogFile {
  /** For people and findings. */
  readonly name: string;
  /** Its bytes from `position` on, in pieces of any size. It is read twice and never held whole. */
  read(position: number): Iterable<Uint8Array>;
}

/** What is known of one log: the files of one `trail`. */
export interface UseLogFacts {
  readonly trail: string;
  /** What genesis says; null when it is not at hand. */
  readonly genesis: { readonly name: string; readonly trust: string; readonly audience: string | null } | null;
  /** The key that its lines were judged by; null when neither genesis nor the caller had one, and then none counts. */
  readonly key: PublicKey | null;
  /** Whether that key is one of the caller's. */
  readonly keyKnown: boolean;
  /** The last line that counts; null when none does. */
  readonly head: { readonly seq: number; readonly sha256: string; readonly time: string } | null;
  /** It ends with `closed`. */
  readonly closed: boolean;
  /** Denials that are counted and not listed, by code. */
  readonly omitted: ReadonlyMap<string, number>;
}

/** A use that is proved to stand in a log. */
export interface FoundUse {
  readonly use: Use;
  readonly trail: string;
  readonly seq: number;
}

export interface ReadUseLogsOptions {
  /** The keys of the guards, from their owners; none: each log is judged by the key that its genesis names, and that is a finding. */
  readonly keys: readonly PublicKey[];
  /** Called for every use of a line that counts, in the order of each log, log after log; once for all copies of a line. */
  readonly onUse: (found: FoundUse) => void;
}

export interface UseLogsRead {
  readonly logs: readonly UseLogFacts[];
  readonly findings: readonly UseFinding[];
}

/** A file whose bytes are at hand. */
export function useLogFile(name: string, bytes: Uint8Array): UseLogFile {
  return { name, read: (position) => [bytes.subarray(position)] };
}

/**
 * Reads use logs: files in any order, of any number of logs, copies among them (docs/format.md §13). It goes on past what it
 * finds; what it keeps does not grow with the logs. It throws nothing for whatever the files hold.
 */
export function readUseLogs(_files: readonly UseLogFile[], _options: ReadUseLogsOptions): UseLogsRead {
  throw new TypeError('not built yet');
}
