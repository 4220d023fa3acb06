import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import { recordName } from '../trail/layout.ts';
import { appendFile } from './append.ts';
import { equalIdentities } from './disk.ts';
import type { OpenMedium } from './medium.ts';

declare const durable: unique symbol;

/**
 * Proof that the record `seq` is durable on at least `copies` media (promise P1). `release` asks for one, and only
 * `commitRecord` makes them: the brand is not exported.
 */
export interface DurableReceipt {
  readonly [durable]: true;
  readonly seq: number;
  readonly sha256: string;
  readonly reached: readonly Reached[];
}

/** What became of the record on one medium. */
export interface Reached {
  /** Medium id. */
  readonly medium: string;
  readonly label: string;
  readonly ok: boolean;
  /** Why not; null when `ok`. */
  readonly error: BreakglassError | null;
}

/** A record file as it goes to the media; `sha256` is of `bytes`, `name` is that of `seq`. */
export interface SealedRecord {
  readonly seq: number;
  readonly sha256: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Appends the record to the media, one after the other. A medium that fails is suspect for the rest of the run and named in
 * `reached`. Throws when fewer than `copies` hold the record, with every failure in the message; as soon as that is
 * certain nothing more is written, so that fewer sticks hold a record of a token that never was.
 */
export async function commitRecord(
  media: readonly OpenMedium[],
  record: SealedRecord,
  { copies }: { readonly copies: number },
): Promise<DurableReceipt> {
  refuseNonsense(media, record, copies);
  const reached: Reached[] = [];
  for (const [position, medium] of media.entries()) {
    const stillPossible = countGood(reached) + (media.length - position);
    if (stillPossible < copies) break;
    reached.push(append(medium, record));
  }
  if (countGood(reached) < copies) throw tooFew(reached, record, copies);
  const receipt: Omit<DurableReceipt, typeof durable> = { seq: record.seq, sha256: record.sha256, reached };
  return Object.freeze(receipt) as DurableReceipt;
}

function append(medium: OpenMedium, record: SealedRecord): Reached {
  const { id, label } = medium;
  if (medium.suspect) return { medium: id, label, ok: false, error: medium.suspect };
  try {
    appendFile(medium, record.name, record.bytes);
    return { medium: id, label, ok: true, error: null };
  } catch (error) {
    if (!isBreakglassError(error)) throw error;
    medium.distrust(error);
    return { medium: id, label, ok: false, error };
  }
}

function countGood(reached: readonly Reached[]): number {
  return reached.filter(({ ok }) => ok).length;
}

// Each of these would make a receipt that proves nothing, and none can come from outside: a bug, not an error.
function refuseNonsense(media: readonly OpenMedium[], record: SealedRecord, copies: number): void {
  if (!Number.isSafeInteger(copies) || copies < 1) throw new TypeError('copies is not a positive integer');
  if (record.bytes.length === 0 || record.sha256 !== sha256Hex(record.bytes) || record.name !== recordName(record.seq))
    throw new TypeError('the record is not the one that it says it is');
  for (const [position, { folder }] of media.entries()) {
    const twice = media.slice(0, position).some((other) => equalIdentities(other.folder.identity, folder.identity));
    if (twice) throw new TypeError('the same folder twice is one copy');
  }
}

function tooFew(reached: readonly Reached[], record: SealedRecord, copies: number): BreakglassError {
  const failures = reached.flatMap(({ error }) => (error ? [error] : []));
  const [first] = failures;
  const summary = `record ${record.seq} is on ${countGood(reached)} of the ${copies} media that must hold it`;
  const message = first ? `${failures.map((failure) => failure.message).join('; ')}; ${summary}` : summary;
  return new BreakglassError(first?.code ?? 'MEDIUM_TOO_FEW', message, {
    hint: 'no token was issued. Unplug what failed, insert another stick, and run the same command again.',
    cause: first,
  });
}
