import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { type JwsSigner, jwsPayload, openJws, sealJws, type UnverifiedJws } from '../base/jws.ts';
import { recordMaxBytes, recordSchema, type TrailRecord } from './record.ts';

/** A record file of strict form whose signature was not checked yet. */
export interface RecordFile {
  readonly record: TrailRecord;
  readonly jws: UnverifiedJws;
  /** SHA-256 of the file, what `sha256sum` prints and the next record's `prev`. */
  readonly sha256: string;
}

/** Opens one record file: a compact JWS and one LF. Throws `FORMAT` or `JWS_…`; `what` names it ("record 12 on AUDIT-B"). */
export function openRecordFile(bytes: Uint8Array, what: string): RecordFile {
  if (bytes.length > recordMaxBytes) throw refuse(what, 'it is longer than 1 MiB');
  if (bytes.at(-1) !== 0x0a) throw refuse(what, 'it does not end with a line feed');
  const jws = openJws(bytes.subarray(0, -1), 'breakglass-record+jws', what);
  if (jws.header.alg !== 'EdDSA') throw refuse(what, 'its alg is not EdDSA');
  return { record: jwsPayload(jws, recordSchema, what), jws, sha256: sha256Hex(bytes) };
}

/** The bytes of a record file: signed by the trail key or the recorder, as the type wants it. */
export async function sealRecord(record: TrailRecord, signer: JwsSigner): Promise<Uint8Array> {
  const bytes = Buffer.from(`${await sealJws(record, 'breakglass-record+jws', signer)}\n`);
  openRecordFile(bytes, `record ${record.seq}`);
  return bytes;
}

function refuse(what: string, why: string): BreakglassError {
  return new BreakglassError('FORMAT', `${what} is not in the format: ${why}`, {
    hint: 'the file was changed, cut or made by another program. Nothing in it was believed.',
  });
}
