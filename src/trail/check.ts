import { isBreakglassError } from '../base/errors.ts';
import { verifyJws, verifyJwsInBackground } from '../base/jws.ts';
import type { CheckpointTree } from './checkpoint.ts';
import { FactKeeper, type TrailFacts } from './facts.ts';
import { type Finding, FindingList, finding, type RecordPlace } from './findings.ts';
import { Laws } from './laws.ts';
import { Links, type TrailPoint } from './links.ts';
import { isNewerRecord } from './newer-record.ts';
import { Notices } from './notices.ts';
import { isCeremonyRecord } from './record.ts';
import { openRecordFile, type RecordFile } from './record-file.ts';
import type { Review } from './review.ts';
import { type SignerJudgement, Signers } from './signers.ts';
import type { TrustHistory } from './trust-history.ts';

export type { RecordPlace, TrailPoint };

/** What is known when a chain has been read to its end. */
export interface ChainResult {
  /** How many files were read. */
  readonly records: number;
  readonly head: TrailPoint | null;
  /** The last record that the trail key signed. */
  readonly headCeremony: (TrailPoint & { readonly time: string }) | null;
  readonly findings: readonly Finding[];
  readonly facts: TrailFacts;
}

/** Checks one chain, file by file, in order. It goes on past what it finds; its memory does not grow with the chain. */
export interface TrailCheck {
  add(bytes: Uint8Array, where: RecordPlace): Promise<void>;
  /** A file that is there and cannot be read. */
  addUnreadable(where: RecordPlace, why: string): void;
  finish(): Promise<ChainResult>;
}

export interface TrailCheckOptions {
  readonly history: TrustHistory;
  /** Called in order for every record in strict form, when its signature has been judged. */
  readonly onRecord?: (file: RecordFile) => void;
  /** Grows by each record from genesis on, as far as none is missing. */
  readonly tree?: CheckpointTree;
}

export function createTrailCheck(options: TrailCheckOptions): TrailCheck {
  return new ChainCheck(options);
}

/**
 * When this many signatures are under way on the thread pool, half of them are waited for, and all of them when their records
 * are this large. Far fewer would make the threads wait for each other at every record.
 */
const inFlight = 256;
const inFlightMaxBytes = 16 * 1024 * 1024;
/** What is kept of records whose recorder no ceremony has named yet. */
const waitingMaxBytes = 16 * 1024 * 1024;

interface Placed {
  readonly file: RecordFile;
  readonly where: RecordPlace;
  readonly seq: number;
}

interface UnderWay extends Placed {
  /** Undefined when there is no key to verify with. */
  readonly verified: Promise<boolean> | undefined;
  /** Of a review record, what its statement says, or why that is refused. */
  readonly review: Promise<Review | string> | undefined;
}

class ChainCheck implements TrailCheck {
  readonly #options: TrailCheckOptions;
  readonly #signers: Signers;
  readonly #facts = new FactKeeper();
  readonly #found = new FindingList();
  readonly #notices = new Notices(this.#found);
  readonly #links: Links;
  readonly #laws: Laws;
  readonly #queue: UnderWay[] = [];
  #queuedBytes = 0;
  #waiting: Placed[] = [];
  #waitingBytes = 0;
  #records = 0;
  #torn: RecordPlace | undefined;
  #headCeremony: ChainResult['headCeremony'] = null;

  constructor(options: TrailCheckOptions) {
    const { history } = options;
    this.#options = options;
    this.#signers = new Signers(history);
    this.#links = new Links(history.id, this.#found);
    this.#laws = new Laws(history, this.#signers, this.#facts, this.#found);
  }

