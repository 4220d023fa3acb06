import { join } from 'node:path';
import { createGuard } from '../../src/guard/guard.ts';
import { audience } from '../token/fixture.ts';
import { bearer, verdictOf } from './fixture.ts';

/** One replica of a service in a process of its own: it sends itself requests, a hundred at a time, and tells its parent what became of them. */

export interface ReplicaReport {
  readonly told: 'allowing' | 'accepted' | 'counted';
  /** Monotonic nanoseconds, the same in all processes of a machine. */
  readonly acceptedAt: string;
  /** When the latest request that was allowed had begun. */
  readonly lastAllowedBegan: string;
  readonly denied: number;
}

const together = 100;
const [dir = '', name = '', token = '', wanted = ''] = process.argv.slice(2);
const now = () => process.hrtime.bigint();
let acceptedAt = 0n;
let lastAllowedBegan = 0n;
let counting = false;
let denied = 0;
let allowed = 0;

const guard = await createGuard({
  trust: join(dir, 'watched/trust.jws'),
  audience,
  mode: 'production',
  revocations: join(dir, 'watched/revocations.jws'),
  state: join(dir, name),
  useLog: { path: join(dir, `${name}.jws`), name },
  onEvent: ({ type }) => {
    if (type !== 'denied' || acceptedAt > 0n) return;
    acceptedAt = now();
    tell('accepted');
  },
});
process.on('message', () => {
  counting = true;
});
await Promise.all(Array.from({ length: together }, send));
tell('counted');
await guard.close();
process.disconnect();

async function send(): Promise<void> {
  while (denied < Number(wanted)) {
    const [began, counted] = [now(), counting];
    const verdict = verdictOf(await guard.check(bearer(token), 'db:read'));
    if (verdict === 'allowed') {
      if (began > lastAllowedBegan) lastAllowedBegan = began;
      if (++allowed === together) tell('allowing');
    } else if (verdict === 'USE_LOG_FAILED') {
      // A disk that stalls is refused for, and tried again.
      await new Promise((resolve) => setTimeout(resolve, 50));
    } else if (verdict !== 'TOKEN_REVOKED') throw new Error(verdict);
    else if (counted) denied++;
    // Denials wait for nothing: without this, nothing else would ever have its turn.
    else await new Promise((resolve) => setImmediate(resolve));
    if (denied % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function tell(told: ReplicaReport['told']): void {
  process.send?.({
    told,
    acceptedAt: String(acceptedAt),
    lastAllowedBegan: String(lastAllowedBegan),
    denied,
  } satisfies ReplicaReport);
}
