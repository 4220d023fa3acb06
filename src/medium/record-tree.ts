import type { RecordFile } from '../trail/record-file.ts';
import type { TrailCopy } from './copy.ts';

/** A record that counts, as a node of the tree that the `prev` of all records make. */
export interface RecordNode {
  readonly seq: number;
  readonly sha256: string;
  readonly prev: string | null;
  readonly type: RecordFile['record']['type'];
  readonly ceremony: boolean;
  readonly time: string;
  readonly holder: TrailCopy;
}

interface Predecessor {
  readonly seq: number;
  readonly sha256: string;
}

/**
 * The history that goes on from `last`, one record after the other; from the beginning without one. Where two follow the same
 * record, the side with the newest ceremony record wins, then the longer, then the smaller hash.
 */
export function walk(last: Predecessor | undefined, nodes: ReadonlyMap<string, RecordNode>): readonly RecordNode[] {
  const ranks = rankAll(nodes);
  const children = groupBy(nodes.values(), ({ prev }) => prev ?? '');
  const orphans = [...nodes.values()].filter(
    ({ prev }) => prev === null || (prev !== last?.sha256 && !nodes.has(prev)),
  );
  const path: RecordNode[] = [];
  let here: Predecessor = last ?? { seq: -1, sha256: '' };
  for (;;) {
    const next = best(candidates(here, children.get(here.sha256) ?? [], orphans), ranks);
    if (!next) return path;
    path.push(next);
    here = next;
  }
}

/** Whole chains go before broken ones: orphans are followed only where nothing else goes on, nearest first. */
function candidates(
  here: Predecessor,
  children: readonly RecordNode[],
  orphans: readonly RecordNode[],
): readonly RecordNode[] {
  const following = children.filter(({ seq }) => seq === here.seq + 1);
  const restarts = orphans.filter(({ seq, type }) => seq === here.seq + 1 && type === 'restart');
  if (following.length + restarts.length > 0) return [...following, ...restarts];
  const ahead = orphans.filter(({ seq }) => seq > here.seq).sort((a, b) => a.seq - b.seq);
  return ahead.filter(({ seq }) => seq === ahead[0]?.seq);
}

/** What a side is worth: the time of its newest ceremony record, and how far it goes. */
interface Rank {
  readonly ceremony: string;
  readonly length: number;
}

function rankAll(nodes: ReadonlyMap<string, RecordNode>): ReadonlyMap<string, Rank> {
  const ranks = new Map<string, Rank>();
  for (const node of [...nodes.values()].sort((a, b) => b.seq - a.seq)) {
    const below = ranks.get(node.sha256);
    const rank = {
      ceremony: later(below?.ceremony ?? '', node.ceremony ? node.time : ''),
      length: Math.max(below?.length ?? 0, node.seq),
    };
    ranks.set(node.sha256, rank);
    const parent = node.prev === null ? undefined : nodes.get(node.prev);
    if (parent && parent.seq === node.seq - 1) {
      const before = ranks.get(parent.sha256);
      ranks.set(parent.sha256, {
        ceremony: later(before?.ceremony ?? '', rank.ceremony),
        length: Math.max(before?.length ?? 0, rank.length),
      });
    }
  }
  return ranks;
}

function best(candidates: readonly RecordNode[], ranks: ReadonlyMap<string, Rank>): RecordNode | undefined {
  const [first] = [...candidates].sort((a, b) => {
    const [left, right] = [ranks.get(a.sha256), ranks.get(b.sha256)];
    if (!left || !right) throw new TypeError('a record without a rank');
    if (left.ceremony !== right.ceremony) return left.ceremony > right.ceremony ? -1 : 1;
    if (left.length !== right.length) return right.length - left.length;
    return a.sha256 < b.sha256 ? -1 : 1;
  });
  return first;
}

// Times are `YYYY-MM-DDTHH:MM:SSZ`, which sort as text.
function later(a: string, b: string): string {
  return a > b ? a : b;
}

function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
