import { randomBytes } from 'node:crypto';
import type { BreakglassError } from '../base/errors.ts';
import { denied } from './answer.ts';
import type { GuardClock } from './clock.ts';
import { readCredentials } from './credentials.ts';
import type { Decision } from './decision.ts';
import type { Guard } from './guard.ts';
import type { GuardRequest } from './request.ts';
import { Sessions } from './sessions/sessions.ts';
import { systemSchedule } from './sessions/timer.ts';

/**
 * The guard of a service whose state folder cannot be used: normal traffic goes on, and nothing of break-glass is accepted until the
 * folder was seen to and the service started again.
 */
export function closedGuard(error: BreakglassError, clock: GuardClock): Guard {
  const check = async (request: GuardRequest): Promise<Decision> => {
    const credentials = readCredentials(request);
    return credentials.kind === 'none' ? { outcome: 'none' } : denied(error);
  };
  const refuse = () => Promise.reject(error);
  return {
    check,
    require: () => check,
    sessions: new Sessions({ clock, random: randomBytes, schedule: systemSchedule, judge: () => error }),
    deny: refuse,
    denySubject: refuse,
    onKill: () => () => {},
    health: () => ({
      state: 'closed',
      code: error.code,
      message: error.message,
      trust: null,
      revocations: { freshness: 'missing', lines: 0, killSwitch: null, sources: [] },
      useLog: null,
      sessions: 0,
      clock: clock.ahead ? 'set-back' : 'followed',
    }),
    refresh: async () => {},
    close: async () => {},
  };
}
