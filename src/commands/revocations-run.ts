import { readInput } from '../machine/files.ts';
import { readSeen } from '../machine/pin.ts';
import { mergeIntoFile } from '../machine/revocations-file.ts';
import { defaultStateDir } from '../machine/state-dir.ts';
import { alarmsOf, denialJson, describeAlarm, describeEntries, type RevocationsView } from '../report/revocations.ts';
import { lostLines, mergeRevocations, type RevocationList, readRevocations } from '../revocation/list.ts';
import type { Trust } from '../trust/trust-file.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadTrustOfMachine } from './load-trust.ts';
import type { MergeFlags, RevocationsFlags } from './revocations.ts';

/** `revocations show` */
export async function runRevocationsShow(file: string, flags: RevocationsFlags, io: CommandIo): Promise<void> {
  const trust = await loadTrustOfMachine(flags.trust, flags.state, io);
  const view = viewOf(file, readList(file), trust, seenHere(trust, flags, io));
  const alarms = alarmsOf([view]);
  for (const alarm of alarms) io.note(`breakglass: ${describeAlarm(alarm)}`);
  const { statements, entries } = view.list;
  if (!flags.json) return void io.product(describeEntries(entries));
  productJson(io, { file, statements: statements.length, entries: entries.map(denialJson), alarms });
}

/** `revocations check`: exit status 1 when a line is bad. Other alarms are told and change nothing. */
export async function runRevocationsCheck(
  files: readonly string[],
  flags: RevocationsFlags,
  io: CommandIo,
): Promise<void> {
  const trust = await loadTrustOfMachine(flags.trust, flags.state, io);
  const seen = seenHere(trust, flags, io);
  const contents = files.map((file) => ({ file, bytes: readList(file) }));
  const views = contents.map(({ file, bytes }) => viewOf(file, bytes, trust, seen));
  const [only] = views;
  const union = contents.map(({ bytes }) => bytes).reduce(mergeRevocations);
  const together = views.length === 1 && only ? only.list : readRevocations(union, trust);
  const valid = views.every(({ list }) => list.badLines === 0);
  if (!valid) io.exit('no');
  const alarms = alarmsOf(views);
  const [statements, entries] = [together.statements.length, together.entries.length];
  if (flags.json) return productJson(io, { valid, statements, entries, alarms });
  const verdict = valid ? 'GOOD: every line counts.' : 'NOT GOOD: bad lines were skipped; the others count.';
  const told = alarms.map((alarm) => `  ${describeAlarm(alarm)}`);
  io.product([verdict, `  ${statements} statements, ${entries} denials in force`, ...told, ''].join('\n'));
}

/** `revocations merge` */
export async function runRevocationsMerge(
  files: readonly string[],
  { out, json }: MergeFlags,
  io: CommandIo,
): Promise<void> {
  const union = files.map(readList).reduce(mergeRevocations);
  const written = mergeIntoFile(out, union);
  const lines = written.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);
  if (json) return productJson(io, { file: out, lines });
  io.product(`${out}: ${lines} lines, the union of ${files.join(', ')} and what stood there.\n`);
  io.note('nothing was judged: breakglass revocations check says whether every line counts.');
}

function readList(file: string): Uint8Array {
  return readInput(file, { what: 'the revocation list', maxBytes: 1024 * 1024 * 1024 });
}

function viewOf(file: string, bytes: Uint8Array, trust: Trust, seen: RevocationList): RevocationsView {
  const list = readRevocations(bytes, trust);
  return { file, list, lost: lostLines(list, seen).length };
}

function seenHere(trust: Trust, flags: RevocationsFlags, io: CommandIo): RevocationList {
  return readRevocations(readSeen(flags.state ?? defaultStateDir(io.env), trust.id), trust);
}
