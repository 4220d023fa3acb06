import { sha256Hex } from '../../src/base/bytes.ts';
import { deriveKey, ed25519JwkOf, type SigningKey } from '../../src/key/derive.ts';
import { type ReadUseLogsOptions, readUseLogs, useLogFile } from '../../src/use/use-chain.ts';
import { sealUseLine } from '../../src/use/use-line.ts';
import type { Use, UseRecord } from '../../src/use/use-record.ts';

type MembersOf<R extends UseRecord> = R extends unknown ? Omit<R, 'v' | 'trail' | 'seq' | 'prev' | 'time'> : never;
export type Members = MembersOf<UseRecord>;

export const trustId = 'a'.repeat(64);
export const trailId = '7'.repeat(64);
export const instance = 'b4AXMDrVUuGxuQxg742cIw';

/** A use that is told from others by its route. */
export function aUse(n: number, members: Partial<Use> = {}): Use {
  return {
    atMs: 1_770_000_000_000 + n,
    outcome: 'allowed',
    code: null,
    token: {
      jti: 'b4AXMDrVUuGxuQxg742cIw',
      kid: 'GIYWmkLDEf2issMDlqydx41RGuH6o0-0nE_dgfOVwwQ',
      family: 'DieUrOGhSkDNYbYgU4iAMw',
      sequence: 1,
      incident: 'inc-1',
      subject: 'dana',
      role: 'db-admin',
      drill: false,
    },
    tokenSha256: '0'.repeat(64),
    proof: null,
    session: null,
    method: 'GET',
    route: `/rows/${n}`,
    scope: 'db:read',
    action: null,
    client: '192.0.2.1',
    ...members,
  };
}

export function guardKey(seed = 1): Promise<SigningKey> {
  const origin = { trustName: 'guard', nonce: Buffer.alloc(16) };
  return deriveKey(new Uint8Array(16).fill(seed), origin, { role: 'trail', alg: 'Ed25519', epoch: 1 });
}

export function genesisOf(key: SigningKey): Members {
  const guard = ed25519JwkOf(key);
  return { type: 'genesis', guard, name: 'db', trust: trustId, audience: 'https://db.example.com', software: '0.1.0' };
}

export const opened: Members = { type: 'opened', instance, software: '0.1.0' };
export const closed: Members = { type: 'closed', instance };
export const usesOf = (...uses: Use[]): Members => ({ type: 'uses', uses, omitted: [] });

/** The lines of a log, chained and signed as a guard does. */
export async function chain(
  key: SigningKey,
  members: readonly Members[],
  from: { readonly seq: number; readonly prev: string | null; readonly trail?: string } = { seq: 0, prev: null },
): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  let { seq, prev } = from;
  for (const one of members) {
    const record: UseRecord = { v: 1, trail: from.trail ?? trailId, seq, prev, time: '2026-02-01T00:00:00Z', ...one };
    const line = Buffer.from(await sealUseLine(record, key));
    lines.push(line);
    prev = sha256Hex(line);
    seq++;
  }
  return lines;
}

/** Reads files, name by name, and says what came out in a form that is easy to compare. */
export function read(files: Readonly<Record<string, Uint8Array>>, keys: ReadUseLogsOptions['keys'] = []) {
  const routes: string[] = [];
  const sources = Object.entries(files).map(([name, bytes]) => useLogFile(name, bytes));
  const { logs, findings } = readUseLogs(sources, { keys, onUse: ({ use }) => routes.push(use.route) });
  return { routes, logs, findings, codes: findings.map(({ code }) => code) };
}
