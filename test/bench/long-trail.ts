import { KeyObject, sign } from 'node:crypto';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { formatBase64url, sha256, sha256Hex } from '../../src/base/bytes.ts';
import { canonicalJson } from '../../src/base/canonical.ts';
import { formatTime } from '../../src/base/time.ts';
import type { SigningKey } from '../../src/key/derive.ts';
import { fingerprintOfDigest, headWordCount } from '../../src/key/fingerprint.ts';
import { type Issuance, isCeremonyRecord, isIssuance, type TrailRecord } from '../../src/trail/record.ts';
import { requestFingerprint } from '../../src/trust/request.ts';
import { buildTrail, type TrailBuilder } from '../trail/build.ts';

/** A good trail as one file of concatenated records, and what an auditor needs to find it intact. */
export interface LongTrail {
  readonly path: string;
  readonly trustPath: string;
  readonly records: number;
  /** One a record, and in a review record the auditor's besides. */
  readonly signatures: number;
  /** The head code of the last ceremony record. */
  readonly head: string;
}

const typesInTurn = 12;
const chunkBytes = 4 * 1024 * 1024;

/**
 * Writes a trail of `count` records of every type in turn. Each is one of a short trail of the tests with its own place, times
 * and ids, signed here by node:crypto: the builder of the tests opens every record again and keeps them all.
 */
export async function writeLongTrail(path: string, count: number): Promise<LongTrail> {
  const builder = await buildTrail(typesInTurn + 1, { stepSeconds });
  const trail = new Stamp(builder);
  const file = openSync(path, 'wx');
  let chunk: string[] = [];
  let chunkLength = 0;
  for (let seq = 0; seq < count; seq++) {
    const line = trail.next();
    chunk.push(line);
    chunkLength += line.length;
    if (chunkLength < chunkBytes && seq < count - 1) continue;
    writeSync(file, chunk.join(''));
    chunk = [];
    chunkLength = 0;
  }
  closeSync(file);
  const trustPath = `${path}.trust`;
  writeFileSync(trustPath, builder.trust.bytes);
  const head = fingerprintOfDigest(trail.headCeremony, headWordCount).words.join(' ');
  return { path, trustPath, records: count, signatures: trail.signatures, head };
}

// A strip of tokens lasts an hour: with less between two issuances nothing else would be wrong, but 24 hours would hold more
// of them than a policy allows.
const stepSeconds = 600;

class Stamp {
  readonly #templates: readonly TrailRecord[];
  readonly #trail: Signer;
  readonly #recorder: Signer;
  #seq = 0;
  #before: string | null = null;
  headCeremony = '';
  signatures = 0;

  constructor(builder: TrailBuilder) {
    // Parsed from canonical JSON the members stand in order, and JSON.stringify writes that same order.
    this.#templates = builder.records.map((record) => JSON.parse(canonicalJson(record)));
    this.#trail = signerOf(builder.keys.trail);
    this.#recorder = signerOf(builder.recorder);
  }

  /** The next line, LF included. */
  next(): string {
    const record = this.#nextRecord();
    const signer = isCeremonyRecord(record) ? this.#trail : this.#recorder;
    const input = `${signer.header}.${Buffer.from(JSON.stringify(record)).toString('base64url')}`;
    const line = `${input}.${sign(null, Buffer.from(input), signer.key).toString('base64url')}\n`;
    this.#before = sha256Hex(line);
    if (isCeremonyRecord(record)) this.headCeremony = this.#before;
    this.#seq++;
    this.signatures += record.type === 'review' ? 2 : 1;
    return line;
  }

  #nextRecord(): TrailRecord {
    const seq = this.#seq;
    const template = this.#templates[seq === 0 ? 0 : ((seq - 1) % typesInTurn) + 1];
    if (!template) throw new TypeError('a template for every type');
    const laterSeconds = (seq - template.seq) * stepSeconds;
    const time = later(template.time, laterSeconds);
    const record = { ...template, seq, prev: this.#before, time };
    if (isIssuance(record)) return restamped(record, laterSeconds);
    if (record.type === 'mint.released') return { ...record, issued: { seq: seq - 1, sha256: this.#before ?? '' } };
    return record;
  }
}

interface Signer {
  readonly header: string;
  readonly key: KeyObject;
}

function signerOf({ kid, key }: SigningKey): Signer {
  const header = canonicalJson({ alg: 'EdDSA', kid, typ: 'breakglass-record+jws' });
  return { header: Buffer.from(header).toString('base64url'), key: KeyObject.from(key) };
}

/** An issuance of another request, at another time: its ids are of its place, so that every run writes the same. */
function restamped(record: Issuance, laterSeconds: number): TrailRecord {
  const { seq, prev } = record;
  const request = {
    ...record.request,
    id: idOf('request', seq),
    createdAt: later(record.request.createdAt, laterSeconds),
  };
  const tokens = record.tokens.map(({ claims }, position) => {
    const trail = { ...claims.breakglass.trail, seq, prev: prev ?? '' };
    const times = {
      exp: claims.exp + laterSeconds,
      iat: claims.iat + laterSeconds,
      nbf: claims.nbf + laterSeconds,
    };
    const jti = idOf(`token ${position}`, seq);
    const breakglass = { ...claims.breakglass, family: idOf('family', seq), trail };
    return { claims: { ...claims, ...times, jti, breakglass }, sha256: sha256Hex(jti) };
  });
  return { ...record, request, requestSha256: requestFingerprint(request).sha256, tokens };
}

function later(time: string, seconds: number): string {
  return formatTime(Date.parse(time) / 1000 + seconds);
}

function idOf(what: string, seq: number): string {
  return formatBase64url(sha256(`${what} ${seq}`).subarray(0, 16));
}
