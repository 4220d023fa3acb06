import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clocks } from '../../src/guard/clock.ts';
import type { Decision } from '../../src/guard/decision.ts';
import type { GuardEvent } from '../../src/guard/events.ts';
import { createGuard, type Guard } from '../../src/guard/guard.ts';
import type { GuardOptions } from '../../src/guard/options.ts';
import type { GuardRequest } from '../../src/guard/request.ts';
import type { SigningKey } from '../../src/key/derive.ts';
import { type DenyEntry, type Statement, sealStatement } from '../../src/revocation/statement.ts';
import { sealToken, type TokenPlan } from '../../src/token/mint.ts';
import { audience, exampleClaims, type Fixture, midnight, statement } from '../token/fixture.ts';

/** Clocks that tests set. Steady time goes on with wall time, unless the wall clock alone is moved. */
export class TestClocks implements Clocks {
  #wall = (midnight + 60) * 1000;
  #steady = 0;
  readonly wallMs = () => this.#wall;
  readonly steadyMs = () => this.#steady;

  pass(seconds: number): void {
    this.#wall += seconds * 1000;
    this.#steady += seconds * 1000;
  }

  setWall(seconds: number): void {
    this.#wall = seconds * 1000;
  }
}

/** A service's folder, with trust file and list as an operator puts them there, and guards over it. */
export class GuardScene {
  readonly dir = mkdtempSync(join(tmpdir(), 'breakglass-guard-'));
  readonly clocks = new TestClocks();
  readonly events: GuardEvent[] = [];
  readonly fixture: Fixture;
  readonly #guards: Guard[] = [];
  #lines: string[] = [];

  constructor(fixture: Fixture) {
    this.fixture = fixture;
    mkdirSync(this.path('watched'));
    this.putTrust(fixture.trust.bytes);
    this.putLines([fixture.firstLine]);
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  async guard(change: Partial<GuardOptions> = {}): Promise<Guard> {
    const guard = await createGuard({
      trust: this.path('watched/trust.jws'),
      audience,
      mode: 'production',
      revocations: this.path('watched/revocations.jws'),
      state: this.path('state'),
      useLog: null,
      onEvent: (event) => this.events.push(event),
      clocks: this.clocks,
      // Tests look when they want to.
      pollSeconds: 900,
      ...change,
    });
    this.#guards.push(guard);
    return guard;
  }

  putTrust(bytes: Uint8Array): void {
    this.put('trust.jws', bytes);
  }

  putLines(lines: readonly string[]): void {
    this.#lines = [...lines];
    this.put('revocations.jws', lines.map((line) => `${line}\n`).join(''));
  }

  /** As `revoke` does it: one line more, in the place of the file. */
  async deny(...deny: DenyEntry[]): Promise<void> {
    this.putLines([...this.#lines, await this.line({ deny, iat: midnight + this.#lines.length })]);
  }

  line(change: Partial<Statement>, signer: SigningKey = this.fixture.revoker): Promise<string> {
    return sealStatement(statement(this.fixture, change), signer);
  }

  put(name: string, content: string | Uint8Array): void {
    const path = this.path(`watched/${name}`);
    writeFileSync(`${path}.tmp`, content);
    renameSync(`${path}.tmp`, path);
  }

  token(change: Partial<TokenPlan> = {}, key = this.fixture.token): Promise<string> {
    return sealToken(exampleClaims(this.fixture, change), key);
  }

  eventsOf<T extends GuardEvent['type']>(type: T): Extract<GuardEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<GuardEvent, { type: T }> => event.type === type);
  }

  async end(): Promise<void> {
    for (const guard of this.#guards) await guard.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface TestRequest {
  readonly method?: string;
  readonly target?: string;
  readonly client?: string | null;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

export function requestOf({
  method = 'GET',
  target = '/rows',
  client = '192.0.2.7',
  headers = {},
}: TestRequest): GuardRequest {
  return {
    method,
    target,
    client,
    header: (name) => {
      const value = headers[name] ?? [];
      return typeof value === 'string' ? [value] : value;
    },
  };
}

export function bearer(token: string, more: TestRequest = {}): GuardRequest {
  return requestOf({ ...more, headers: { authorization: `Bearer ${token}`, ...more.headers } });
}

/** `allowed`, `none`, or the code of the denial. */
export function verdictOf(decision: Decision): string {
  return decision.outcome === 'denied' ? decision.error.code : decision.outcome;
}
