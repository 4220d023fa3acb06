import { isBreakglassError } from '../base/errors.ts';
import type { LabelledKey } from '../trust/trust-file.ts';
import { checkExtraShare } from './extra-share.ts';
import type { FactKeeper, FamilyBreach } from './facts.ts';
import type { FindingList, RecordPlace } from './findings.ts';
import { checkIssuance } from './issuance-check.ts';
import { policySha256 } from './policy-digest.ts';
import { checkQuorum, type QuorumRecord } from './quorum-check.ts';
import { type CeremonyRecord, isCeremonyRecord, isIssuance, type RecordOf, type TrailRecord } from './record.ts';
import { openReview, openReviewInBackground, type Review } from './review.ts';
import type { Signers } from './signers.ts';
import type { TrustHistory } from './trust-history.ts';

/** A record whose signature was right, at its place. */
interface Proved<R extends TrailRecord> {
  readonly record: R;
  readonly sha256: string;
  readonly seq: number;
  readonly where: RecordPlace;
}

const familyBreaches: Readonly<Record<FamilyBreach, string>> = {
  FAMILY_SEQUENCE: 'its tokens do not continue the sequence of their family',
  FAMILY_DIFFERS: 'it continues a family that was issued for another incident, subject or role, or as a drill or not',
};

/** The laws that a proved record must keep, and what it changes for those after it. */
export class Laws {
  readonly #history: TrustHistory;
  readonly #signers: Signers;
  readonly #facts: FactKeeper;
  readonly #found: FindingList;
  #begunRotation: string | undefined;

  constructor(history: TrustHistory, signers: Signers, facts: FactKeeper, found: FindingList) {
    this.#history = history;
    this.#signers = signers;
    this.#facts = facts;
    this.#found = found;
  }

  get openRotation(): string | null {
    return this.#begunRotation ?? null;
  }

