import { describeDenial, isClosed } from '../revocation/denial.ts';
import type { RevocationList } from '../revocation/list.ts';
import type { DenyEntry } from '../revocation/statement.ts';

/** One file of statements, as `revocations show` and `check` saw it. */
export interface RevocationsView {
  readonly file: string;
  readonly list: RevocationList;
  /** Statements that were accepted on this machine before and that the file lacks. */
  readonly lost: number;
}

/** Something that is wrong with a file; `line` counts from 1, null for the file as a whole. */
export interface ListAlarm {
  readonly file: string;
  readonly line: number | null;
  readonly message: string;
}

/** A deny entry in JSON, with what its reason says besides. */
export function denialJson(entry: DenyEntry) {
  return { ...entry, closed: isClosed(entry) };
}

/** Every alarm of these files, in order. */
export function alarmsOf(views: readonly RevocationsView[]): ListAlarm[] {
  return views.flatMap(({ file, list, lost }) => [
    ...list.alarms.map(({ line, message }) => ({ file, line, message })),
    ...(lost === 0 ? [] : [{ file, line: null, message: lostMessage(lost) }]),
  ]);
}

/** `alarm: line 2 of revocations.jws: …` */
export function describeAlarm({ file, line, message }: ListAlarm): string {
  return `alarm: ${line === null ? '' : `line ${line} of `}${file}: ${message}`;
}

/** The denials in force, oldest first, one a line. */
export function describeEntries(entries: readonly DenyEntry[]): string {
  if (entries.length === 0) return 'Nothing is denied.\n';
  const sorted = [...entries].sort((a, b) => a.at - b.at);
  return sorted.map((entry) => `${describeDenial(entry)}\n`).join('');
}

function lostMessage(lost: number): string {
  const [what, they] = lost === 1 ? ['a statement', 'its'] : [`${lost} statements`, 'their'];
  return `it has lost ${what} that this machine accepted before; ${they} denials stay here. Merge it with a newer list`;
}
