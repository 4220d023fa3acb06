import type { IssuedByRecord } from './issued-tokens.ts';
import type { FoundAt, ReconcileFindings } from './reconcile-findings.ts';
import type { Use } from './use-record.ts';

/** Clients that are remembered of one token, and tokens shown without their key. */
const keptClients = 64;
const keptWithoutKey = 4096;

interface Seen {
  readonly place: FoundAt;
  readonly client: string | null;
  count: number;
}

/** Who used each token: with its key, without it, from where. */
export class Clients {
  readonly #found: ReconcileFindings;
  /** The clients that each token was allowed for. */
  readonly #allowed = new Map<string, Map<string, FoundAt>>();
  readonly #withoutKey = new Map<string, Seen>();

  constructor(found: ReconcileFindings) {
    this.#found = found;
  }

  /** A use of a token that a record issued. */
  add(use: Use, { claims }: IssuedByRecord, place: FoundAt): void {
    if (use.outcome === 'allowed' && use.client !== null) this.#remember(claims.jti, use.client, place);
    const jkt = claims.cnf?.jkt;
    // A commander who checks a token by hand has no proof to look at.
    if (jkt === undefined || use.method === 'MANUAL') return;
    if (use.outcome === 'denied') this.#addDenied(use, place);
    else if (use.proof !== jkt && (use.proof !== null || use.session === null))
      this.#found.report(
        'USE_OTHER_HOLDER',
        place,
        `allowed ${use.proof === null ? 'without a key' : 'with another key'}, and it is bound to one`,
      );
  }

  finish(): void {
    for (const { place, client, count } of this.#withoutKey.values()) {
      const clients = this.#allowed.get(place.jti ?? '');
      const stranger = client !== null && clients !== undefined && !clients.has(client) && clients.size < keptClients;
      const from = client === null ? 'a client that is not known' : client;
      const times = count === 1 ? '' : ` ${count} times`;
      if (stranger)
        this.#found.report(
          'USE_OTHER_HOLDER',
          place,
          `shown without its key${times} by ${from}, which never had it, and denied: it was stolen`,
          count,
        );
      else
        this.#found.report(
          'USE_WITHOUT_KEY',
          place,
          `shown without its key${times} by ${from}, and denied: forgotten, or stolen`,
          count,
        );
    }
    for (const [jti, clients] of this.#allowed) {
      const [first] = clients.values();
      if (clients.size < 2 || !first) continue;
      const names = [...clients.keys()];
      const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
      this.#found.report(
        'USE_SEVERAL_CLIENTS',
        { ...first, jti },
        `used by ${names.slice(0, 5).join(', ')}${more}`,
        names.length,
      );
    }
  }

  #addDenied({ code, client }: Use, place: FoundAt): void {
    if (code === 'PROOF_KEY')
      this.#found.report('USE_OTHER_HOLDER', place, 'shown with another key than its own, and denied: it was stolen');
    if (code !== 'PROOF_MISSING') return;
    const key = JSON.stringify([place.jti, client]);
    const before = this.#withoutKey.get(key);
    if (before) before.count += 1;
    else if (this.#withoutKey.size < keptWithoutKey)
      this.#withoutKey.set(key, { place: { ...place, same: client ?? '' }, client, count: 1 });
  }

  #remember(jti: string, client: string, place: FoundAt): void {
    const clients = this.#allowed.get(jti) ?? new Map<string, FoundAt>();
    if (clients.size < keptClients && !clients.has(client)) clients.set(client, place);
    this.#allowed.set(jti, clients);
  }
}