  /** Before a record's signature is judged: genesis brings version 1 into force, and a restart may name a version not at hand. */
  begin(record: TrailRecord, where: RecordPlace): void {
    if (record.type === 'genesis' && !this.#signers.trust) this.#signers.enter(this.#history.find(1, this.#history.id));
    if (record.type !== 'restart' || this.#history.find(record.trust.version, record.trust.sha256)) return;
    this.#reportMissingTrust(record.trust.version, where, record.seq);
    this.#signers.enter(undefined);
  }

  /** `review`: of a review record, what `openReview` found. */
  judge(proved: Proved<TrailRecord>, review: Review | string | undefined): void {
    const { record } = proved;
    if (isCeremonyRecord(record)) this.#judgeCeremony({ ...proved, record });
    if (record.type === 'mint.released') this.#judgeRelease({ ...proved, record });
    if (record.type === 'review' && review !== undefined) this.#judgeReview({ ...proved, record }, review);
  }

  /** A review whose record was proved late: its statement is opened here and now. */
  judgeLateReview(proved: Omit<Proved<RecordOf<'review'>>, 'sha256'>): void {
    const { statement, trail } = proved.record;
    let review: Review | string;
    try {
      review = openReview(statement, trail, this.#auditors());
    } catch (error) {
      review = refusalOf(error);
    }
    this.#judgeReview(proved, review);
  }

  /** What the statement of a review record says, or why it is refused; verified on the thread pool. */
  openReview({ statement, trail }: RecordOf<'review'>): Promise<Review | string> {
    return openReviewInBackground(statement, trail, this.#auditors()).catch(refusalOf);
  }

  /** Auditors of every version at hand count, as they do for cosignatures: nothing ever ends a review. */
  #auditors(): readonly LabelledKey[] {
    return this.#history.versions.flatMap((trust) => trust.auditors);
  }

  #judgeReview(proved: Omit<Proved<RecordOf<'review'>>, 'sha256'>, review: Review | string): void {
    for (const { code, message } of this.#facts.debts.close(proved.record, review, this.#facts.heads))
      this.#found.report(code, proved.where, message, proved.seq);
  }

  #judgeCeremony(proved: Proved<CeremonyRecord>): void {
    const { record, seq, sha256 } = proved;
    this.#facts.heads.add(seq, sha256);
    if (record.type === 'restart') this.#enterRestart({ ...proved, record });
    if (this.#signers.enrol(record.recorder) === 'refused')
      this.#report('SIGNER_WRONG', proved, 'its recorder key is unfit');
    if (record.type === 'genesis') this.#judgeGenesis({ ...proved, record });
    else this.#judgeQuorum({ ...proved, record });
    if (isIssuance(record)) this.#judgeIssuance({ ...proved, record });
    if (record.type === 'rotate' || record.type === 'policy') this.#changeTrust({ ...proved, record });
  }

  #enterRestart(proved: Proved<RecordOf<'restart'>>): void {
    const { anchor, trust } = proved.record;
    const named = this.#history.find(trust.version, trust.sha256);
    this.#report('RESTARTED', proved, `a quorum began the trail anew (${anchor}); what came before may be lost`);
    if (named && named.payload.version >= (this.#signers.trust?.payload.version ?? 0)) this.#signers.enter(named);
    else this.#report('TRUST_SUCCESSION', proved, `it goes back to trust version ${trust.version}`);
  }

  #judgeGenesis(proved: Proved<RecordOf<'genesis'>>): void {
    const { record } = proved;
    const { trust } = this.#signers;
    if (!trust) return;
    const same =
      record.trust.version === 1 &&
      record.trust.sha256 === this.#history.id &&
      record.setId === trust.set.setId &&
      record.m === trust.set.threshold &&
      record.n === trust.set.shares.length &&
      record.strength === trust.set.strength &&
      record.policySha256 === policySha256(trust);
    if (!same) this.#report('GENESIS_DIFFERS', proved, 'it does not say what the trust file of version 1 says');
  }

  #judgeQuorum(proved: Proved<QuorumRecord>): void {
    const { record } = proved;
    const { trust } = this.#signers;
    if (!trust) return;
    for (const { code, message } of checkQuorum(record, trust)) this.#report(code, proved, message);
    // One rotation is two records of one request: begun, and done.
    const completes = record.type === 'rotate' && record.requestSha256 === this.#begunRotation;
    const first = record.type === 'rotate.begun' && record.requestSha256 === this.#begunRotation;
    if (record.type === 'rotate.begun') {
      this.#begunRotation = record.requestSha256;
      this.#facts.beginSet(record);
    }
    if (completes) this.#begunRotation = undefined;
    if (!completes && !first && !this.#facts.useRequest(record.request.id, record))
      this.#report('REQUEST_REUSED', proved, `a ceremony was held for its request ${record.request.id} before`);
  }

  #judgeIssuance(proved: Proved<Parameters<typeof checkIssuance>[0]>): void {
    const { record, sha256 } = proved;
    const { trust } = this.#signers;
    if (!trust) return;
    for (const { code, message } of checkIssuance(record, trust, this.#facts)) this.#report(code, proved, message);
    for (const { code, message } of checkExtraShare(record, trust, this.#facts.debts))
      this.#report(code, proved, message);
    for (const code of this.#facts.addIssuance(record, sha256)) this.#report(code, proved, familyBreaches[code]);
  }

  #changeTrust(proved: Proved<RecordOf<'rotate' | 'policy'>>): void {
    const { version, sha256 } = proved.record.trust;
    const before = this.#signers.trust;
    const next = this.#history.find(version, sha256);
    if (!next) this.#reportMissingTrust(version, proved.where, proved.seq);
    else if (before && next.payload.previous !== before.sha256) {
      this.#report('TRUST_SUCCESSION', proved, `trust version ${version} does not follow ${before.payload.version}`);
      return;
    }
    this.#signers.enter(next);
  }

  #judgeRelease(proved: Proved<RecordOf<'mint.released'>>): void {
    const { issued } = proved.record;
    const known = issued.seq < proved.seq ? this.#facts.issuanceAt(issued.seq) : null;
    if (known !== undefined && known !== issued.sha256)
      this.#report('RELEASE_UNKNOWN', proved, `record ${issued.seq} with that hash issued nothing`);
  }

  #reportMissingTrust(version: number, where: RecordPlace, seq: number): void {
    const why = `the trust file of version ${version} that it names is not at hand; what follows was not judged`;
    this.#found.report('TRUST_FILE_MISSING', where, why, seq);
  }

  #report(code: Parameters<FindingList['report']>[0], proved: Proved<TrailRecord>, why: string): void {
    this.#found.report(code, proved.where, why, proved.seq);
  }
}

function refusalOf(error: unknown): string {
  if (isBreakglassError(error)) return error.message;
  throw error;
}
