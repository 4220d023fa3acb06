import { equalBytes, sha256Hex } from '../base/bytes.ts';
import type { PublicKey } from '../key/public.ts';
import { keptOpen, RunReader } from './run-reader.ts';
import { type UseFinding, UseFindingList } from './use-findings.ts';
import type { UseLogFile } from './use-lines.ts';
import { type LineCopy, type UseLogFacts, UseLogJudge } from './use-log-judge.ts';
import type { Use, UseRecord } from './use-record.ts';
import { type Run, scanFiles, type TornEnd } from './use-runs.ts';

export { type UseLogFile, useLogFile } from './use-lines.ts';
export type { UseLogFacts };

/** A use that is proved to stand in a log. */
export interface FoundUse {
  readonly use: Use;
  readonly trail: string;
  readonly seq: number;
}

export interface ReadUseLogsOptions {
  /** The keys of the guards, from their owners. A log of another one is judged by the key that its genesis names, and that is a finding. */
  readonly keys: readonly PublicKey[];
  /** Called for every use of a line that counts, in the order of each log, log after log; once for all copies of a line. */
  readonly onUse: (found: FoundUse) => void;
}

export interface UseLogsRead {
  readonly logs: readonly UseLogFacts[];
  readonly findings: readonly UseFinding[];
}

/**
 * Reads use logs: files in any order, of any number of logs, copies among them (docs/format.md §13). It goes on past what it
 * finds; what it keeps does not grow with the logs. Nothing that the files hold makes it throw.
 */
export function readUseLogs(files: readonly UseLogFile[], options: ReadUseLogsOptions): UseLogsRead {
  const found = new UseFindingList();
  const { runs, torn } = scanFiles(files, found);
  const logs = [...runs].map(([trail, ofLog]) => {
    const judge = new UseLogJudge(trail, options.keys, found);
    for (const { seq, copies } of places(ofLog)) {
      markWhole(torn, trail, seq, copies);
      for (const record of judge.judge(seq, copies)) {
        markNamed(torn, record);
        if (record.type === 'uses') for (const use of record.uses) options.onUse({ use, trail, seq });
      }
    }
    return judge.finish();
  });
  for (const end of torn) reportTorn(end, found);
  return { logs, findings: found.list() };
}

/** Place after place what the files have there, the same bytes once. A run is open only while it lasts. */
function* places(runs: readonly Run[]): Generator<{ readonly seq: number; readonly copies: readonly LineCopy[] }> {
  let open: RunReader[] = [];
  let waiting = 0;
  let seq = runs[0]?.first;
  try {
    while (seq !== undefined) {
      for (let run = runs[waiting]; run?.first === seq; run = runs[++waiting])
        open.push(new RunReader(run, open.length < keptOpen));
      const place = seq;
      yield { seq, copies: copiesAt(place, open) };
      open = open.filter(({ run }) => run.last > place);
      seq = open.length > 0 ? place + 1 : runs[waiting]?.first;
    }
  } finally {
    for (const reader of open) reader.close();
  }
}

function copiesAt(seq: number, open: readonly RunReader[]): readonly LineCopy[] {
  const copies = new Map<string, LineCopy>();
  for (const reader of open) {
    const bytes = reader.next();
    if (reader.run.last === seq) reader.close();
    if (!bytes) continue;
    const name = open.length === 1 ? '' : sha256Hex(bytes);
    if (!copies.has(name)) copies.set(name, { file: reader.run.file.name, bytes });
  }
  return [...copies.values()];
}

function markWhole(torn: readonly TornEnd[], trail: string, seq: number, copies: readonly LineCopy[]): void {
  for (const end of torn) {
    if (end.mended || !mayStandAt(end, trail, seq)) continue;
    end.mended = copies.some(({ bytes }) => equalBytes(bytes.subarray(0, end.bytes.length), end.bytes));
  }
}

/** A file that holds nothing but a torn line does not say where it belongs: then it must be long enough to tell lines apart. */
const tellingBytes = 300;

function mayStandAt({ place, bytes }: TornEnd, trail: string, seq: number): boolean {
  return place ? place.trail === trail && place.seq === seq : bytes.length >= tellingBytes;
}

function markNamed(torn: readonly TornEnd[], record: UseRecord): void {
  if (record.type !== 'recovered') return;
  for (const end of torn) end.mended ||= sha256Hex(end.bytes) === record.sha256;
}

function reportTorn({ file, bytes, place, mended }: TornEnd, found: UseFindingList): void {
  const what = `the last ${bytes.length} bytes of ${file} are a cut line`;
  const where = { trail: place?.trail ?? null, seq: place?.seq ?? null, file };
  if (mended) found.add('USE_LINE_MENDED', `${what}, which the log names or holds whole elsewhere`, where);
  else found.add('USE_LINE_TORN', `${what}: a use may be lost`, where);
}
