import { isCeremonyRecord } from '../trail/record.ts';
import { openRecordOf, type TrailCopy } from './copy.ts';
import type { Proof } from './proof.ts';
import { type RecordNode, walk } from './record-tree.ts';

/** One record of the history in force, and a copy that holds it. */
export interface HistoryEntry {
  readonly seq: number;
  readonly sha256: string;
  readonly holder: TrailCopy;
}

/** A record file that is not part of the history in force. */
export interface LosingFile {
  readonly copy: TrailCopy;
  readonly seq: number;
  readonly sha256: string;
  readonly why: LosingReason;
}

/**
 * `torn`: the newest on its copy and no record at all · `damaged`: the same elsewhere, or a record under another's name ·
 * `unproved`: nobody who may sign did, and other copies do not have it · `recorder`, `ceremony`: good, of the losing side.
 */
export type LosingReason = 'torn' | 'damaged' | 'unproved' | 'recorder' | 'ceremony';

/** The one history that a mint goes on from. */
export interface ChosenHistory {
  /** Ascending by seq. */
  readonly entries: readonly HistoryEntry[];
  readonly losing: readonly LosingFile[];
  /** Holes: records that are on no copy although later ones are, and no `restart` explains it. Both ends included. */
  readonly holes: readonly { readonly from: number; readonly to: number }[];
}

/**
 * Chooses among the records of all copies, seen as a tree by their `prev`. Where two follow the same record, the side with
 * the newest ceremony record wins, then the longer, then the smaller hash. Only what copies do not agree on is opened and
 * must be proved; the check of the whole chain is another's. A hole that all copies have stays a hole: nothing that was
 * signed after it is given up.
 */
export function chooseHistory(
  copies: readonly TrailCopy[],
  trustId: string,
  proofOf: (agreed: Agreed) => Proof,
): ChosenHistory {
  const holders = copies.filter(({ records }) => records.size > 0);
  const agreed = agreedPrefix(holders);
  const { nodes, losing } = examine(holders, agreed, trustId, proofOf(agreed));
  const chosen = walk(agreed.entries.at(-1), nodes);
  const inForce = new Set([...agreed.entries, ...chosen].map(({ sha256 }) => sha256));
  for (const node of nodes.values()) {
    if (inForce.has(node.sha256)) continue;
    for (const copy of holders)
      if (copy.records.get(node.seq) === node.sha256)
        losing.push({ copy, seq: node.seq, sha256: node.sha256, why: node.ceremony ? 'ceremony' : 'recorder' });
  }
  const entries = [...agreed.entries, ...chosen.map(({ seq, sha256, holder }) => ({ seq, sha256, holder }))];
  return { entries, losing, holes: holesOf(entries, chosen) };
}

/** The first records, as far as every copy that has records has the same ones, but for the last of all. */
export interface Agreed {
  readonly entries: readonly HistoryEntry[];
}

function agreedPrefix(holders: readonly TrailCopy[]): Agreed {
  const entries: HistoryEntry[] = [];
  const [holder] = holders;
  const newest = greatest(holders.map(newestSeq));
  // Only genesis may begin unexamined; a trail that begins later must show why.
  for (let seq = 0; holder && seq < newest; seq++) {
    const sha256 = holder.records.get(seq);
    if (sha256 === undefined || holders.some(({ records }) => records.get(seq) !== sha256)) break;
    entries.push({ seq, sha256, holder });
  }
  return { entries };
}

/** The greatest sequence number of a copy, -1 without any. Records were read in the order of their names. */
function newestSeq({ records }: TrailCopy): number {
  return [...records.keys()].at(-1) ?? -1;
}

function examine(holders: readonly TrailCopy[], agreed: Agreed, trustId: string, proof: Proof) {
  const nodes = new Map<string, RecordNode>();
  const losing: LosingFile[] = [];
  const verdicts = new Map<string, LosingReason | RecordNode>();
  for (const copy of holders) {
    const newest = newestSeq(copy);
    for (const [seq, sha256] of copy.records) {
      if (seq < agreed.entries.length) continue;
      const key = `${seq} ${sha256}`;
      // The next record, when all have it, needs no proof here. One behind a hole does: it could use up all numbers.
      const everyones = seq === agreed.entries.length && holders.every(({ records }) => records.get(seq) === sha256);
      const verdict = verdicts.get(key) ?? judge(copy, seq, { trustId, proof: everyones ? () => true : proof });
      verdicts.set(key, verdict);
      if (typeof verdict !== 'string') nodes.set(sha256, verdict);
      else
        losing.push({
          copy,
          seq,
          sha256,
          why: verdict === 'damaged' && seq === newest ? tornOrDamaged(copy, seq) : verdict,
        });
    }
  }
  return { nodes, losing };
}

function judge(
  copy: TrailCopy,
  seq: number,
  { trustId, proof }: { trustId: string; proof: Proof },
): LosingReason | RecordNode {
  const file = openRecordOf(copy.place, seq);
  if (!file || file.record.trail !== trustId || file.record.seq !== seq) return 'damaged';
  if (!proof(file)) return 'unproved';
  const { prev, type, time } = file.record;
  return { seq, sha256: file.sha256, prev, type, time, ceremony: isCeremonyRecord(file.record), holder: copy };
}

// A record of another trust or place is whole: no power cut tears like that.
function tornOrDamaged(copy: TrailCopy, seq: number): LosingReason {
  return openRecordOf(copy.place, seq) ? 'damaged' : 'torn';
}

function holesOf(entries: readonly HistoryEntry[], chosen: readonly RecordNode[]): ChosenHistory['holes'] {
  const restarts = new Set(chosen.filter(({ type }) => type === 'restart').map(({ seq }) => seq));
  return entries.flatMap(({ seq }, position) => {
    const expected = (entries[position - 1]?.seq ?? -1) + 1;
    return seq === expected || restarts.has(seq) ? [] : [{ from: expected, to: seq - 1 }];
  });
}

function greatest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), -1);
}
