import { formatBase64url, sha256, sha256Hex } from '../../src/base/bytes.ts';
import { formatTime } from '../../src/base/time.ts';
import { ed25519JwkOf, type SigningKey } from '../../src/key/derive.ts';
import { tokenSha256 } from '../../src/token/mint.ts';
import { isIssuance } from '../../src/trail/record.ts';
import type { IssuedByRecord } from '../../src/use/issued-tokens.ts';
import { sealUseLine } from '../../src/use/use-line.ts';
import type { Use, UseRecord } from '../../src/use/use-record.ts';
import { fixedEd25519, type TrailBuilder } from '../trail/build.ts';

export const client = '192.0.2.7';
export const audience = 'https://db.prod.example.com';

/** What the records of a trail issued, as audit-check reads it. */
export function issuedBy(trail: TrailBuilder): Map<string, IssuedByRecord> {
  const issued = new Map<string, IssuedByRecord>();
  for (const record of trail.records) {
    if (!isIssuance(record)) continue;
    for (const { claims, sha256: digest } of record.tokens) {
      const kid = trail.keys[claims.breakglass.drill ? 'drill' : 'token'].kid;
      issued.set(claims.jti, { claims, kid, sha256: digest, seq: record.seq, time: record.time });
    }
  }
  return issued;
}

/** A good use of the first token of a record, a minute into its life; `change` says what is to be otherwise. */
export function useOf(trail: TrailBuilder, seq: number, change: Partial<Use> = {}): Use {
  const record = trail.records[seq];
  const claims = record && isIssuance(record) ? record.tokens[0]?.claims : undefined;
  if (!claims) throw new TypeError('that record issued nothing');
  const { family, sequence, incident, drill } = claims.breakglass;
  const kid = trail.keys[drill ? 'drill' : 'token'].kid;
  return {
    atMs: (claims.nbf + 60) * 1000,
    outcome: 'allowed',
    code: null,
    token: { jti: claims.jti, kid, family, sequence, incident, subject: claims.sub, role: claims.roles[0], drill },
    tokenSha256: tokenSha256(trail.tokens.get(seq)?.[0] ?? ''),
    proof: claims.cnf?.jkt ?? null,
    session: null,
    method: 'GET',
    route: '/rows',
    scope: 'db:read',
    action: 'read',
    client,
    ...change,
  };
}

/** A use log as a guard writes it: genesis, a line for each list of uses, and `closed`. */
export class UseLogBuilder {
  readonly lines: Uint8Array[] = [];
  readonly trail: string;
  readonly key: SigningKey;
  #now: number;

  private constructor(name: string, key: SigningKey, now: number) {
    this.trail = sha256Hex(`use log ${name}`);
    this.key = key;
    this.#now = now;
  }

  static async begin(
    trust: string,
    options: { readonly name?: string; readonly now: number; readonly audience?: string | null },
  ): Promise<UseLogBuilder> {
    const { name = 'api-1', now } = options;
    const log = new UseLogBuilder(name, await fixedEd25519(`guard ${name}`), now);
    await log.#append({
      type: 'genesis',
      ...{ guard: ed25519JwkOf(log.key), name, trust, audience: options.audience ?? audience, software: '0.1.0' },
    });
    return log;
  }

  async uses(...uses: Use[]): Promise<this> {
    this.#now = Math.min(Math.floor((uses[0]?.atMs ?? this.#now * 1000) / 1000), 253_402_300_799);
    return this.#append({ type: 'uses', uses, omitted: [] });
  }

  async close(): Promise<this> {
    return this.#append({ type: 'closed', instance: formatBase64url(sha256('instance').subarray(0, 16)) });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.lines);
  }

  async #append(members: { readonly type: UseRecord['type'] } & Record<string, unknown>): Promise<this> {
    const before = this.lines.at(-1);
    const common = {
      ...{ v: 1, trail: this.trail, seq: this.lines.length, prev: before ? sha256Hex(before) : null },
      time: formatTime(this.#now),
    };
    this.lines.push(await sealUseLine({ ...common, ...members } as unknown as UseRecord, this.key));
    return this;
  }
}
