import { sha256Hex } from '../../base/bytes.ts';
import { BreakglassError } from '../../base/errors.ts';
import { type RandomBytes, randomId } from '../../base/random.ts';
import type { Clock, Seconds } from '../../base/time.ts';
import type { Access } from '../decision.ts';
import { ended, full, type OnSessionEnd, type Session, type SessionEnd, tellEnd } from './session.ts';
import { clearedCookie, cookieOf, formatCookie } from './session-cookie.ts';
import { type Group, groupName, type Member, newGroup } from './session-group.ts';
import type { Schedule } from './timer.ts';

export type { OnSessionEnd, Session, SessionEnd } from './session.ts';

/** How many sessions are held at once, unless a guard is told otherwise. */
export const sessionsMax = 10_000;

export interface SessionsOptions {
  /** With fractions of a second, sessions end at `exp`; by whole seconds their timers are up to one second late, and every look is exact. */
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly schedule: Schedule;
  /**
   * Judges again what a session stands on, by the trust, policy and revocations of this moment. Whatever it refuses, and be it for
   * want of revocations, ends the session: what cannot be decided is closed.
   */
  readonly judge: (access: Access, now: Seconds) => BreakglassError | undefined;
  readonly onEnd?: OnSessionEnd;
  readonly max?: number;
}

