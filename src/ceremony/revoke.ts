import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Seconds } from '../base/time.ts';
import { addSeen, readSeen } from '../machine/pin.ts';
import { mergeIntoFile, readRevocationsFile } from '../machine/revocations-file.ts';
import { newDenials, type Selector } from '../revocation/denial.ts';
import type { KillFile } from '../revocation/kill-file.ts';
import {
  denyEntrySha256,
  formatLines,
  lostLines,
  mergeRevocations,
  type RevocationList,
  readRevocations,
} from '../revocation/list.ts';
import { type DenyEntry, sealStatement } from '../revocation/statement.ts';
import type { Trust } from '../trust/trust-file.ts';
import { type Delivered, tried } from './delivery.ts';
import type { Revoker } from './revoker.ts';

/** Where the denial comes from: a commander's key, or a file that was signed beforehand. */
export type Closing =
  | {
      readonly kind: 'signed';
      readonly revoker: Revoker;
      readonly selectors: readonly Selector[];
      /** `now`: tokens issued until the statement is signed. */
      readonly before: Seconds | 'now' | null;
      readonly reason: string;
    }
  | { readonly kind: 'kill-file'; readonly file: KillFile };

export interface RevokeOptions {
  readonly trust: Trust;
  readonly closing: Closing;
  /** The list, begun if it is not there. */
  readonly list: string;
  /** Directories that services watch, or that lead there, for their `revocations.jws`; or such a file by another name. */
  readonly sendTo: readonly string[];
  /** What `verify` remembers on this machine. */
  readonly stateDir: string;
}

export interface Revoked {
  /** What this run adds, each without LF. */
  readonly lines: readonly string[];
  readonly added: readonly DenyEntry[];
  /** Of a kill file: what a quorum has allowed again, so that it denies nothing. */
  readonly allowedAgain: readonly DenyEntry[];
  readonly list: Delivered;
  readonly seen: Delivered;
  readonly sent: readonly Delivered[];
  /** What the list says now. */
  readonly written: RevocationList;
  /** What this machine denied by until now: the list and what was seen before. */
  readonly before: RevocationList;
  /** What it denies by now. */
  readonly known: RevocationList;
  /** How many statements the list has lost that were accepted on this machine before. */
  readonly lost: number;
}

/** Denies: docs/ceremony.md, "revoke". A place that cannot be written is reported, and stops none of the others. */
export async function revoke(options: RevokeOptions, ports: { readonly clock: Clock }): Promise<Revoked> {
  const { trust, closing, stateDir } = options;

  // 2. What is known, and the statement
  const before = tried(options.list, () => readRevocationsFile(options.list));
  const seenBefore = tried(stateDir, () => readSeen(stateDir, trust.id));
  const knownBefore = readRevocations(mergeRevocations(before.value ?? nothing, seenBefore.value ?? nothing), trust);
  const { lines, added } = await linesOf(closing, trust, knownBefore.allowed, ports.clock.now());

  // 3. The list
  const written = tried(options.list, () => mergeIntoFile(options.list, formatLines(lines)));
  const union = written.value ?? mergeRevocations(before.value ?? nothing, formatLines(lines));

  // 4. What verify remembers here
  const seen = tried(stateDir, () => addSeen(stateDir, trust.id, formatLines(lines)));

  // 5. Where services look
  const sent = options.sendTo.map((path) => tried(path, () => mergeIntoFile(listAt(path), union)).delivered);

  const list = readRevocations(union, trust);
  const remembered = readRevocations(seen.value ?? seenBefore.value ?? nothing, trust);
  const lost = lostLines(list, remembered);
  const known = lost.length === 0 ? list : readRevocations(mergeRevocations(union, formatLines(lost)), trust);
  return {
    lines,
    added,
    allowedAgain: added.filter((entry) => known.allowed.has(denyEntrySha256(entry))),
    list: written.delivered,
    seen: seen.delivered,
    sent,
    written: list,
    before: knownBefore,
    known,
    lost: lost.length,
  };
}

function listAt(path: string): string {
  return existsSync(path) && statSync(path).isFile() ? path : join(path, 'revocations.jws');
}

const nothing = new Uint8Array(0);

async function linesOf(
  closing: Closing,
  trust: Trust,
  allowed: ReadonlySet<string>,
  now: Seconds,
): Promise<{ readonly lines: readonly string[]; readonly added: readonly DenyEntry[] }> {
  if (closing.kind === 'kill-file') return { lines: closing.file.lines, added: closing.file.entries };
  const { revoker, selectors, reason } = closing;
  // What was issued in this very second is meant too.
  const before = closing.before === 'now' ? now + 1 : closing.before;
  const facts = { at: now, before, by: revoker.label, reason };
  const deny = newDenials(selectors, facts, allowed);
  return {
    lines: [await sealStatement({ v: 1, trust: trust.id, iat: now, deny, allow: [] }, revoker.key)],
    added: deny,
  };
}
