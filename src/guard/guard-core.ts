import { randomBytes } from 'node:crypto';
import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../base/errors.ts';
import type { Selector } from '../revocation/denial.ts';
import { tokenMaxBytes } from '../token/claims.ts';
import { type AnswerFields, denied } from './answer.ts';
import { type CheckOptions, checkSession, checkToken, type Evidence } from './check.ts';
import type { GuardClock } from './clock.ts';
import { type Credentials, readCredentials, type ShownToken } from './credentials.ts';
import type { Access, Decision } from './decision.ts';
import type { DenyOptions, Guard, GuardHealth } from './guard.ts';
import type { GuardState } from './guard-state.ts';
import { Judge, type KnownToken } from './judge.ts';
import { denialHere } from './local-denial.ts';
import { Nonces } from './nonces.ts';
import type { GuardSettings } from './options.ts';
import { ReplayMemory } from './replays.ts';
import type { GuardRequest, Requirement } from './request.ts';
import { type Session, Sessions } from './sessions/sessions.ts';
import { systemSchedule } from './sessions/timer.ts';
import { SignaturePool } from './signature-pool.ts';
import { Channels } from './sources/channels.ts';
import { UseLogKeeper } from './use-log/use-log-keeper.ts';
import { useOf } from './use-log/use-of.ts';

/** The guard of a service whose state folder can be used. */
export class GuardCore implements Guard {
  readonly sessions: Sessions;
  readonly #settings: GuardSettings;
  readonly #clock: GuardClock;
  readonly #state: GuardState;
  readonly #judge: Judge;
  readonly #channels: Channels;
  readonly #useLog: UseLogKeeper;
  readonly #checking: CheckOptions;
  readonly #listeners = new Set<() => void>();
  #told: string | undefined;
  #begun = false;
  #closed = false;

