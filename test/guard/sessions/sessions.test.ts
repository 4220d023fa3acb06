import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../../src/base/bytes.ts';
import { BreakglassError, isBreakglassError } from '../../../src/base/errors.ts';
import type { Access } from '../../../src/guard/decision.ts';
import { type Session, type SessionEnd, Sessions, type SessionsOptions } from '../../../src/guard/sessions/sessions.ts';
import type { Claims } from '../../../src/token/claims.ts';

const start = 1_767_225_600;
const holder = 'h'.repeat(43);

/** Time that passes when a test says so; a clock on the wall that may be set; timers that run by time that has passed. */
class World {
  wall = start;
  #passed = 0;
  #timers: { readonly at: number; readonly task: () => void }[] = [];
  readonly clock = { now: () => this.wall };
  readonly schedule = (task: () => void, after: number) => {
    const timer = { at: this.#passed + after, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  };

  get timers(): number {
    return this.#timers.length;
  }

  pass(seconds: number): void {
    this.wall += seconds;
    this.#passed += seconds;
    const due = this.#timers.filter(({ at }) => at <= this.#passed);
    this.#timers = this.#timers.filter(({ at }) => at > this.#passed);
    for (const { task } of due) task();
  }
}

let world: World;
let denied: Set<string>;
let judged: number;
let sessions: Sessions;
let ends: [string, SessionEnd][];

const open = (options: Partial<SessionsOptions> = {}) =>
  new Sessions({
    clock: world.clock,
    schedule: world.schedule,
    random: randomBytes,
    judge: ({ family, jti }) => {
      judged += 1;
      return denied.has(family) || denied.has(jti) ? revoked() : undefined;
    },
    onEnd: (reason, { id }) => ends.push([id, reason]),
    ...options,
  });

beforeEach(() => {
  world = new World();
  denied = new Set();
  judged = 0;
  ends = [];
  sessions = open();
});

const revoked = () => new BreakglassError('TOKEN_REVOKED', 'the token is refused: it was revoked', { hint: 'no.' });

const access = (change: Partial<Access> = {}): Access => ({
  subject: 'dana',
  incident: 'inc-1',
  role: 'db-admin',
  scopes: ['db:read'],
  actions: ['read'],
  drill: false,
  family: 'family-1',
  jti: 'jti-1',
  kid: 'k'.repeat(43),
  sequence: 1,
  expiresAt: start + 900,
  holder,
  session: null,
  claims: {} as Claims,
  tokenSha256: sha256Hex('token 1'),
  ...change,
});
const second = (change: Partial<Access> = {}) =>
  access({ jti: 'jti-2', sequence: 2, expiresAt: start + 1740, ...change });

const codeOf = (act: () => unknown) => {
  try {
    return act();
  } catch (error) {
    return isBreakglassError(error) ? error.code : error;
  }
};
const alive = (session: Session) => sessions.rejudge(session) === undefined;

describe('a session', () => {
  test('opens what its token opens, and says which session it is', () => {
    const session = sessions.open(access());
    expect(sessions.accessOf(session)).toEqual({ ...access(), session });
    expect([session.family, sessions.count, session.signal.aborted]).toEqual(['family-1', 1, false]);
    expect(session.id).toMatch(/^[\w-]{22}$/);
  });

  test('ends at exp by itself; whoever waits for it is told, once', () => {
    const own: SessionEnd[] = [];
    const session = sessions.open(access(), { onEnd: (reason) => own.push(reason) });
    let aborts = 0;
    session.signal.addEventListener('abort', () => {
      aborts += 1;
    });
    world.pass(899);
    expect([sessions.count, own]).toEqual([1, []]);
    world.pass(1);
    expect([sessions.count, own, aborts, ends]).toEqual([0, ['expired'], 1, [[session.id, 'expired']]]);
    sessions.end(session);
    sessions.endAll();
    sessions.rejudgeAll();
    expect([own, aborts, ends.length, world.timers]).toEqual([['expired'], 1, 1, 0]);
    expect(session.signal.reason).toMatchObject({ code: 'SESSION_ENDED' });
  });

  test.each<[string, (session: Session, cookie: string) => unknown, unknown]>([
    ['rejudge', (session) => sessions.rejudge(session)?.code, 'SESSION_ENDED'],
    ['accessOf', (session) => codeOf(() => sessions.accessOf(session)), 'SESSION_ENDED'],
    ['cookie', (session) => codeOf(() => sessions.cookie(session)), 'SESSION_ENDED'],
    ['find', (_, cookie) => sessions.find([cookie]), 'unknown'],
    ['rejudgeAll', () => sessions.rejudgeAll(), 1],
  ])(
    'is found over at exp by %s before any timer runs, and a clock that goes back does not revive it',
    (_, look, found) => {
      const session = sessions.open(access());
      const [cookie = ''] = sessions.cookie(session).split(';');
      world.wall = start + 900;
      expect(look(session, cookie)).toBe(found);
      expect([sessions.count, ends]).toEqual([0, [[session.id, 'expired']]]);
      world.wall = start;
      expect([sessions.rejudge(session)?.code, sessions.find([cookie])]).toEqual(['SESSION_ENDED', 'unknown']);
    },
  );

  test('gets no more time from a clock that is set back', () => {
    const session = sessions.open(access());
    world.pass(100);
    world.wall = start - 3600;
    world.pass(799);
    expect(alive(session)).toBe(true);
    world.pass(1);
    expect(ends).toEqual([[session.id, 'expired']]);
  });

  test('is not opened with a token that is over, or refused, or in a family that is', () => {
    expect(codeOf(() => sessions.open(access({ expiresAt: start })))).toBe('SESSION_ENDED');
    denied.add('jti-1');
    expect(codeOf(() => sessions.open(access()))).toBe('TOKEN_REVOKED');
    expect([sessions.count, world.timers, ends]).toEqual([0, 0, []]);
    expect(sessions.open(second()).family).toBe('family-1');
    world.wall = start + 900;
    denied.clear();
    expect(codeOf(() => sessions.open(access()))).toBe('SESSION_ENDED');
  });

  test('leaves nothing behind when it is closed', () => {
    const session = sessions.open(access());
    sessions.end(session);
    expect([sessions.count, world.timers, ends]).toEqual([0, 0, [[session.id, 'closed']]]);
    sessions.moveOn(second());
    expect(world.timers).toBe(0);
  });

  test('is not opened beyond the bound, and again when one has ended', () => {
    sessions = open({ max: 2 });
    const [first] = [sessions.open(access()), sessions.open(access())];
    expect(codeOf(() => sessions.open(access()))).toBe('SESSIONS_FULL');
    expect(sessions.count).toBe(2);
    if (first) sessions.end(first);
    expect(ends).toEqual([[first?.id, 'closed']]);
    sessions.open(access());
    expect(sessions.count).toBe(2);
  });
});

describe('a kill', () => {
  test('ends the family at once, and no other', () => {
    const [one, two] = [sessions.open(access()), sessions.open(access())];
    const other = sessions.open(access({ family: 'family-2' }));
    denied.add('family-1');
    expect(sessions.rejudgeAll()).toBe(2);
    expect([one.signal.aborted, two.signal.aborted, other.signal.aborted]).toEqual([true, true, false]);
    expect(ends).toEqual([
      [one.id, 'killed'],
      [two.id, 'killed'],
    ]);
    expect([sessions.count, world.timers]).toEqual([1, 1]);
  });

  test('is met by the next request before anybody has called it out, with its own code', () => {
    const session = sessions.open(access());
    denied.add('family-1');
    expect(sessions.rejudge(session)?.code).toBe('TOKEN_REVOKED');
    denied.clear();
    expect(sessions.rejudge(session)?.code).toBe('SESSION_ENDED');
  });

  test('ends ten thousand sessions, each told once; one judgement does for all of one holder', () => {
    for (let n = 0; n < 10_000; n++) sessions.open(access({ holder: n < 5000 ? holder : null }));
    judged = 0;
    denied.add('family-1');
    expect(sessions.rejudgeAll()).toBe(10_000);
    expect([judged, sessions.count, world.timers]).toEqual([2, 0, 0]);
    expect(new Set(ends.map(([id]) => id)).size).toBe(10_000);
    expect(ends.every(([, reason]) => reason === 'killed')).toBe(true);
  });

  test('reaches all, whatever those who are told do', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    const told: string[] = [];
    const thrower = sessions.open(access(), {
      onEnd: () => {
        throw new Error('socket is gone');
      },
    });
    const rejecter = sessions.open(access(), { onEnd: () => Promise.reject(new Error('later')) });
    const asker = sessions.open(access(), {
      onEnd: () => {
        told.push(String(codeOf(() => sessions.open(access()))), String(sessions.rejudge(thrower)?.code));
        sessions.endAll();
        sessions.rejudgeAll();
      },
    });
    const last = sessions.open(access());
    denied.add('family-1');
    expect(sessions.rejudgeAll()).toBe(4);
    expect(told).toEqual(['TOKEN_REVOKED', 'SESSION_ENDED']);
    expect(ends.map(([id]) => id)).toEqual([thrower.id, rejecter.id, asker.id, last.id]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test('finds those too who were opened while it was told', () => {
    let again: Session | undefined;
    sessions.open(second(), {
      onEnd: () => {
        again = sessions.open(access());
      },
    });
    denied.add('jti-2');
    const next = sessions.open(access());
    expect([again?.signal.aborted, next.signal.aborted, sessions.count]).toEqual([false, false, 2]);
    denied.add('family-1');
    expect([sessions.rejudgeAll(), again?.signal.aborted, next.signal.aborted]).toEqual([2, true, true]);
  });

  test('reaches those behind one that could not be judged, which is closed', () => {
    sessions = open({
      judge: ({ family }) => {
        if (family === 'family-1') throw new TypeError('a bug');
        return denied.has(family) ? revoked() : undefined;
      },
    });
    const other = sessions.open(access({ family: 'family-2' }));
    expect(codeOf(() => sessions.open(access()))).toBe('GUARD_CLOSED');
    denied.add('family-2');
    expect(sessions.rejudgeAll()).toBe(1);
    expect(other.signal.aborted).toBe(true);
  });
});

describe('the next token of a strip', () => {
  test('moves the sessions of its family on: they end at its exp, and open what it opens', () => {
    const session = sessions.open(access());
    world.pass(850);
    sessions.moveOn(second({ scopes: ['db:write'] }));
    world.pass(50);
    expect(alive(session)).toBe(true);
    expect(sessions.accessOf(session)).toMatchObject({ jti: 'jti-2', sequence: 2, scopes: ['db:write'], session });
    world.pass(839);
    expect(alive(session)).toBe(true);
    world.pass(1);
    expect([ends, world.timers]).toEqual([[[session.id, 'expired']], 0]);
  });

  test.each([
    ['with another key', { holder: 'x'.repeat(43) }],
    ['without a key', { holder: null }],
    ['of another family', { family: 'family-2' }],
    ['that ends earlier', { expiresAt: start + 899 }],
  ])('moves nobody on %s', (_, change) => {
    const session = sessions.open(access());
    sessions.moveOn(second(change));
    expect(sessions.accessOf(session).jti).toBe('jti-1');
    world.pass(900);
    expect(ends).toEqual([[session.id, 'expired']]);
  });

  test('moves nobody on who has ended', () => {
    const [session, late] = [sessions.open(access()), sessions.open(access({ family: 'family-2' }))];
    world.wall = start + 900;
    sessions.moveOn(second());
    expect(sessions.rejudge(session)?.code).toBe('SESSION_ENDED');
    denied.add('family-2');
    world.wall = start;
    sessions.moveOn(second({ family: 'family-2' }));
    denied.clear();
    expect(sessions.rejudge(late)?.code).toBe('SESSION_ENDED');
  });

  test('serves those too who show the earlier one meanwhile', () => {
    const early = sessions.open(second());
    const late = sessions.open(access());
    judged = 0;
    sessions.moveOn(access());
    expect(judged).toBe(0);
    expect([early, late].map((session) => sessions.accessOf(session).jti)).toEqual(['jti-2', 'jti-2']);
  });

  test('that was killed alone ends the sessions that stand on it, and the earlier one opens new ones', () => {
    const session = sessions.open(second());
    denied.add('jti-2');
    const next = sessions.open(access());
    expect([session.signal.aborted, sessions.accessOf(next).jti, sessions.count]).toEqual([true, 'jti-1', 1]);
  });
});

describe('a web session', () => {
  const cookieValue = (text: string) => /^__Host-breakglass=([\w-]{43});/.exec(text)?.[1] ?? '';

  test('has a cookie that scripts, other sites and plain connections do not get, until exp', () => {
    const session = sessions.open(access());
    world.pass(100);
    expect(sessions.cookie(session)).toMatch(
      /^__Host-breakglass=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=800$/,
    );
    expect(sessions.clearCookie()).toBe('__Host-breakglass=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0');
  });

  test('is found by it, among others and over several fields', () => {
    const [session, other] = [sessions.open(access()), sessions.open(access())];
    const [value, another] = [cookieValue(sessions.cookie(session)), cookieValue(sessions.cookie(other))];
    expect(value).not.toBe(another);
    expect(sessions.find([`a=b; __Host-breakglass=${value}; c`])).toBe(session);
    expect(sessions.find(['a=b', `__Host-breakglass=${another}`])).toBe(other);
  });

  test.each<[string, unknown, (value: string) => string[]]>([
    ['no field', undefined, () => []],
    ['an empty field', undefined, () => ['']],
    ['other cookies', undefined, (value) => [`breakglass=${value}; x__Host-breakglass=${value}; a=__Host-breakglass=`]],
    ['the name in another case', undefined, (value) => [`__host-breakglass=${value}`]],
    ['another value', 'unknown', () => [`__Host-breakglass=${'A'.repeat(43)}`]],
    ['the same twice', 'unknown', (value) => [`__Host-breakglass=${value}; __Host-breakglass=${value}`]],
    ['two fields', 'unknown', (value) => [`__Host-breakglass=${value}`, '__Host-breakglass=x']],
    ['a value in quotes', 'unknown', (value) => [`__Host-breakglass="${value}"`]],
    ['a value with padding', 'unknown', (value) => [`__Host-breakglass=${value}=`]],
    ['no value', 'unknown', () => ['__Host-breakglass=']],
    ['the name alone', 'unknown', () => ['__Host-breakglass']],
    ['a value too long', 'unknown', (value) => [`__Host-breakglass=${value.repeat(500)}`]],
    ['what every object inherits', 'unknown', () => ['__Host-breakglass=__proto__']],
  ])('is not found by %s', (_, found, fields) => {
    const session = sessions.open(access());
    expect(sessions.find(fields(cookieValue(sessions.cookie(session))))).toBe(found);
  });

  test('is unknown when it has ended, and by an earlier cookie', () => {
    const session = sessions.open(access());
    const [before, after] = [cookieValue(sessions.cookie(session)), cookieValue(sessions.cookie(session))];
    expect(sessions.find([`__Host-breakglass=${before}`])).toBe('unknown');
    expect(sessions.find([`__Host-breakglass=${after}`])).toBe(session);
    sessions.end(session);
    expect(sessions.find([`__Host-breakglass=${after}`])).toBe('unknown');
  });
});