  async add(bytes: Uint8Array, where: RecordPlace): Promise<void> {
    this.#count();
    const file = this.#open(bytes, where);
    const seq = file && this.#links.take(file, where);
    // A tree with a hole in it would be another tree.
    if (seq !== undefined && seq === this.#options.tree?.size) this.#options.tree.add(bytes);
    if (!file || seq === undefined) return;
    // These change which key signs what follows: nothing after them can be judged before they are.
    const pivotal = ['genesis', 'rotate', 'policy', 'restart'].includes(file.record.type);
    if (pivotal) {
      await this.#settle(0);
      this.#laws.begin(file.record, where);
    }
    let signer = this.#signers.judge(file);
    if ('unknown' in signer) {
      // It may be named by a record whose signature is still under way.
      await this.#settle(0);
      signer = this.#signers.judge(file);
    }
    const verified = this.#startVerifying(signer, { file, where, seq });
    const review = verified && file.record.type === 'review' ? this.#laws.openReview(file.record) : undefined;
    this.#queue.push({ file, where, seq, verified, review });
    this.#queuedBytes += file.jws.signingInput.length;
    if (pivotal || this.#queuedBytes > inFlightMaxBytes) await this.#settle(0);
    else if (this.#queue.length >= inFlight) await this.#settle(inFlight / 2);
  }

  addUnreadable(where: RecordPlace, why: string): void {
    this.#count();
    this.#found.report('RECORD_UNREADABLE', where, why, this.#links.placeOf(where));
    this.#links.skip(where);
  }

  async finish(): Promise<ChainResult> {
    await this.#settle(0);
    if (this.#torn) this.#found.report('RECORD_TORN', this.#torn, 'the newest file is cut off');
    for (const placed of this.#waiting) this.#reportUnknownRecorder(placed);
    if (this.#records === 0) this.#found.add(finding('TRAIL_EMPTY', 'there is no record'));
    const { trust } = this.#signers;
    return {
      records: this.#records,
      head: this.#links.head,
      headCeremony: this.#headCeremony,
      findings: this.#found.list(),
      facts: this.#facts.publish({
        trust: trust ? { version: trust.payload.version, sha256: trust.sha256 } : null,
        recorders: this.#signers.recorders(),
        openRotation: this.#laws.openRotation,
      }),
    };
  }

  // Whether a cut file is the newest one shows when another comes after it, or none.
  #count(): void {
    this.#records++;
    if (this.#torn) this.#found.report('RECORD_FORM', this.#torn, 'it does not end with a line feed');
    this.#torn = undefined;
  }

  #open(bytes: Uint8Array, where: RecordPlace): RecordFile | undefined {
    try {
      return openRecordFile(bytes, where.what);
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      const seq = this.#links.placeOf(where);
      if (bytes.at(-1) !== 0x0a) this.#torn = { ...where, seq };
      else if (isNewerRecord(bytes, this.#signers))
        this.#found.report('FORMAT_NEWER', where, 'it is of a newer format: check it with a newer breakglass', seq);
      else this.#found.add(finding('RECORD_FORM', error.message, { seq, medium: where.medium }));
      this.#links.skip(where);
      return undefined;
    }
  }

  #startVerifying(signer: SignerJudgement, placed: Placed): Promise<boolean> | undefined {
    const { file, where, seq } = placed;
    if ('key' in signer) return verifyJwsInBackground(file.jws, signer.key);
    if ('refusal' in signer) this.#found.report('SIGNER_WRONG', where, signer.refusal, seq);
    else if (signer.unknown === 'recorder') this.#wait(placed);
    return undefined;
  }

  /** Judges what is under way, in order, until at most `left` are. */
  async #settle(left: number): Promise<void> {
    const settled = this.#queue.splice(0, Math.max(0, this.#queue.length - left));
    for (const next of settled) {
      const right = await next.verified;
      this.#queuedBytes -= next.file.jws.signingInput.length;
      if (right === false) this.#found.report('SIGNATURE_WRONG', next.where, 'its signature is wrong', next.seq);
      if (right) this.#believe(next, await next.review);
      this.#options.onRecord?.(next.file);
    }
  }

  #believe({ file: { record, sha256 }, where, seq }: Placed, review: Review | string | undefined): void {
    this.#facts.saw(record);
    this.#facts.upkeep.note(record, this.#signers.trust?.set.setId);
    this.#notices.add(record, where, seq);
    this.#laws.judge({ record, sha256, seq, where }, review);
    if (!isCeremonyRecord(record)) return;
    this.#facts.upkeep.inForce(this.#signers.trust?.set.setId, record.time);
    this.#headCeremony = { seq, sha256, time: record.time };
    if (this.#waiting.length > 0) this.#judgeWaiting();
  }

  #wait(placed: Placed): void {
    this.#waitingBytes += placed.file.jws.signingInput.length;
    if (this.#waitingBytes <= waitingMaxBytes) this.#waiting.push(detached(placed));
    else this.#reportUnknownRecorder(placed);
  }

  #judgeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const placed of waiting) {
      const key = this.#signers.find(placed.file.jws.header.kid);
      if (!key) this.#waiting.push(placed);
      else if (verifyJws(placed.file.jws, key)) this.#believeLate(placed);
      else this.#found.report('SIGNATURE_WRONG', placed.where, 'its signature is wrong', placed.seq);
    }
  }

  #believeLate({ file: { record }, where, seq }: Placed): void {
    this.#facts.upkeep.note(record, undefined);
    this.#notices.add(record, where, seq);
    if (record.type === 'review') this.#laws.judgeLateReview({ record, where, seq });
  }

  #reportUnknownRecorder({ where, seq }: Placed): void {
    this.#found.report('RECORDER_UNKNOWN', where, 'no ceremony record names the recorder that signed it', seq);
  }
}

// What is checked much later keeps bytes of its own: a view would hold the whole piece of the file that it was read in.
function detached(placed: Placed): Placed {
  const { jws } = placed.file;
  return { ...placed, file: { ...placed.file, jws: { ...jws, signingInput: Uint8Array.from(jws.signingInput) } } };
}
