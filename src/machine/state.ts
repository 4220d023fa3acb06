import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, formatCanonicalFile } from '../base/canonical.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import {
  array,
  filePath,
  identifier,
  integer,
  literal,
  object,
  randomId,
  type Shape,
  sha256Digest,
} from '../base/schema.ts';
import type { SigningKey } from '../key/derive.ts';
import { mergeRevocations } from '../revocation/list.ts';
import { trustName, trustNameVersion } from '../trail/layout.ts';
import { acceptTrust, openTrust, type Trust } from '../trust/trust-file.ts';
import { makePrivateDirectory, replaceFile, writeExclusive } from './files.ts';
import { appendLocal } from './local-trail.ts';
import { addPending, type PendingMembers, type PendingRecords, readPending, removePending } from './pending.ts';
import { loadRecorder, recorderName } from './recorder.ts';
import { checkStateDirectory } from './state-dir.ts';
import { damaged, readStateFile, readStateJson } from './state-file.ts';

const highWaterSchema = object({ v: literal(1), trust: sha256Digest, seq: integer, sha256: sha256Digest });
const knownMedium = object({ medium: randomId, label: identifier, path: filePath });
const mediaSchema = object({ v: literal(1), media: array(knownMedium) });

/** A medium that this machine has written to, and where it was mounted last. */
export type KnownMedium = Shape<typeof knownMedium>;

/** The last record that this machine knows to be on media. */
export interface HighWater {
  readonly seq: number;
  readonly sha256: string;
}

export interface NewState {
  readonly trust: Trust;
  /** PKCS#8 of `createRecorder`; the caller wipes it. */
  readonly recorder: Uint8Array;
  /** Statement lines, each ended by LF. */
  readonly revocations: Uint8Array;
}

/** Makes the state of a ceremony machine in `dir`, of mode 0700. Throws `EXISTS` if one is there. */
export function createState(dir: string, { trust, recorder, revocations }: NewState): State {
  for (const folder of [dir, join(dir, 'trust'), join(dir, 'trail'), join(dir, 'pending')])
    makePrivateDirectory(folder);
  writeExclusive(join(dir, recorderName), recorder, { mode: 0o600 });
  writeExclusive(join(dir, 'revocations.jws'), revocations, { mode: 0o600 });
  // Last: a state directory is one once its trust file is there.
  writeExclusive(join(dir, 'trust', trustName(trust.payload.version)), trust.bytes, { mode: 0o600 });
  return openState(dir);
}

/**
 * Opens the state directory of a ceremony machine. Throws `STATE_MISSING`, `STATE_EXPOSED`, or `STATE_DAMAGED` for what
 * cannot be done without: the newest trust file and the recorder key. Other damage is told in `damage`.
 */
export function openState(dir: string): State {
  const versions = trustVersions(dir);
  const newest = versions.at(-1);
  if (newest === undefined) throw missing(dir);
  checkStateDirectory(dir);
  if (!existsSync(join(dir, recorderName))) throw damaged(join(dir, recorderName), 'is missing');
  return new State(dir, openTrustVersion(dir, newest), versions);
}

/** What a ceremony machine keeps between ceremonies. Guards that what is in memory is what is on disk. */
export class State {
  readonly dir: string;
  /** The local copy of the trail: the files of a medium's trail folder. */
  readonly trailDir: string;
  /** Files that are not readable and were taken as empty: each is an anomaly to show and record (P10). */
  readonly damage: readonly BreakglassError[];
  readonly #damage: BreakglassError[] = [];
  #trust: Trust;
  #versions: readonly number[];
  #highWater: HighWater | null;
  #media: readonly KnownMedium[];
  #recorder: Promise<SigningKey> | undefined;

  constructor(dir: string, trust: Trust, versions: readonly number[]) {
    this.dir = dir;
    this.trailDir = join(dir, 'trail');
    this.damage = this.#damage;
    this.#trust = trust;
    this.#versions = versions;
    this.#highWater = this.#readHighWater();
    this.#media = this.#orDamaged(() => readStateJson(this.#path('media.json'), mediaSchema))?.media ?? [];
  }

  /** The newest accepted version. */
  get trust(): Trust {
    return this.#trust;
  }

  /** All accepted versions, the oldest first. */
  trustFiles(): readonly Uint8Array[] {
    return this.#versions.map((version) => readTrustVersion(this.dir, version));
  }

