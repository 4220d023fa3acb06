import { sha256Hex } from '../base/bytes.ts';
import { isBreakglassError } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { formatTime } from '../base/time.ts';
import type { SigningKey } from '../key/derive.ts';
import { ed25519JwkOf } from '../key/derive.ts';
import { machineFacts } from '../machine/clock.ts';
import type { PendingMembers } from '../machine/pending.ts';
import { softwareIdentity } from '../machine/program.ts';
import type { State } from '../machine/state.ts';
import { appendFile } from '../medium/append.ts';
import { commitRecord, type DurableReceipt } from '../medium/commit.ts';
import type { OpenMedium } from '../medium/medium.ts';
import { type CheckpointTree, sealCheckpoint } from '../trail/checkpoint.ts';
import { checkpointName, recordName } from '../trail/layout.ts';
import type { Anomaly, CeremonyRecord, RecordMembers, TrailRecord } from '../trail/record.ts';
import { sealRecord } from '../trail/record-file.ts';

export interface TrailHead {
  readonly seq: number;
  readonly sha256: string;
}

type ClockSource = TrailRecord['machine']['clock'];
export type CeremonyMembers = Exclude<RecordMembers<CeremonyRecord>, { readonly type: 'genesis' }>;
export type RecorderMembers = Exclude<RecordMembers, { readonly type: CeremonyRecord['type'] }>;

/** What a quorum's record is signed with, how many media must hold it, and what the quorum confirmed. */
export interface CeremonySigning {
  readonly trail: SigningKey;
  readonly copies: number;
  readonly anomalies: readonly Anomaly[];
}

/** A record file that is signed for a place in the trail. */
export interface SealedFile {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly ceremony: boolean;
}

/** What is the same in every record of one run of the tool. */
export interface RunFacts {
  readonly session: string;
  readonly clock: Clock;
  readonly clockSource: ClockSource;
}

/** The common members of the record after `head`, but for `recorder` (docs/format.md §9). */
export function commonMembers(trustId: string, run: RunFacts, head: TrailHead | null) {
  return {
    v: 1 as const,
    trail: trustId,
    seq: (head?.seq ?? -1) + 1,
    prev: head?.sha256 ?? null,
    time: formatTime(run.clock.now()),
    session: run.session,
    machine: { ...machineFacts(), clock: run.clockSource },
    software: softwareIdentity(),
    anomalies: [] as Anomaly[],
  };
}

/** Keeps a record in the state directory until a medium can take it (P9). */
export function waitForMedium(
  state: State,
  run: RunFacts,
  members: RecorderMembers,
  anomalies: readonly Anomaly[],
): void {
  const { time, session, machine, software } = commonMembers(state.trust.id, run, null);
  state.addPending({ time, session, machine, software, anomalies: [...anomalies], ...members });
}

/** Writes one record after the other: sealed, appended to the media, copied, marked. Guards that the chain has one head. */
export class TrailWriter {
  readonly media: readonly OpenMedium[];
  readonly warnings: { readonly code: string; readonly message: string }[] = [];
  readonly #state: State;
  readonly #tree: CheckpointTree;
  #run: RunFacts;
  #head: TrailHead | null;
  #headCeremony: TrailHead | null;
  #interrupted = false;

  constructor(options: {
    readonly state: State;
    readonly media: readonly OpenMedium[];
    readonly run: RunFacts;
    readonly head: TrailHead | null;
    readonly headCeremony: TrailHead | null;
    readonly tree: CheckpointTree;
    /** `restart`: nothing but that record may come next. */
    readonly next?: 'restart';
  }) {
    this.#state = options.state;
    this.media = options.media;
    this.#run = options.run;
    this.#head = options.head;
    this.#headCeremony = options.headCeremony;
    this.#tree = options.tree;
    this.#interrupted = options.next === 'restart';
  }

  get head(): TrailHead | null {
    return this.#head;
  }

  get headCeremony(): TrailHead | null {
    return this.#headCeremony;
  }

