import { verify, webcrypto } from 'node:crypto';
import { equalBytes, parseBase64url, sha256 } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import type { Seconds } from '../base/time.ts';
import type { SigningKey } from '../key/derive.ts';
import type { PublicKey } from '../key/public.ts';
import type { LabelledKey, Trust } from '../trust/trust-file.ts';

export { type CheckpointTree, createTree } from './merkle.ts';

/** What a checkpoint says: the tree hash over the first `size` record files (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly trustId: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** The text that is signed, its last LF included. */
  readonly body: string;
}

/** An auditor saw this checkpoint at that time (C2SP tlog-cosignature, cosignature/v1). */
export interface Cosignature {
  readonly auditor: string;
  readonly time: Seconds;
}

const signatureTypes = { checkpoint: 0x01, cosignature: 0x04 } as const;
type SignatureType = keyof typeof signatureTypes;

/** A checkpoint as a signed note by the trail key; `root` is the tree hash, 32 bytes. */
export async function sealCheckpoint(
  trustId: string,
  size: number,
  root: Uint8Array,
  key: SigningKey,
): Promise<Uint8Array> {
  const name = checkpointKeyName(trustId);
  const body = formatBody({ trustId, size, root });
  const signature = await sign(body, key);
  return Buffer.from(`${body}\n${noteLine(name, keyId(name, 'checkpoint', key.public), signature)}\n`);
}

/**
 * Opens a checkpoint that a trail key of `trust`, active or retired, signed. Throws `CHECKPOINT_INVALID`.
 * Whether the trail agrees with it is another question.
 */
export function openCheckpoint(bytes: Uint8Array, trust: Pick<Trust, 'id' | 'keys'>): Checkpoint {
  const text = Buffer.from(bytes).toString('utf8');
  const [body, signatures, ...more] = text.split('\n\n');
  if (!body || !signatures || more.length > 0) throw refuse('it is not a text and one signature');
  const checkpoint = parseBody(`${body}\n`);
  if (checkpoint.trustId !== trust.id) throw refuse('it is of another trail');
  const name = checkpointKeyName(trust.id);
  const keys = trust.keys.filter((key) => key.use === 'trail').map((key) => key.public);
  const signed = parseNoteLine(signatures, name, 64);
  const key = keys.find((candidate) => equalBytes(keyId(name, 'checkpoint', candidate), signed.keyId));
  if (!key) throw refuse('it is not signed by a trail key of this trust');
  if (!verify(null, Buffer.from(checkpoint.body), key.key, signed.rest)) throw refuse('its signature is wrong');
  return checkpoint;
}

/** A cosignature line, LF included, by an auditor's key over a checkpoint. */
export async function sealCosignature(
  checkpoint: Checkpoint,
  auditor: { readonly label: string; readonly key: SigningKey },
  time: Seconds,
): Promise<Uint8Array> {
  const signature = await sign(cosigned(checkpoint, time), auditor.key);
  const timestamp = Buffer.alloc(8);
  timestamp.writeBigUInt64BE(BigInt(time));
  const id = keyId(auditor.label, 'cosignature', auditor.key.public);
  return Buffer.from(`${noteLine(auditor.label, id, Buffer.concat([timestamp, signature]))}\n`);
}

/** Opens one cosignature line over `checkpoint` by one of `auditors`. Throws `CHECKPOINT_INVALID`. */
export function openCosignature(
  line: Uint8Array,
  checkpoint: Checkpoint,
  auditors: readonly LabelledKey[],
): Cosignature {
  const text = Buffer.from(line).toString('utf8');
  const auditor = auditors.find(({ label }) => text.startsWith(`— ${label} `));
  if (!auditor) throw refuse('its cosignature is by nobody among the auditors of the trust file');
  const signed = parseNoteLine(text, auditor.label, 72);
  if (!equalBytes(keyId(auditor.label, 'cosignature', auditor.public), signed.keyId))
    throw refuse(`its cosignature is not by the key of auditor ${auditor.label}`);
  const time = Number(signed.rest.readBigUInt64BE(0));
  const message = Buffer.from(cosigned(checkpoint, time));
  if (!Number.isSafeInteger(time) || !verify(null, message, auditor.public.key, signed.rest.subarray(8)))
    throw refuse(`the cosignature of auditor ${auditor.label} is wrong`);
  return { auditor: auditor.label, time };
}

function checkpointKeyName(trustId: string): string {
  return `breakglass/${trustId}`;
}

function formatBody(checkpoint: Omit<Checkpoint, 'body'>): string {
  const root = Buffer.from(checkpoint.root).toString('base64');
  return `${checkpointKeyName(checkpoint.trustId)}\n${checkpoint.size}\n${root}\n`;
}

function parseBody(body: string): Checkpoint {
  const match = /^breakglass\/([0-9a-f]{64})\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(body);
  const [, trustId, size, root] = match ?? [];
  if (!trustId || !size || !root) throw refuse('its text is not origin, size and tree hash');
  const checkpoint = { trustId, size: Number(size), root: Buffer.from(root, 'base64') };
  if (formatBody(checkpoint) !== body) throw refuse('its text has a second spelling');
  return { ...checkpoint, body };
}

function cosigned(checkpoint: Checkpoint, time: Seconds): string {
  return `cosignature/v1\ntime ${time}\n${checkpoint.body}`;
}

/** C2SP signed-note: SHA-256(name || 0x0A || type || public key), the first four bytes. */
function keyId(name: string, type: SignatureType, key: PublicKey): Uint8Array {
  const bytes = key.jwk.kty === 'OKP' ? parseBase64url(key.jwk.x) : undefined;
  if (!bytes) throw new TypeError('not an Ed25519 key');
  return sha256(name, '\n', Uint8Array.of(signatureTypes[type]), bytes).subarray(0, 4);
}

function noteLine(name: string, id: Uint8Array, signature: Uint8Array): string {
  return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}`;
}

function parseNoteLine(line: string, name: string, length: number): { keyId: Buffer; rest: Buffer } {
  const start = `— ${name} `;
  const bytes = Buffer.from(line.slice(start.length, -1), 'base64');
  if (bytes.length !== 4 + length || line !== `${noteLine(name, bytes.subarray(0, 4), bytes.subarray(4))}\n`)
    throw refuse('its signature line is not in the format');
  return { keyId: bytes.subarray(0, 4), rest: bytes.subarray(4) };
}

async function sign(text: string, key: SigningKey): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.sign('Ed25519', key.key, Buffer.from(text)));
}

function refuse(why: string): BreakglassError {
  return new BreakglassError('CHECKPOINT_INVALID', `the checkpoint is refused: ${why}`, {
    hint: 'it was changed, cut or made by another program. It was not used as an anchor.',
  });
}
