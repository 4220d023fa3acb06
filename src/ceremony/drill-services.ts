import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatBase64url, sha256 } from '../base/bytes.ts';
import { randomId } from '../base/random.ts';
import { createGuard, type Guard } from '../guard/guard.ts';
import type { GuardRequest } from '../guard/request.ts';
import type { Session } from '../guard/sessions/sessions.ts';
import { importSigningKey, type SigningKey } from '../key/derive.ts';
import { loadPublicKey, type PublicKey } from '../key/public.ts';
import type { PersonalKey } from '../machine/personal-key.ts';
import { sealProof } from '../token/proof.ts';
import { drillFailed, type Sandbox } from './drill-sandbox.ts';

/** The services of a drill: the guard that real ones have, in this process and without a socket, each over a folder of its own. */
export class DrillServices {
  readonly #sandbox: Sandbox;
  readonly #guards = new Map<string, Guard>();
  readonly #sessions: Session[] = [];
  readonly #responder: SigningKey;

  constructor(sandbox: Sandbox, responder: SigningKey) {
    this.#sandbox = sandbox;
    this.#responder = responder;
  }

  static async open(sandbox: Sandbox, key: PersonalKey): Promise<DrillServices> {
    return new DrillServices(sandbox, await importSigningKey(key.pkcs8, { alg: 'ES256', role: 'holder' }));
  }

  /** Starts a service over `name`, where trust file and list lie. */
  async start(name: string): Promise<void> {
    const { options, ports } = this.#sandbox;
    const dir = join(options.sandbox, name);
    mkdirSync(dir, { recursive: true });
    const guard = await createGuard({
      trust: join(dir, 'trust.jws'),
      audience: audienceOf(this.#sandbox),
      mode: 'production',
      revocations: join(dir, 'revocations.jws'),
      state: join(dir, 'state'),
      useLog: { path: join(dir, 'uses.jws'), name },
      origin: serviceOrigin,
      clocks: { wallMs: () => ports.clock.now() * 1000, steadyMs: () => performance.now() },
      onEvent: () => {},
    });
    this.#guards.set(name, guard);
  }

  get names(): readonly string[] {
    return [...this.#guards.keys()];
  }

  /** A request of the responder, with proof; of a thief at the same laptop, without. The code of the refusal, or undefined when it is allowed. */
  async refusal(name: string, token: string, who: 'responder' | 'thief'): Promise<string | undefined> {
    const decision = await this.#guard(name).check(await this.#request(token, who));
    if (decision.outcome === 'none') throw drillFailed('the token was not seen');
    return decision.outcome === 'denied' ? decision.error.code : undefined;
  }

  /** Starts something with the token at a service, as a web session or a connection is. */
  async connect(name: string, token: string): Promise<void> {
    const guard = this.#guard(name);
    const decision = await guard.check(await this.#request(token, 'responder'));
    if (decision.outcome !== 'allowed') throw drillFailed(`${name} does not accept the token`);
    this.#sessions.push(guard.sessions.open(decision.access));
  }

  /** Returns when every service has refused the token by itself and every session is over, or it will not happen; how many have not. */
  async closed(token: string): Promise<number> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const refusals = await Promise.all(this.names.map((name) => this.refusal(name, token, 'responder')));
      const open =
        refusals.filter((code) => code !== 'TOKEN_REVOKED').length +
        this.#sessions.filter(({ signal }) => !signal.aborted).length;
      if (open === 0 || performance.now() > deadline) return open;
      await sleep(1);
    }
  }

  /** Looks at what lies in the folders now, as a service does by itself half a second later at most. */
  async refresh(): Promise<void> {
    for (const guard of this.#guards.values()) await guard.refresh();
  }

  /** The services' own keys, by which an auditor reads their use logs. */
  keys(): PublicKey[] {
    return [...this.#guards].flatMap(([name, guard]) => {
      const key = guard.health().useLog?.key;
      return key ? [loadPublicKey(key, `the guard of ${name}`)] : [];
    });
  }

  useLogs(): string[] {
    return this.names.map((name) => join(this.#sandbox.options.sandbox, name, 'uses.jws'));
  }

  async end(): Promise<void> {
    for (const guard of this.#guards.values()) await guard.close();
  }

  #guard(name: string): Guard {
    const guard = this.#guards.get(name);
    if (!guard) throw new TypeError('the service was started');
    return guard;
  }

  async #request(token: string, who: 'responder' | 'thief'): Promise<GuardRequest> {
    const { clock, random } = this.#sandbox.ports;
    const claims = {
      jti: randomId(random),
      htm: 'GET',
      htu: `${serviceOrigin}/drill`,
      iat: clock.now(),
      ath: formatBase64url(sha256(token)),
    };
    const fields: Readonly<Record<string, readonly string[]>> = {
      authorization: [`DPoP ${token}`],
      dpop: who === 'responder' ? [await sealProof(claims, this.#responder)] : [],
    };
    return { method: 'GET', target: '/drill', client: 'responder-laptop', header: (name) => fields[name] ?? [] };
  }
}

/** Services look twice a second even where nothing tells them of a change. */
const patienceMs = 15_000;
const serviceOrigin = 'https://sandbox.invalid';

export function audienceOf({ options }: Sandbox): string {
  return Object.values(options.policy.roles)[0]?.audience ?? '';
}