  get nextSeq(): number {
    return (this.#head?.seq ?? -1) + 1;
  }

  /** True while the next place in the chain is not free: a record may stand there that did not reach enough media, or a restart must. */
  get interrupted(): boolean {
    return this.#interrupted;
  }

  /** Said once people have confirmed the time. */
  clockConfirmed(clockSource: ClockSource): void {
    this.#run = { ...this.#run, clockSource };
  }

  /** The record of a quorum, signed by the trail key, and the checkpoint after it. Throws when fewer than `copies` media hold it. */
  async appendCeremony(members: CeremonyMembers, options: CeremonySigning): Promise<DurableReceipt> {
    const sealed = await this.sealCeremony(members, options);
    return this.appendSealed(sealed, options);
  }

  /** The same record, signed for the place that comes next and not written yet. */
  async sealCeremony(members: CeremonyMembers, { trail, anomalies }: CeremonySigning): Promise<SealedFile> {
    const recorder = ed25519JwkOf(await this.#state.recorder());
    const record = { ...this.#common(), ...members, recorder, anomalies: [...anomalies] } as TrailRecord;
    return { seq: record.seq, bytes: await sealRecord(record, trail), ceremony: true };
  }

  /** Writes a ceremony record that was signed before; the checkpoint after it only where the trail key is at hand. */
  async appendSealed(
    sealed: SealedFile,
    { copies, trail }: Pick<CeremonySigning, 'copies'> & Partial<CeremonySigning>,
  ): Promise<DurableReceipt> {
    if (sealed.seq !== this.nextSeq) throw new TypeError('the record is signed for another place');
    const receipt = await this.#append(sealed, copies);
    if (trail) await this.#appendCheckpoint(trail);
    return receipt;
  }

  /** A record of the recorder; one medium is enough for it. `members` of a record that waited say when it happened. */
  async appendRecorder(
    members: RecorderMembers | PendingMembers,
    anomalies: readonly Anomaly[] = [],
  ): Promise<DurableReceipt> {
    const recorder = await this.#state.recorder();
    const record = { ...this.#common(), anomalies: [...anomalies], ...members, recorder: recorder.kid } as TrailRecord;
    return this.#append({ seq: record.seq, bytes: await sealRecord(record, recorder), ceremony: false }, 1);
  }

  #common() {
    return commonMembers(this.#state.trust.id, this.#run, this.#head);
  }

  async #append({ seq, bytes, ceremony }: SealedFile, copies: number): Promise<DurableReceipt> {
    const name = recordName(seq);
    const head = { seq, sha256: sha256Hex(bytes) };
    this.#interrupted = true;
    const receipt = await commitRecord(this.media, { ...head, name, bytes }, { copies });
    this.#interrupted = false;
    this.#head = head;
    if (ceremony) this.#headCeremony = head;
    this.#tree.add(bytes);
    this.#keepLocally(name, bytes, head);
    return receipt;
  }

  // The media hold the record already: a full disk of this machine is no reason to withhold a token.
  #keepLocally(name: string, bytes: Uint8Array, head: TrailHead): void {
    try {
      this.#state.appendLocal(name, bytes);
      this.#raiseHighWater(head);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.warnings.push({
        code: 'LOCAL_COPY',
        message: `the local copy of record ${head.seq} was not written: ${message}`,
      });
    }
  }

  // After a cut tail only a quorum, which has confirmed the anomaly, lets the mark go back; and only a quorum gives a new state
  // directory its first one.
  #raiseHighWater(head: TrailHead): void {
    const mark = this.#state.highWater;
    const quorum = this.#headCeremony?.seq === head.seq;
    if (quorum || (mark !== null && head.seq > mark.seq)) this.#state.setHighWater(head);
  }

  async #appendCheckpoint(trail: SigningKey): Promise<void> {
    // Where records are missing there is no tree over all of them.
    if (this.#tree.size !== this.nextSeq) return;
    const name = checkpointName(this.#tree.size);
    const bytes = await sealCheckpoint(this.#state.trust.id, this.#tree.size, this.#tree.root(), trail);
    for (const medium of this.media.filter((candidate) => !candidate.suspect)) {
      try {
        await appendFile(medium, name, bytes);
      } catch (error) {
        if (!isBreakglassError(error)) throw error;
        medium.distrust(error);
        this.warnings.push({ code: 'CHECKPOINT', message: `the checkpoint was not written: ${error.message}` });
      }
    }
  }
}