  /** Accepts the next version, or the same again. Throws `TRUST_OTHER`, `TRUST_OLDER` or `TRUST_INVALID`. */
  addTrust(candidate: Trust): void {
    acceptTrust(this.#trust, candidate);
    if (candidate.sha256 === this.#trust.sha256) return;
    const { version } = candidate.payload;
    // By a rename: a version that a kill cut off would make a state directory that does not open.
    replaceFile(this.#path('trust', trustName(version)), candidate.bytes, { mode: 0o600 });
    this.#trust = candidate;
    this.#versions = [...this.#versions, version];
  }

  /** The recorder key, loaded when it is first needed. */
  recorder(): Promise<SigningKey> {
    this.#recorder ??= loadRecorder(this.dir);
    return this.#recorder;
  }

  get highWater(): HighWater | null {
    return this.#highWater;
  }

  /** Whether the mark may go back is the ceremony's question: it does after an anomaly that everybody confirmed. */
  setHighWater({ seq, sha256 }: HighWater): void {
    const mark = formatCanonicalFile({ v: 1, trust: this.#trust.id, seq, sha256 });
    replaceFile(this.#path('high-water.json'), mark, { mode: 0o600 });
    this.#highWater = { seq, sha256 };
  }

  get media(): readonly KnownMedium[] {
    return this.#media;
  }

  setMedia(media: readonly KnownMedium[]): void {
    if (canonicalJson(media) === canonicalJson(this.#media)) return;
    replaceFile(this.#path('media.json'), formatCanonicalFile({ v: 1, media }), { mode: 0o600 });
    this.#media = media;
  }

  /** The statement lines known here, whoever signed them. */
  revocations(): Uint8Array {
    return readStateFile(this.#path('revocations.jws')) ?? new Uint8Array(0);
  }

  /** Adds the lines that are not known yet and returns all; nothing is ever taken out. */
  mergeRevocations(lines: Uint8Array): Uint8Array {
    const known = this.revocations();
    const all = mergeRevocations(known, lines);
    if (Buffer.compare(known, all) !== 0) replaceFile(this.#path('revocations.jws'), all, { mode: 0o600 });
    return all;
  }

  /** Adds a file to the local copy, flushed; returns the name under which another file of that name was set aside. */
  appendLocal(name: string, bytes: Uint8Array): string | undefined {
    makePrivateDirectory(this.trailDir);
    return appendLocal(this.trailDir, name, bytes);
  }

  readPending(): PendingRecords {
    return readPending(this.#path('pending'));
  }

  addPending(members: PendingMembers): string {
    return addPending(this.#path('pending'), members);
  }

  removePending(name: string): void {
    removePending(this.#path('pending'), name);
  }

  #readHighWater(): HighWater | null {
    const path = this.#path('high-water.json');
    const mark = this.#orDamaged(() => {
      const found = readStateJson(path, highWaterSchema);
      if (found && found.trust !== this.#trust.id) throw damaged(path, 'is of another trust');
      return found;
    });
    return mark ? { seq: mark.seq, sha256: mark.sha256 } : null;
  }

  #orDamaged<T>(read: () => T | undefined): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!isBreakglassError(error, 'STATE_DAMAGED')) throw error;
      this.#damage.push(error);
      return undefined;
    }
  }

  #path(...names: readonly string[]): string {
    return join(this.dir, ...names);
  }
}

function trustVersions(dir: string): number[] {
  const folder = join(dir, 'trust');
  if (!existsSync(folder) || !lstatSync(folder).isDirectory()) return [];
  const versions = readdirSync(folder).map(trustNameVersion);
  return versions.filter((version) => version !== undefined).sort((a, b) => a - b);
}

function openTrustVersion(dir: string, version: number): Trust {
  const path = join(dir, 'trust', trustName(version));
  let trust: Trust;
  try {
    trust = openTrust(readTrustVersion(dir, version));
  } catch (cause) {
    if (isBreakglassError(cause, 'STATE_DAMAGED')) throw cause;
    throw damaged(path, 'is not a trust file', cause);
  }
  if (trust.payload.version !== version) throw damaged(path, `is version ${trust.payload.version}`);
  return trust;
}

function readTrustVersion(dir: string, version: number): Uint8Array {
  const path = join(dir, 'trust', trustName(version));
  const bytes = readStateFile(path);
  if (!bytes) throw damaged(path, 'is missing');
  return bytes;
}

function missing(dir: string): BreakglassError {
  return new BreakglassError('STATE_MISSING', `there is no state of a ceremony machine in ${dir}`, {
    hint: 'give --state DIR, or make one with: breakglass init. Nothing was done.',
  });
}