/**
 * The sessions of a guard. Those that one holder has opened with one family are a group: they stand on the token with the latest `exp`
 * that this holder has shown, end together, and are judged once for all. The token itself is never kept.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #members = new Map<Session, Member>();
  readonly #groups = new Map<string, Group>();
  /** By the SHA-256 of the cookie. */
  readonly #byCookie = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#members.size;
  }

  /**
   * Starts a session on what a request was allowed. It ends at `exp` of the latest token of this family and holder, when `judge` refuses
   * that token, or with `end`. Throws `SESSIONS_FULL`, `SESSION_ENDED` for a token that is over, and what `judge` refuses with.
   */
  open(access: Access, options: { readonly onEnd?: OnSessionEnd } = {}): Session {
    const { max = sessionsMax, clock, random } = this.#options;
    if (this.#members.size >= max) throw full(max);
    if (access.expiresAt <= clock.now()) throw ended('expired');
    const controller = new AbortController();
    const session = { id: randomId(random), family: access.family, signal: controller.signal };
    const group = this.#groupFor(access);
    this.#renew(group, access);
    const refusal = this.#judge(group);
    if (refusal) throw refusal;
    this.#members.set(session, { session, group, controller, onEnd: options.onEnd, cookie: undefined });
    group.sessions.add(session);
    return session;
  }

  /** For each token that was allowed: the sessions of its family and holder go on until its `exp`, if that is later than theirs. */
  moveOn(access: Access): void {
    if (this.#groups.size === 0) return;
    const group = this.#groups.get(groupName(access));
    if (!group || access.expiresAt <= group.access.expiresAt) return;
    // What has ended does not begin again with the next token of the strip.
    if (!this.#judge(group)) this.#renew(group, access);
  }

  /** For each request: why the session does not carry it, or undefined. What is refused is ended. */
  rejudge(session: Session): BreakglassError | undefined {
    const member = this.#members.get(session);
    return member ? this.#judge(member.group) : ended();
  }

  /** After any change of trust or revocations: ends what is refused now, and returns how many sessions that were. */
  rejudgeAll(): number {
    let killed = 0;
    for (const group of [...this.#groups.values()]) {
      const { size } = group.sessions;
      if (this.#judge(group)) killed += size;
    }
    return killed;
  }

  /** What the session opens now: that of the latest token of its family. Throws `SESSION_ENDED`. */
  accessOf(session: Session): Access {
    const member = this.#members.get(session);
    if (!member || this.#expire(member.group)) throw ended();
    const { access } = member.group;
    return { ...access, tokenSha256: access.tokenSha256, session };
  }

  /** Ends one session; one that is over already stays as it ended. */
  end(session: Session): void {
    const member = this.#members.get(session);
    if (member) this.#endMembers([member], 'closed');
  }

  endAll(): void {
    this.#endMembers([...this.#members.values()], 'closed');
  }

  /**
   * The value of a `Set-Cookie` that carries the session in a browser (docs/format.md §15). A session has one cookie: an earlier one is
   * unknown from now on. Throws `SESSION_ENDED`.
   */
  cookie(session: Session): string {
    const { expiresAt } = this.accessOf(session);
    const member = this.#members.get(session);
    if (!member) throw ended();
    const { value, text } = formatCookie(this.#options.random, expiresAt - this.#options.clock.now());
    if (member.cookie !== undefined) this.#byCookie.delete(member.cookie);
    member.cookie = sha256Hex(value);
    this.#byCookie.set(member.cookie, session);
    return text;
  }

  /** The value of a `Set-Cookie` that takes the cookie away. */
  clearCookie(): string {
    return clearedCookie;
  }

  /**
   * The session of the values of all `Cookie` fields of a request. `unknown`: they name one that is not here, is over, or cannot be
   * told; undefined: they name none.
   */
  find(cookieFields: readonly string[]): Session | 'unknown' | undefined {
    const value = cookieOf(cookieFields);
    if (value === undefined || value === 'unknown') return value;
    const session = this.#byCookie.get(sha256Hex(value));
    const group = session && this.#members.get(session)?.group;
    return group && !this.#expire(group) ? session : 'unknown';
  }

  #groupFor(access: Access): Group {
    const known = this.#groups.get(groupName(access));
    if (known && !this.#judge(known)) return known;
    // Whoever was told of an end may have opened another session meanwhile.
    return this.#groups.get(groupName(access)) ?? newGroup(access);
  }

  #renew(group: Group, access: Access): void {
    if (this.#groups.get(group.name) === group && access.expiresAt <= group.access.expiresAt) return;
    group.access = access;
    this.#groups.set(group.name, group);
    group.cancel?.();
    // It ends when that time has passed, whatever a clock says that was set back meanwhile.
    group.cancel = this.#options.schedule(
      () => this.#endGroup(group, 'expired'),
      access.expiresAt - this.#options.clock.now(),
    );
  }

  #judge(group: Group): BreakglassError | undefined {
    if (this.#expire(group)) return ended('expired');
    const refusal = this.#refusal(group.access);
    if (refusal) this.#endGroup(group, 'killed');
    return refusal;
  }

  // A fault in one judgement must not leave the sessions behind it unjudged.
  #refusal(access: Access): BreakglassError | undefined {
    try {
      return this.#options.judge(access, this.#options.clock.now());
    } catch (cause) {
      return new BreakglassError('GUARD_CLOSED', 'the session is refused: it could not be judged', {
        hint: 'this is a bug: keep the cause for the maintainers. The session was ended.',
        cause,
      });
    }
  }

  #expire(group: Group): boolean {
    if (this.#options.clock.now() < group.access.expiresAt) return false;
    this.#endGroup(group, 'expired');
    return true;
  }

  #endGroup(group: Group, reason: SessionEnd): void {
    this.#removeGroup(group);
    this.#endMembers(
      [...group.sessions].flatMap((session) => this.#members.get(session) ?? []),
      reason,
    );
  }

  #removeGroup(group: Group): void {
    group.cancel?.();
    if (this.#groups.get(group.name) === group) this.#groups.delete(group.name);
  }

  // All are out before anybody is told: whoever is told and asks finds none of them.
  #endMembers(members: readonly Member[], reason: SessionEnd): void {
    for (const { session, group, cookie } of members) {
      this.#members.delete(session);
      group.sessions.delete(session);
      if (cookie !== undefined) this.#byCookie.delete(cookie);
      if (group.sessions.size === 0) this.#removeGroup(group);
    }
    for (const { session, controller, onEnd } of members) {
      controller.abort(ended(reason));
      tellEnd(onEnd, reason, session);
      tellEnd(this.#options.onEnd, reason, session);
    }
  }
}
