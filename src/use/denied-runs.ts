import type { FoundAt, ReconcileFindings } from './reconcile-findings.ts';
import { timeOfMs } from './reconcile-findings.ts';
import type { Use } from './use-record.ts';

/** So many denials in a row are told. */
export const deniedRunLength = 5;
/** Clients and tokens that are watched at a time. */
const watched = 4096;

interface Run {
  readonly place: FoundAt;
  readonly who: string;
  readonly codes: Set<string>;
  count: number;
  lastMs: number;
}

/** Denials of one client, or of one token where the client is not known, with nothing allowed between. */
export class DeniedRuns {
  readonly #found: ReconcileFindings;
  readonly #runs = new Map<string, Run>();

  constructor(found: ReconcileFindings) {
    this.#found = found;
  }

  add({ outcome, code, client, token, atMs }: Use, place: FoundAt): void {
    const who = client === null ? (token === null ? null : `token ${token.jti}`) : `client ${client}`;
    if (who === null) return;
    const key = `${place.log} ${who}`;
    const run = this.#runs.get(key);
    if (outcome === 'allowed') {
      if (run) this.#end(key, run);
      return;
    }
    const next = run ?? { place: { ...place, same: who }, who, codes: new Set<string>(), count: 0, lastMs: atMs };
    next.count += 1;
    next.lastMs = atMs;
    if (code !== null) next.codes.add(code);
    if (run) return;
    const [oldest] = this.#runs;
    if (this.#runs.size >= watched && oldest) this.#end(...oldest);
    this.#runs.set(key, next);
  }

  finish(): void {
    for (const [key, run] of this.#runs) this.#end(key, run);
  }

  #end(key: string, { place, who, codes, count, lastMs }: Run): void {
    this.#runs.delete(key);
    if (count < deniedRunLength) return;
    const { jti: _jti, incident: _incident, ...at } = place;
    const message = `${count} denials in a row of ${who}, until ${timeOfMs(lastMs)}: ${[...codes].sort().join(', ')}`;
    this.#found.report('DENIED_IN_A_ROW', at, message, count);
  }
}
