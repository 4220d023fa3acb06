import type { BreakglassError } from '../base/errors.ts';
import { showable } from '../base/text.ts';
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
export const mendAnomalyCodes = [
  'TRAIL_CUT',
  'TRAIL_FORKED',
  'TRAIL_HOLE',
  'CONFLICTING_CEREMONY',
  'RECORD_DAMAGED',
  'RECORD_UNPROVED',
  'COPY_UNUSABLE',
] as const;
export type AnomalyCode = (typeof mendAnomalyCodes)[number];

/**
 * One anomaly for each kind and copy, however many records it is about: a stick with thousands of spoilt files must not make
 * a record that is too long to be written.
 */
export function describeAnomalies(
  chosen: ChosenHistory,
  marks: readonly Mark[],
  unusable: readonly { readonly error: BreakglassError }[],
): readonly MendAnomaly[] {
  return [
    ...cutTail(chosen, marks),
    ...forked(chosen, marks),
    ...holes(chosen),
    ...losingAnomalies(chosen.losing),
    ...unusable.map(({ error }) => ({ code: 'COPY_UNUSABLE' as const, detail: showable(error.message, 512) })),
  ];
}

interface Mark {
  readonly seq: number;
  readonly sha256: string | null;
}

function cutTail({ entries }: ChosenHistory, marks: readonly Mark[]): readonly MendAnomaly[] {
  const end = entries.at(-1)?.seq ?? -1;
  const known = Math.max(-1, ...marks.map(({ seq }) => seq));
  if (known <= end) return [];
  const held = end < 0 ? 'no copy holds any record' : `every copy ends at record ${end} or before`;
  return [{ code: 'TRAIL_CUT', detail: `${held}, and record ${known} was seen` }];
}

function forked({ entries }: ChosenHistory, marks: readonly Mark[]): readonly MendAnomaly[] {
  const bySeq = new Map(entries.map(({ seq, sha256 }) => [seq, sha256]));
  const different = marks.filter(({ seq, sha256 }) => sha256 !== null && bySeq.has(seq) && bySeq.get(seq) !== sha256);
  if (different.length === 0) return [];
  const detail = `${nameRecords(different)} of the history in force: something else was seen before`;
  return [{ code: 'TRAIL_FORKED', detail }];
}

function holes({ holes: found }: ChosenHistory): readonly MendAnomaly[] {
  if (found.length === 0) return [];
  const count = found.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const [from, to] = [found[0]?.from, found.at(-1)?.to];
  const which = count === 1 ? `record ${from} is` : `${count} records from ${from} to ${to} are`;
  return [{ code: 'TRAIL_HOLE', detail: `${which} on no copy, and later ones are` }];
}

const reasons = {
  ceremony: { code: 'CONFLICTING_CEREMONY', text: 'signed by a quorum, and not of the history in force' },
  damaged: { code: 'RECORD_DAMAGED', text: 'damaged' },
  unproved: { code: 'RECORD_UNPROVED', text: 'signed by nobody of this trust' },
} as const;

function losingAnomalies(losing: readonly LosingFile[]): readonly MendAnomaly[] {
  const whats = new Set(losing.map(({ copy }) => copy.place.what));
  return [...whats].flatMap((what) =>
    (['ceremony', 'damaged', 'unproved'] as const).flatMap((why) => {
      const files = losing.filter((file) => file.copy.place.what === what && file.why === why);
      if (files.length === 0) return [];
      const first = files[0]?.sha256.slice(0, 16);
      return [
        {
          code: reasons[why].code,
          detail: `${nameRecords(files)} on ${what} (SHA-256 ${first}…): ${reasons[why].text}`,
        },
      ];
    }),
  );
}

function nameRecords(records: readonly { readonly seq: number }[]): string {
  const seqs = records.map(({ seq }) => seq).sort((a, b) => a - b);
  return seqs.length === 1 ? `record ${seqs[0]}` : `${seqs.length} records from ${seqs[0]} to ${seqs.at(-1)}`;
}
