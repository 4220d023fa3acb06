import type { Seconds } from '../base/time.ts';
import { formatTime } from '../base/time.ts';
import type { RevocationList } from '../revocation/list.ts';
import { Clients } from './clients.ts';
import { DeniedRuns } from './denied-runs.ts';
import { type IssuedByRecord, type IssuedTokens, notIssued } from './issued-tokens.ts';
import { type FoundAt, ofReading, type ReconcileFinding, ReconcileFindings } from './reconcile-findings.ts';
import { RevokedUses } from './revoked-uses.ts';
import type { FoundUse, UseLogFacts, UseLogsRead } from './use-chain.ts';
import { useSeverities } from './use-findings.ts';
import type { Use, UsedToken } from './use-record.ts';

/** How far a guard's clock may be off at the ends of a token's window. */
export const windowSlackSeconds: Seconds = 5;
/** The first that applies (docs/format.md §16). */
export type UsesVerdict = 'misuse' | 'tampered' | 'incomplete' | 'complete';

export interface ReconcileOptions {
  /** The trust id. */
  readonly trust: string;
  readonly issued: IssuedTokens;
  /** What was denied and when; null: nobody looks for uses after a revocation. */
  readonly revocations: Pick<RevocationList, 'statements' | 'allowed'> | null;
}

export interface Reconciliation {
  readonly verdict: UsesVerdict;
  readonly revocations: 'judged' | 'not-judged';
  readonly logs: readonly UseLogFacts[];
  readonly uses: number;
  readonly allowed: number;
  readonly denied: number;
  /** The gravest first. */
  readonly findings: readonly ReconcileFinding[];
}

/** Compares uses with what the trail issued, use by use; what it keeps grows with the tokens that were issued, not with the uses. */
export class Reconciler {
  readonly #options: ReconcileOptions;
  readonly #found = new ReconcileFindings();
  readonly #revoked: RevokedUses;
  readonly #clients = new Clients(this.#found);
  readonly #runs = new DeniedRuns(this.#found);
  /** The first allowed use of each issued token in each log. */
  readonly #allowedIn = new Map<string, Map<string, FoundAt>>();
  readonly #seenRecords = new Set<number>();
  readonly #firstUseMs = new Map<string, number>();
  #allowed = 0;
  #denied = 0;

  constructor(options: ReconcileOptions) {
    this.#options = options;
    this.#revoked = new RevokedUses(options.revocations, this.#found);
  }

