import type { DenyEntry } from '../revocation/statement.ts';
import type { Use } from '../use/use-record.ts';

/**
 * What a guard tells the service that it stands in: for its log, its bus, its pager. The names are stable.
 *
 * - `opened`, `closed`: break-glass can be used from now on, or not. Normal traffic is not touched by either.
 * - `use`: one use or attempt, as it goes into the use log.
 * - `denied`: denials came in from a source. `denied.locally`: by `guard.deny`; other replicas do not know it unless somebody tells them.
 * - `killed`: sessions ended before their time. `kill-switch`: the file KILL came or went.
 * - `trust.accepted`, `trust.refused`: another trust file was found at its source.
 * - `source.failed`, `source.recovered`: a source of trust or revocations cannot be read whole, or can be again.
 * - `alarm`: somebody should look: a bad line, a line that a source has lost.
 * - `use-log.failed`, `use-log.recovered`: the use log, or its second sink.
 * - `clock.jumped`: the clock of the machine was set back by so much; the guard does not follow it.
 */
export type GuardEvent =
  | { readonly type: 'opened' }
  | { readonly type: 'closed'; readonly code: string; readonly message: string }
  | { readonly type: 'use'; readonly use: Use }
  | { readonly type: 'denied'; readonly source: string; readonly entries: readonly DenyEntry[] }
  | { readonly type: 'denied.locally'; readonly entry: DenyEntry }
  | { readonly type: 'killed'; readonly sessions: number }
  | { readonly type: 'kill-switch'; readonly on: boolean; readonly source: string }
  | { readonly type: 'trust.accepted'; readonly version: number; readonly source: string }
  | { readonly type: 'trust.refused'; readonly code: string; readonly message: string; readonly source: string }
  | { readonly type: 'source.failed'; readonly source: string; readonly message: string }
  | { readonly type: 'source.recovered'; readonly source: string }
  | { readonly type: 'alarm'; readonly source: string; readonly message: string }
  | { readonly type: 'use-log.failed'; readonly sink: 'first' | 'second'; readonly message: string }
  | { readonly type: 'use-log.recovered'; readonly sink: 'first' | 'second' }
  | { readonly type: 'clock.jumped'; readonly seconds: number };

/** One line for a log; undefined for what happens all the time and stands in the use log already. */
export function describeEvent(event: GuardEvent): string | undefined {
  const text = eventText(event);
  return text === undefined ? undefined : `breakglass: ${text}`;
}

function eventText(event: GuardEvent): string | undefined {
  switch (event.type) {
    case 'opened':
      return 'break-glass access is open to valid tokens';
    case 'closed':
      return `break-glass access is closed, normal traffic is not (${event.code}: ${event.message})`;
    case 'use':
      return undefined;
    case 'denied':
      return `${event.entries.length} new denials from ${event.source}`;
    case 'denied.locally':
      return `denied here: ${event.entry.kind} ${event.entry.value ?? ''} (${event.entry.reason})`;
    case 'killed':
      return `${event.sessions} sessions were ended`;
    case 'kill-switch':
      return event.on
        ? `${event.source} is there: every break-glass token is denied`
        : `${event.source} is gone: break-glass tokens are judged again`;
    case 'trust.accepted':
      return `trust version ${event.version} from ${event.source}`;
    case 'trust.refused':
      return `alarm: the trust file of ${event.source} is refused (${event.code}: ${event.message})`;
    case 'source.failed':
      return `${event.source} could not be read: ${event.message}`;
    case 'source.recovered':
      return `${event.source} can be read again`;
    case 'alarm':
      return `alarm: ${event.source}: ${event.message}`;
    case 'use-log.failed':
      return `alarm: the ${event.sink} sink of the use log failed: ${event.message}`;
    case 'use-log.recovered':
      return `the ${event.sink} sink of the use log works again`;
    case 'clock.jumped':
      return `alarm: the clock was set back by ${event.seconds} s and is not followed`;
  }
}
