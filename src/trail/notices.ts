import type { FindingList, RecordPlace } from './findings.ts';
import type { TrailRecord } from './record.ts';

const keptMedia = 1024;

/** What is right in form and still has to be shown to an auditor. */
export class Notices {
  readonly #found: FindingList;
  readonly #fixedMedia = new Set<string>();
  #sandboxSaid = false;

  constructor(found: FindingList) {
    this.#found = found;
  }

  add(record: TrailRecord, where: RecordPlace, seq: number): void {
    for (const { code, detail, confirmedBy } of record.anomalies) {
      const confirmed = confirmedBy.length > 0 ? `confirmed by ${confirmedBy.join(', ')}` : 'confirmed by nobody';
      this.#found.report('ANOMALY', where, `${code}: ${detail} (${confirmed})`, seq);
    }
    if ('media' in record) for (const medium of record.media) this.#addMedium(medium, where, seq);
    if (record.type === 'media.added') this.#addMedium(record, where, seq);
    if ('preflight' in record) this.#addPreflight(record.preflight, where, seq);
  }

  #addMedium(
    medium: { readonly medium: string; readonly label: string; readonly removable: boolean | null },
    where: RecordPlace,
    seq: number,
  ): void {
    if (medium.removable === true || this.#fixedMedia.has(medium.medium)) return;
    if (this.#fixedMedia.size < keptMedia) this.#fixedMedia.add(medium.medium);
    const kind = medium.removable === null ? 'not known to be removable' : 'not removable';
    this.#found.report('MEDIUM_FIXED', where, `medium ${medium.label} is ${kind}`, seq);
  }

  #addPreflight(
    preflight: { readonly mode: string; readonly checks: readonly { readonly name: string; readonly ok: boolean }[] },
    where: RecordPlace,
    seq: number,
  ): void {
    if (preflight.mode === 'sandbox' && !this.#sandboxSaid) {
      this.#sandboxSaid = true;
      this.#found.report('SANDBOX', where, 'it was made in a sandbox: this trail opens nothing real', seq);
    }
    const failed = preflight.checks.filter(({ ok }) => !ok).map(({ name }) => name);
    if (failed.length > 0)
      this.#found.report('PREFLIGHT_FAILED', where, `the machine did not pass: ${failed.join(', ')}`, seq);
  }
}