  /** To be called in the order of each log. */
  add({ use, trail, seq }: FoundUse): void {
    if (use.outcome === 'allowed') this.#allowed += 1;
    else this.#denied += 1;
    const { token, atMs } = use;
    const place: FoundAt = { log: trail, seq, atMs, ...(token ? { jti: token.jti } : {}) };
    if (!this.#firstUseMs.has(trail)) this.#firstUseMs.set(trail, atMs);
    this.#runs.add(use, place);
    if (token) this.#judge(use, token, place);
    else if (use.outcome === 'allowed') this.#found.report('USE_NOT_ISSUED', place, 'allowed without a token');
  }

  finish({ logs, findings }: UseLogsRead): Reconciliation {
    this.#runs.finish();
    this.#clients.finish();
    this.#revoked.finish();
    for (const log of logs) this.#judgeAudience(log);
    this.#addUnused(logs);
    const others = new Set(
      logs.flatMap(({ genesis, trail }) => (genesis && genesis.trust !== this.#options.trust ? [trail] : [])),
    );
    for (const log of others)
      this.#found.add('USE_LOG_OTHER_TRUST', 'the log is of another trust: nothing in it was compared', { log });
    if (logs.length === 0) this.#found.add('USE_LOGS_NONE', 'there is no use log: nothing was compared');
    if (!this.#options.revocations)
      this.#found.add('REVOCATIONS_NOT_JUDGED', 'without --revocations nobody looked for uses after a revocation');
    const own = this.#found
      .list()
      .filter(({ log, code }) => log === null || !others.has(log) || code === 'USE_LOG_OTHER_TRUST');
    const all = [...own, ...findings.map(ofReading)].sort(byGravity);
    return {
      verdict: verdictOf(all),
      revocations: this.#options.revocations ? 'judged' : 'not-judged',
      logs,
      uses: this.#allowed + this.#denied,
      allowed: this.#allowed,
      denied: this.#denied,
      findings: all,
    };
  }

  #judge(use: Use, token: UsedToken, place: FoundAt): void {
    const issued = this.#options.issued.get(token.jti);
    const why = notIssued(token, use, issued);
    if (!issued || why !== undefined) {
      const outcome = use.outcome === 'allowed' ? 'allowed' : `denied (${use.code})`;
      this.#found.report('USE_NOT_ISSUED', place, `its signature is right, it was ${outcome}, and ${why}`);
      return;
    }
    const at = { ...place, incident: token.incident };
    this.#seenRecords.add(issued.seq);
    this.#clients.add(use, issued, at);
    this.#revoked.add(use, issued, at);
    if (use.outcome !== 'allowed') return;
    this.#noteAllowed(at, token.jti);
    this.#judgeWindow(issued, at);
    this.#judgeScope(use, issued, at);
  }

  #judgeWindow({ claims: { nbf, exp } }: IssuedByRecord, at: FoundAt): void {
    const seconds = at.atMs / 1000;
    if (seconds >= nbf - windowSlackSeconds && seconds < exp + windowSlackSeconds) return;
    this.#found.report(
      'USE_OUTSIDE_WINDOW',
      at,
      `allowed, and it was valid from ${formatTime(nbf)} to ${formatTime(exp)}`,
    );
  }

  #judgeScope({ scope, action }: Use, { claims }: IssuedByRecord, at: FoundAt): void {
    const beyond = [
      ...(scope === null || claims.scope.split(' ').includes(scope) ? [] : [`scope ${scope}`]),
      ...(action === null || claims.authorization_details[0].actions.includes(action) ? [] : [`action ${action}`]),
    ];
    if (beyond.length > 0)
      this.#found.report(
        'USE_OVER_SCOPE',
        { ...at, same: beyond.join(' ') },
        `allowed for ${beyond.join(' and ')}, which it does not hold`,
      );
  }

  #noteAllowed(at: FoundAt, jti: string): void {
    const tokens = this.#allowedIn.get(at.log) ?? new Map<string, FoundAt>();
    if (!tokens.has(jti)) tokens.set(jti, at);
    this.#allowedIn.set(at.log, tokens);
  }

  #judgeAudience({ trail, genesis }: UseLogFacts): void {
    const audience = genesis?.audience ?? null;
    if (audience === null) return;
    for (const [jti, at] of this.#allowedIn.get(trail) ?? []) {
      const issuedFor = this.#options.issued.get(jti)?.claims.aud;
      if (issuedFor !== undefined && issuedFor !== audience)
        this.#found.report('USE_OTHER_AUDIENCE', at, `allowed by the guard of ${audience}, and it is for ${issuedFor}`);
    }
  }

  /** An issuance of which no log that covers its audience and time has seen a token. */
  #addUnused(logs: readonly UseLogFacts[]): void {
    const byRecord = new Map<number, IssuedByRecord[]>();
    for (const token of this.#options.issued.values()) {
      const others = byRecord.get(token.seq);
      if (others) others.push(token);
      else byRecord.set(token.seq, [token]);
    }
    for (const [seq, tokens] of byRecord) {
      const [first] = tokens;
      if (
        !first ||
        this.#seenRecords.has(seq) ||
        !logs.some((log) => tokens.every((token) => this.#covers(log, token)))
      )
        continue;
      const { jti, sub, breakglass } = first.claims;
      const what = tokens.length === 1 ? 'the token' : `none of the ${tokens.length} tokens`;
      const message = `${what} that record ${seq} issued for ${breakglass.incident} to ${sub} was ${tokens.length === 1 ? 'never ' : ''}used`;
      this.#found.add('TOKEN_UNUSED', message, { jti, incident: breakglass.incident, at: first.time });
    }
  }

  /** Whether a use of the token would stand in this log: its trust and audience, and kept while it was valid, as far as that shows. */
  #covers({ trail, genesis, head, closed }: UseLogFacts, { claims }: IssuedByRecord): boolean {
    if (!genesis || !head || genesis.trust !== this.#options.trust) return false;
    if (genesis.audience !== null && genesis.audience !== claims.aud) return false;
    const ended = closed && head.time < formatTime(claims.nbf);
    return !ended && (this.#firstUseMs.get(trail) ?? 0) < claims.exp * 1000;
  }
}

function verdictOf(findings: readonly ReconcileFinding[]): UsesVerdict {
  for (const verdict of ['misuse', 'tampered', 'incomplete'] as const)
    if (findings.some(({ severity }) => severity === verdict)) return verdict;
  return 'complete';
}

function byGravity(a: ReconcileFinding, b: ReconcileFinding): number {
  const bySeverity = useSeverities.indexOf(a.severity) - useSeverities.indexOf(b.severity);
  return bySeverity !== 0 ? bySeverity : (a.at ?? '') < (b.at ?? '') ? -1 : (a.at ?? '') > (b.at ?? '') ? 1 : 0;
}
