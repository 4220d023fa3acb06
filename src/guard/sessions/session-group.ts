import type { Access } from '../decision.ts';
import type { OnSessionEnd, Session } from './session.ts';

/** One session, and whom to tell of its end. */
export interface Member {
  readonly session: Session;
  readonly group: Group;
  readonly controller: AbortController;
  readonly onEnd: OnSessionEnd | undefined;
  /** SHA-256 of its cookie, if it has one. */
  cookie: string | undefined;
}

/** The sessions that one holder has opened with one family. */
export interface Group {
  readonly name: string;
  readonly sessions: Set<Session>;
  /** Of the token with the latest `exp`. */
  access: Access;
  cancel: (() => void) | undefined;
}

/** A family in the hand of another holder is another group: a token with another key moves nobody on. */
export function groupName({ family, holder }: Access): string {
  return `${family} ${holder ?? 'bearer'}`;
}

/** One that holds no session yet and has no timer. */
export function newGroup(access: Access): Group {
  return { name: groupName(access), access, sessions: new Set(), cancel: undefined };
}
