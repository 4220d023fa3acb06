import { parseBase64url } from '../base/bytes.ts';

/** The `seq` and `type` that the bytes of a record claim, unchecked: enough to lay copies side by side. */
export function peekRecord(bytes: Uint8Array): { readonly seq: number | null; readonly type: string | null } {
  const nothing = { seq: null, type: null };
  const [, segment] = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').split('.', 3);
  const payload = segment === undefined ? undefined : parseBase64url(segment);
  try {
    const value: unknown = JSON.parse(payload?.toString('utf8') ?? '');
    if (typeof value !== 'object' || value === null) return nothing;
    const seq = 'seq' in value && typeof value.seq === 'number' && Number.isSafeInteger(value.seq) ? value.seq : null;
    return { seq, type: 'type' in value && typeof value.type === 'string' ? value.type : null };
  } catch {
    return nothing;
  }
}
