import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { type JwsSigner, jwsPayload, openJws, sealJws, type UnverifiedJws } from '../base/jws.ts';
import { type UseRecord, useRecordMaxBytes, useRecordSchema } from './use-record.ts';

/** A line of a use log in strict form whose signature was not checked yet. */
export interface UseLine {
  readonly record: UseRecord;
  readonly jws: UnverifiedJws;
  /** SHA-256 of the line with its LF: the next line's `prev`. */
  readonly sha256: string;
}

/** Opens one line: a compact JWS and one LF. Throws `FORMAT` or `JWS_…`; `what` names it ("line 12 of uses.jws"). */
export function openUseLine(bytes: Uint8Array, what: string): UseLine {
  if (bytes.length > useRecordMaxBytes) throw refuse(what, 'it is longer than 1 MiB');
  if (bytes.at(-1) !== 0x0a) throw refuse(what, 'it does not end with a line feed');
  const jws = openJws(bytes.subarray(0, -1), 'breakglass-use+jws', what);
  if (jws.header.alg !== 'EdDSA') throw refuse(what, 'its alg is not EdDSA');
  return { record: jwsPayload(jws, useRecordSchema, what), jws, sha256: sha256Hex(bytes) };
}

/** The bytes of one line, signed by the guard's own key. The caller knows that `record` fits its schema. Throws `FORMAT` over 1 MiB. */
export async function sealUseLine(record: UseRecord, signer: JwsSigner): Promise<Uint8Array> {
  const bytes = Buffer.from(`${await sealJws(record, 'breakglass-use+jws', signer)}\n`);
  if (bytes.length > useRecordMaxBytes) throw refuse(`record ${record.seq} of the use log`, 'it is longer than 1 MiB');
  return bytes;
}

/** Method, route or client as a use holds it: anything but printable ASCII as `?`, at most 256 characters; never empty. */
export function printableField(text: string): string {
  return text.slice(0, 256).replace(/[^!#-[\]-~]/g, '?') || '?';
}

function refuse(what: string, why: string): BreakglassError {
  return new BreakglassError('FORMAT', `${what} is not in the format: ${why}`, {
    hint: 'it was changed, cut or made by another program. Nothing in it was believed.',
  });
}
