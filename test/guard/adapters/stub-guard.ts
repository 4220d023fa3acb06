import { BreakglassError } from '../../../src/base/errors.ts';
import type { Checker } from '../../../src/guard/adapters/decide.ts';
import { denied } from '../../../src/guard/answer.ts';
import type { Access, Decision } from '../../../src/guard/decision.ts';
import type { GuardRequest, Requirement } from '../../../src/guard/request.ts';
import type { Claims } from '../../../src/token/claims.ts';

export interface Checked {
  readonly method: string;
  readonly target: string;
  readonly authorization: readonly string[];
  readonly client: string | null;
  readonly requirement: Requirement | undefined;
}

/** Another implementation of the port: it knows four tokens, and what it was asked. */
export class StubGuard implements Checker {
  readonly checked: Checked[] = [];
  readonly #waiting: (() => void)[] = [];

  /** `good` is allowed, `bad` denied, `slow` allowed when `release` says so, `broken` makes the guard fail. Two are denied. */
  async check(request: GuardRequest, requirement?: Requirement): Promise<Decision> {
    const { method, target, client } = request;
    const authorization = request.header('authorization');
    this.checked.push({ method, target, authorization, client, requirement });
    const tokens = authorization.flatMap((value) => value.match(/good|bad|slow|broken/g) ?? []);
    if (tokens.length === 0) return { outcome: 'none' };
    if (tokens.includes('broken')) throw new Error('the secret words of the inside');
    if (tokens.length > 1) return denied(new BreakglassError('CREDENTIALS_TWICE', 'two', { hint: 'one' }));
    if (tokens[0] === 'bad')
      return denied(new BreakglassError('TOKEN_REVOKED', 'revoked', { hint: 'none' }), { requirement });
    if (tokens[0] === 'slow') await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return { outcome: 'allowed', access };
  }

  /** Resolves once `count` requests were looked at. */
  async seen(count: number): Promise<void> {
    while (this.checked.length < count) await new Promise((resolve) => setImmediate(resolve));
  }

  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export const access: Access = {
  subject: 'dana',
  incident: 'inc-1',
  role: 'db-admin',
  scopes: ['db:read', 'db:write'],
  actions: ['read', 'write'],
  drill: false,
  family: 'A'.repeat(22),
  jti: 'A'.repeat(22),
  kid: 'A'.repeat(43),
  sequence: 1,
  expiresAt: 2_000_000_000,
  holder: null,
  session: null,
  claims: {} as Claims,
  tokenSha256: '0'.repeat(64),
};
