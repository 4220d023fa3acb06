import type { BreakglassError } from '../base/errors.ts';
import type { ChosenHistory, LosingFile } from './history.ts';

/** Looked wrong and refuses nothing (P10): for every custodian to confirm, and for the record. */
export interface MendAnomaly {
  readonly code: AnomalyCode;
  readonly detail: string;
}

/**
 * `TRAIL_CUT`: something remembers more than the copies hold · `TRAIL_FORKED`: something remembers another record ·
 * `TRAIL_HOLE`: records are on no copy, later ones are · `CONFLICTING_CEREMONY`: two quorums signed for the same place ·
 * `RECORD_DAMAGED`, `RECORD_UNPROVED`: a file on one copy is spoilt · `COPY_UNUSABLE`: a copy cannot be read or mended.
 */
export type AnomalyCode =
  | 'TRAIL_CUT'
  | 'TRAIL_FORKED'
  | 'TRAIL_HOLE'
  | 'CONFLICTING_CEREMONY'
  | 'RECORD_DAMAGED'
  | 'RECORD_UNPROVED'
  | 'COPY_UNUSABLE';

export function describeAnomalies(
  chosen: ChosenHistory,
  marks: readonly { readonly seq: number; readonly sha256: string | null }[],
  unusable: readonly { readonly error: BreakglassError }[],
): readonly MendAnomaly[] {
  return [
    ...cutTail(chosen, marks),
    ...forked(chosen, marks),
    ...chosen.holes.map(({ from, to }) => ({
      code: 'TRAIL_HOLE' as const,
      detail: from === to ? `record ${from} is on no copy` : `records ${from} to ${to} are on no copy`,
    })),
    ...chosen.losing.flatMap(losingAnomaly),
    ...unusable.map(({ error }) => ({ code: 'COPY_UNUSABLE' as const, detail: error.message })),
  ];
}

type Marks = Parameters<typeof describeAnomalies>[1];

function cutTail({ entries }: ChosenHistory, marks: Marks): readonly MendAnomaly[] {
  const end = entries.at(-1)?.seq ?? -1;
  const known = Math.max(-1, ...marks.map(({ seq }) => seq));
  if (known <= end) return [];
  const held = end < 0 ? 'no copy holds any record' : `every copy ends at record ${end} or before`;
  return [{ code: 'TRAIL_CUT', detail: `${held}, and record ${known} was seen` }];
}

function forked({ entries }: ChosenHistory, marks: Marks): readonly MendAnomaly[] {
  const bySeq = new Map(entries.map(({ seq, sha256 }) => [seq, sha256]));
  const different = marks.filter(({ seq, sha256 }) => sha256 !== null && bySeq.has(seq) && bySeq.get(seq) !== sha256);
  return [...new Set(different.map(({ seq }) => seq))].map((seq) => ({
    code: 'TRAIL_FORKED',
    detail: `record ${seq} of the history in force is not the one that was seen before`,
  }));
}

function losingAnomaly({ copy: { place }, seq, sha256, why }: LosingFile): readonly MendAnomaly[] {
  switch (why) {
    case 'ceremony':
      return [
        {
          code: 'CONFLICTING_CEREMONY',
          detail: `record ${seq} on ${place.what} (SHA-256 ${sha256.slice(0, 16)}) was signed by a quorum and is not of the history in force`,
        },
      ];
    case 'damaged':
      return [{ code: 'RECORD_DAMAGED', detail: `record ${seq} on ${place.what} is damaged` }];
    case 'unproved':
      return [{ code: 'RECORD_UNPROVED', detail: `record ${seq} on ${place.what} is signed by nobody of this trust` }];
    case 'torn':
    case 'recorder':
      return [];
  }
}
