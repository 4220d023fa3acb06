import { formatTime, type Seconds } from '../base/time.ts';
import type { RevocationList } from '../revocation/list.ts';
import { DenialTimes } from './denied-since.ts';
import type { IssuedByRecord } from './issued-tokens.ts';
import { type FoundAt, type ReconcileFindings, timeOfMs } from './reconcile-findings.ts';
import type { Use } from './use-record.ts';

/** How long a kill may take to reach a guard before a use counts as one after it. */
export const revocationGraceSeconds: Seconds = 10;
/** Requests that were under way when a kill came may be written after the first refusal. */
const refusalGraceMs = 1000;

/** Uses that a guard allowed after their token was revoked. */
export class RevokedUses {
  readonly #denials: DenialTimes | null;
  readonly #found: ReconcileFindings;
  /** When each log first refused a family as revoked. */
  readonly #refusedMs = new Map<string, number>();

  /** Uses of families that only a kill file denies, by log and family. */
  readonly #undated = new Map<string, { readonly family: string; readonly at: FoundAt; count: number }>();

  /** Without a list nobody looks. */
  constructor(list: Pick<RevocationList, 'statements' | 'allowed'> | null, found: ReconcileFindings) {
    this.#denials = list && new DenialTimes(list);
    this.#found = found;
  }

  /** A use of a token that a record issued, in the order of its log. */
  add(use: Use, issued: IssuedByRecord, at: FoundAt): void {
    if (!this.#denials) return;
    if (use.outcome === 'denied') {
      this.#noteRefused(use, issued, at);
      return;
    }
    const seconds = at.atMs / 1000;
    const entry = this.#denials.deniedAt(issued, seconds, revocationGraceSeconds);
    if (entry) {
      const after = Math.round(seconds - entry.at);
      const message = `allowed ${after} s after ${entry.by} revoked it at ${formatTime(entry.at)}`;
      this.#found.report('USE_AFTER_REVOCATION', at, message);
    } else if (this.#denials.deniedUndated(issued)) this.#judgeUndated(issued, at);
  }

  /** A guard that never refused what a kill file denies may have allowed it before or after. */
  finish(): void {
    for (const [key, { family, at, count }] of this.#undated) {
      if (this.#refusedMs.has(key)) continue;
      const { jti: _jti, ...of } = at;
      const message = `a kill file denies family ${family}, without saying since when, and this guard never refused it: whether it was used after that is not known`;
      this.#found.report('REVOCATION_UNDATED', { ...of, same: family }, message, count);
    }
  }

  /** A kill file was signed at the mint: when it was published shows only in what this guard refused. */
  #judgeUndated({ claims }: IssuedByRecord, at: FoundAt): void {
    const { family } = claims.breakglass;
    const refusedMs = this.#refusedMs.get(`${at.log} ${family}`);
    if (refusedMs !== undefined && at.atMs > refusedMs + refusalGraceMs) {
      const message = `allowed after this guard refused its family as revoked at ${timeOfMs(refusedMs)}`;
      this.#found.report('USE_AFTER_REVOCATION', at, message);
      return;
    }
    const key = `${at.log} ${family}`;
    const before = this.#undated.get(key);
    if (before) before.count += 1;
    else this.#undated.set(key, { family, at, count: 1 });
  }

  #noteRefused({ code }: Use, { claims }: IssuedByRecord, { log, atMs }: FoundAt): void {
    const key = `${log} ${claims.breakglass.family}`;
    if ((code === 'TOKEN_REVOKED' || code === 'KILLED') && !this.#refusedMs.has(key)) this.#refusedMs.set(key, atMs);
  }
}
