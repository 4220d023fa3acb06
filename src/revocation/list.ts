import { sha256Hex } from '../base/bytes.ts';
import { canonicalJson } from '../base/canonical.ts';
import { BreakglassError } from '../base/errors.ts';
import type { Trust } from '../trust/trust-file.ts';
import { type Denials, indexDenials } from './denials.ts';
import { type DenyEntry, openStatement, type Statement, statementMaxBytes } from './statement.ts';

/** A line that was skipped, or looks wrong; `line` counts from 1. */
export interface RevocationAlarm {
  readonly line: number;
  readonly message: string;
}

/** What a file of statements says to one trust: the good lines, and what they deny together. */
export interface RevocationList {
  /** The good lines, each once, in order of appearance, without LF. */
  readonly lines: readonly string[];
  /** The payloads of `lines`, in the same order. */
  readonly statements: readonly Statement[];
  readonly alarms: readonly RevocationAlarm[];
  /** How many lines were skipped; the other alarms are about lines that count. */
  readonly badLines: number;
  /** SHA-256 of the newest line (docs/format.md §10), or null when no line is good. */
  readonly newest: string | null;
  /** Every entry ever denied, minus those allowed. */
  readonly entries: readonly DenyEntry[];
  /** SHA-256 of every entry that was allowed, denied yet or not. */
  readonly allowed: ReadonlySet<string>;
  readonly denials: Denials;
  /** True if the good line with this SHA-256 was read: a list without the line that a token names is behind. */
  hasLine(sha256: string): boolean;
}

/** Alarms kept of one file; a last one says how many more there were. */
const alarmsMax = 100;

/** Reads a file of statements. A bad line is an alarm and is skipped; it never hurts the good ones, and nothing is thrown for it. */
export function readRevocations(bytes: Uint8Array, trust: Trust): RevocationList {
  const good = new Map<string, { readonly line: string; readonly statement: Statement }>();
  const alarms = new AlarmList();
  let badLines = 0;
  for (const { number, content, ended } of splitLines(bytes)) {
    if (!ended) alarms.add(number, 'it does not end with a line feed: the file may be cut');
    if (content.length > statementMaxBytes) {
      alarms.add(number, 'it is longer than 1 MiB');
      badLines += 1;
      continue;
    }
    const sha256 = sha256Hex(content);
    if (good.has(sha256)) continue;
    const line = content.toString('latin1');
    const statement = openOrAlarm(line, trust, (message) => alarms.add(number, message));
    if (statement) good.set(sha256, { line, statement });
    else badLines += 1;
  }
  const statements = [...good.values()].map(({ statement }) => statement);
  const allowed = new Set(statements.flatMap((statement) => statement.allow));
  const entries = entriesInForce(statements, allowed);
  return {
    lines: [...good.values()].map(({ line }) => line),
    statements,
    alarms: alarms.list(),
    badLines,
    newest: newestLine(good),
    entries,
    allowed,
    denials: indexDenials(entries),
    hasLine: (sha256) => good.has(sha256),
  };
}

/** The union of the lines of two files, in order of first appearance, each ended by LF. Needs no key and judges nothing. */
export function mergeRevocations(a: Uint8Array, b: Uint8Array): Uint8Array {
  const lines = new Map<string, Buffer>();
  for (const bytes of [a, b]) {
    for (const { content } of splitLines(bytes)) {
      const sha256 = sha256Hex(content);
      if (content.length > 0 && !lines.has(sha256)) lines.set(sha256, content);
    }
  }
  const lineFeed = Buffer.from('\n');
  return Buffer.concat([...lines.values()].flatMap((line) => [line, lineFeed]));
}

/** The good lines of `before` that `list` lacks: a source that lost a line is an alarm, and its denials stay. */
export function lostLines(list: RevocationList, before: RevocationList): readonly string[] {
  return before.lines.filter((line) => !list.hasLine(sha256Hex(line)));
}

/** Lines as a file holds them, each ended by LF. */
export function formatLines(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
}

/** What an `allow` names: the SHA-256 of the canonical deny entry. */
export function denyEntrySha256(entry: DenyEntry): string {
  return sha256Hex(canonicalJson(entry));
}

export interface Line {
  readonly number: number;
  readonly content: Buffer;
  readonly ended: boolean;
}

/** The lines of a file, without their LF. */
export function* splitLines(bytes: Uint8Array): Generator<Line> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let number = 1;
  for (let start = 0; start < file.length; number++) {
    const end = file.indexOf(0x0a, start);
    const ended = end >= 0;
    yield { number, content: file.subarray(start, ended ? end : file.length), ended };
    start = ended ? end + 1 : file.length;
  }
}

function openOrAlarm(line: string, trust: Trust, alarm: (message: string) => void): Statement | undefined {
  try {
    return openStatement(line, trust);
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    alarm(error.message);
    return undefined;
  }
}

function entriesInForce(statements: readonly Statement[], allowed: ReadonlySet<string>): readonly DenyEntry[] {
  const denied = statements.flatMap((statement) => statement.deny);
  return allowed.size === 0 ? denied : denied.filter((entry) => !allowed.has(denyEntrySha256(entry)));
}

function newestLine(good: ReadonlyMap<string, { readonly statement: Statement }>): string | null {
  let newest: { readonly sha256: string; readonly iat: number } | undefined;
  for (const [sha256, { statement }] of good) {
    const { iat } = statement;
    if (!newest || iat > newest.iat || (iat === newest.iat && sha256 > newest.sha256)) newest = { sha256, iat };
  }
  return newest?.sha256 ?? null;
}

/** A hostile file of millions of bad lines must not become millions of alarms. */
class AlarmList {
  readonly #kept: RevocationAlarm[] = [];
  #more: { readonly count: number; readonly line: number } | undefined;

  add(line: number, message: string): void {
    if (this.#kept.length < alarmsMax) this.#kept.push({ line, message });
    else this.#more = { count: (this.#more?.count ?? 0) + 1, line };
  }

  list(): readonly RevocationAlarm[] {
    if (!this.#more) return this.#kept;
    const { count, line } = this.#more;
    return [...this.#kept, { line, message: `${count} more alarms, the last of them in this line` }];
  }
}