  constructor(settings: GuardSettings, clock: GuardClock, state: GuardState) {
    this.#settings = settings;
    this.#clock = clock;
    this.#state = state;
    this.#useLog = new UseLogKeeper(settings, clock);
    const signatures = new SignaturePool();
    const judge = new Judge({
      signatures,
      audience: settings.audience,
      mode: settings.mode,
      rememberTokens: settings.rememberTokens,
      channel: () => this.#channels.revocations,
    });
    this.#judge = judge;
    this.sessions = new Sessions({
      // To the millisecond: a session ends when its token does, not up to a second later.
      clock: { now: () => clock.nowMs() / 1000 },
      random: randomBytes,
      schedule: systemSchedule,
      judge: (access, now) => judge.judgeAgain(access, now),
    });
    this.#channels = new Channels(settings, {
      state,
      judge,
      onDenials: () => this.#afterDenials(),
      onLook: () => this.#afterLook(),
    });
    this.#checking = {
      judge,
      signatures,
      replays: new ReplayMemory({ since: clock.now() }),
      nonces: settings.nonces === 'required' ? new Nonces({ random: randomBytes, clock }) : undefined,
      origin: settings.origin,
    };
    this.#denyAsBefore();
  }

  /** From now on it says when it opens and closes; before, it was about to open. */
  begin(): void {
    this.#begun = true;
    this.#tell();
  }

  async check(request: GuardRequest, wanted?: Requirement | string): Promise<Decision> {
    const requirement = typeof wanted === 'string' ? { scope: wanted } : wanted;
    const credentials = readCredentials(request);
    const session = credentials.kind === 'none' ? this.sessions.find(request.header('cookie')) : undefined;
    if (credentials.kind === 'none' && session === undefined) return notOurs;
    const evidence: Evidence = { proved: null, tokenSha256: null, holder: null, session: null };
    try {
      if (this.#closed) throw closedError();
      if (credentials.kind === 'odd') throw this.#odd(credentials, evidence);
      const checking = { options: this.#checking, requirement, clock: this.#clock, evidence };
      const access =
        credentials.kind === 'token'
          ? await checkToken(await this.#prove(credentials.shown, evidence), credentials.shown, request, checking)
          : checkSession(this.#sessionAccess(session, evidence), checking);
      if (this.#closed) throw closedError();
      if (this.#settings.usesWanted) await this.#recordUse(request, requirement, evidence, access);
      this.sessions.moveOn(access);
      return { outcome: 'allowed', access };
    } catch (error) {
      if (!isBreakglassError(error)) throw error;
      this.#recordDenial(request, requirement, evidence, error);
      return denied(error, this.#answerFields(requirement, session));
    }
  }

  require(requirement: Requirement | string): (request: GuardRequest) => Promise<Decision> {
    return (request) => this.check(request, requirement);
  }

  async deny(selector: Selector, { reason = 'denied at this service', before }: DenyOptions = {}): Promise<void> {
    const entry = denialHere(selector, { at: this.#clock.now(), before, reason });
    this.#judge.local.add(entry);
    this.#afterDenials();
    this.#settings.onEvent({ type: 'denied.locally', entry });
    await this.#state.keepLocalDenial(entry);
  }

  denySubject(subject: string, options?: DenyOptions): Promise<void> {
    return this.deny({ kind: 'subject', value: subject }, options);
  }

  onKill(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  health(): GuardHealth {
    const closed = this.#closedBecause();
    const { trust, revocations, lines } = this.#channels;
    return {
      state: closed ? 'closed' : 'open',
      code: closed?.code ?? null,
      message: closed?.message ?? null,
      trust: trust ? { id: trust.id, version: trust.payload.version, sha256: trust.sha256 } : null,
      revocations: {
        freshness: revocations.freshness(),
        lines,
        killSwitch: revocations.killSwitch ?? null,
        sources: revocations.states(),
      },
      useLog: this.#useLog.state(),
      sessions: this.sessions.count,
      clock: this.#clock.ahead ? 'set-back' : 'followed',
    };
  }

  async refresh(): Promise<void> {
    await this.#channels.look();
    this.#tell();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#channels.close();
    this.sessions.endAll();
    await this.#useLog.close();
    await this.#state.settled();
  }

  #prove(shown: ShownToken, evidence: Evidence): KnownToken | Promise<KnownToken> {
    evidence.tokenSha256 = () => sha256Hex(shown.token);
    return this.#judge.prove(shown.token);
  }

  #sessionAccess(session: Session | 'unknown' | undefined, evidence: Evidence): Access {
    if (session === 'unknown' || session === undefined) throw sessionUnknown();
    evidence.session = session.id;
    const access = this.sessions.accessOf(session);
    evidence.proved = access;
    evidence.tokenSha256 = () => access.tokenSha256;
    const refusal = this.sessions.rejudge(session);
    if (refusal) throw refusal;
    return access;
  }

  #odd({ error, token }: Credentials & { readonly kind: 'odd' }, evidence: Evidence): BreakglassError {
    if (token !== null && token.length <= tokenMaxBytes) evidence.tokenSha256 = () => sha256Hex(token);
    return error;
  }

  /** No use without its record (docs/guard.md): what was killed while it was written is not allowed any more. */
  async #recordUse(
    request: GuardRequest,
    requirement: Requirement | undefined,
    evidence: Evidence,
    access: Access,
  ): Promise<void> {
    const { useLog, onEvent } = this.#settings;
    const use = useOf(request, requirement, evidence, { atMs: this.#clock.nowMs(), error: null });
    await this.#useLog.record(use);
    onEvent({ type: 'use', use });
    if (!useLog) return;
    const refusal = this.#closed ? closedError() : this.#judge.judgeAgain(access, this.#clock.now());
    if (refusal) throw refusal;
  }

  #recordDenial(
    request: GuardRequest,
    requirement: Requirement | undefined,
    evidence: Evidence,
    error: BreakglassError,
  ): void {
    if (!this.#settings.usesWanted) return;
    const use = useOf(request, requirement, evidence, { atMs: this.#clock.nowMs(), error });
    this.#settings.onEvent({ type: 'use', use });
    this.#useLog.note(use);
  }

  #answerFields(requirement: Requirement | undefined, session: Session | 'unknown' | undefined): AnswerFields {
    return {
      requirement,
      nonce: this.#checking.nonces?.current(),
      clearCookie: session === undefined ? undefined : this.sessions.clearCookie(),
    };
  }

  #closedBecause(): BreakglassError | undefined {
    if (this.#closed) return closedError();
    return this.#judge.closed() ?? this.#useLog.closed();
  }

  #afterDenials(): void {
    const ended = this.sessions.rejudgeAll();
    if (ended > 0) this.#settings.onEvent({ type: 'killed', sessions: ended });
    for (const listener of this.#listeners) callSafely(listener);
  }

  async #afterLook(): Promise<void> {
    const { trust } = this.#channels;
    if (trust) await this.#useLog.open(trust.id);
    this.#tell();
  }

  /** Says when break-glass opens or closes. Time passes too: what has become stale closes, and ends sessions. */
  #tell(): void {
    if (!this.#begun || this.#closed) return;
    const closed = this.#closedBecause();
    const told = closed?.code ?? 'open';
    if (told === this.#told) return;
    this.#told = told;
    if (closed) {
      this.#settings.onEvent({ type: 'closed', code: closed.code, message: closed.message });
      this.#afterDenials();
    } else this.#settings.onEvent({ type: 'opened' });
  }

  #denyAsBefore(): void {
    const { entries, unread } = this.#state.localDenials();
    for (const entry of entries) this.#judge.local.add(entry);
    if (unread === 0) return;
    const message = `${unread} lines of what was denied here cannot be read`;
    this.#settings.onEvent({ type: 'alarm', source: 'the state of the guard', message });
  }
}

const notOurs = { outcome: 'none' } as const;

function closedError(): BreakglassError {
  return new BreakglassError('GUARD_CLOSED', 'the guard of this service was closed', {
    hint: 'the service is about to end: send the request again.',
  });
}

function sessionUnknown(): BreakglassError {
  return new BreakglassError('SESSION_UNKNOWN', 'the request is refused: its break-glass session is not known here', {
    hint: 'it ended, or was opened at another replica or before a restart. Show the token again.',
  });
}

function callSafely(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    process.emitWarning(`a listener of onKill threw: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}
