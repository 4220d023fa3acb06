import { conformOrUndefined } from '../base/schema.ts';
import { formatTime, type Seconds } from '../base/time.ts';
import { denyEntrySha256 } from './list.ts';
import { type DenyEntry, type DenyKind, denyValues } from './statement.ts';

type SelectorOf<E> = E extends DenyEntry ? Pick<E, 'kind' | 'value'> : never;

/** What a denial is about: tokens of this incident, subject, family … */
export type Selector = SelectorOf<DenyEntry>;

/** What the entries of one statement have in common. */
export interface DenialFacts {
  readonly at: Seconds;
  /** Only tokens that were issued before; null: all, those to come included. */
  readonly before: Seconds | null;
  readonly by: string;
  readonly reason: string;
}

const closedMark = 'closed: ';

/** The selector that a text means, or undefined when it is no value of that kind. `all` takes no text. */
export function parseSelector(kind: DenyKind, text: string | null): Selector | undefined {
  const value = kind === 'epoch' && text !== null && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : text;
  if (conformOrUndefined<unknown>(denyValues[kind], value) === undefined) return undefined;
  return { kind, value } as Selector;
}

/**
 * One entry for each selector, each selector once. None of them is in `allowed`: what a quorum has allowed again is denied
 * anew, under another `at`.
 */
export function newDenials(
  selectors: readonly Selector[],
  { at, before, by, reason }: DenialFacts,
  allowed: ReadonlySet<string>,
): DenyEntry[] {
  const distinct = new Map(selectors.map((selector) => [JSON.stringify([selector.kind, selector.value]), selector]));
  return [...distinct.values()].map((selector) => {
    let entry: DenyEntry = { ...selector, at, ...(before === null ? {} : { before }), by, reason };
    while (allowed.has(denyEntrySha256(entry))) entry = { ...entry, at: entry.at + 1 };
    return entry;
  });
}

/** The reason of a denial that ends an incident that went well. */
export function closedReason(text: string): string {
  return `${closedMark}${text}`;
}

/** True for a denial that ends an incident that went well: reports say "closed", and it denies like any other. */
export function isClosed({ reason }: Pick<DenyEntry, 'reason'>): boolean {
  return reason.startsWith(closedMark);
}

/** What somebody wrote as the reason, without the mark of a closed incident. */
export function reasonText(entry: Pick<DenyEntry, 'reason'>): string {
  return isClosed(entry) ? entry.reason.slice(closedMark.length) : entry.reason;
}

/** `incident inc-1`, `everything`, `epoch 2 and older`. */
export function describeSelector({ kind, value }: Selector): string {
  if (kind === 'all') return 'everything';
  if (kind === 'epoch') return `epoch ${value} and older`;
  return kind === 'kid' ? `signing key ${value}` : kind === 'jti' ? `token ${value}` : `${kind} ${value}`;
}

/** `revoked at … by erin (incident inc-1: the laptop is gone)`; a closed one says so. */
export function describeDenial(entry: DenyEntry): string {
  const limit = entry.before === undefined ? '' : `, issued before ${formatTime(entry.before)}`;
  const verb = isClosed(entry) ? 'closed' : 'revoked';
  const what = `${describeSelector(entry)}${limit}: ${reasonText(entry)}`;
  return `${verb} at ${formatTime(entry.at)} by ${entry.by} (${what})`;
}
