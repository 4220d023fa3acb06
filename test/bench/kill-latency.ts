import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomId } from '../../src/base/random.ts';
import { createGuard, type Guard } from '../../src/guard/guard.ts';
import { sealStatement } from '../../src/revocation/statement.ts';
import { sealToken } from '../../src/token/mint.ts';
import { audience, denial, exampleClaims, type Fixture, makeFixture, midnight, statement } from '../token/fixture.ts';
import { type Measurement, type Metric, metric } from './metric.ts';

const requestsPerSecond = 1000;
const intervalSeconds = 1;
const killsByPath = 200;
const killsByAddress = 30;

/** From the rename of the list to the first denial, while requests with the token keep coming. */
export const killLatency: Measurement = async ({ dir }) => {
  const fixture = await makeFixture('ES256');
  const list = join(dir, 'revocations.jws');
  writeFileSync(join(dir, 'trust.jws'), fixture.trust.bytes);
  writeFileSync(list, fixture.firstFile);
  const server = createServer((_, response) => {
    response.end(published.join(''));
  });
  const published = [Buffer.from(fixture.firstFile).toString()];
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/revocations.jws`;
  const publish = (line: string) => {
    published.push(`${line}\n`);
    writeFileSync(`${list}.tmp`, published.join(''));
    renameSync(`${list}.tmp`, list);
  };
  try {
    const byPath = await latencies(dir, fixture, { name: 'path', revocations: list, kills: killsByPath, publish });
    const byAddress = await latencies(dir, fixture, {
      name: 'address',
      revocations: address,
      kills: killsByAddress,
      publish: (line) => published.push(`${line}\n`),
    });
    const limit = (intervalSeconds + 1) * 1000;
    return [
      ...rows(`kill by a watched path, ${requestsPerSecond} requests/s`, byPath, 50),
      ...rows(`kill by an address, asked every ${intervalSeconds} s`, byAddress, limit),
    ];
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

function rows(name: string, milliseconds: readonly number[], limit: number): Metric[] {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
  return [
    metric(`${name}: p50 of ${sorted.length}`, at(0.5), 'ms'),
    metric(`${name}: p99`, at(0.99), 'ms', {
      against: { value: limit, what: 'ms, the limit' },
      goal: { sign: '<=', limit: 1 },
    }),
  ];
}

async function latencies(
  dir: string,
  fixture: Fixture,
  plan: {
    readonly name: string;
    readonly revocations: string;
    readonly kills: number;
    readonly publish: (line: string) => void;
  },
): Promise<number[]> {
  mkdirSync(join(dir, plan.name));
  const guard = await createGuard({
    trust: join(dir, 'trust.jws'),
    audience,
    mode: 'production',
    revocations: plan.revocations,
    state: join(dir, plan.name, 'state'),
    useLog: null,
    intervalSeconds,
    clocks: { wallMs: () => (midnight + 60) * 1000, steadyMs: () => performance.now() },
    onEvent: () => {},
  });
  const found: number[] = [];
  for (let kill = 0; kill < plan.kills; kill++) {
    const family = randomId(randomBytes);
    const token = await sealToken(exampleClaims(fixture, { family }), fixture.token);
    const entry = denial({ kind: 'family', value: family });
    const line = await sealStatement(
      statement(fixture, { iat: midnight + kill + (plan.name === 'path' ? 1 : 100_000), deny: [entry] }),
      fixture.revoker,
    );
    const denied = firstDenial(guard, token);
    await sleep(10 + 40 * Math.random());
    const renamed = performance.now();
    plan.publish(line);
    found.push((await denied) - renamed);
  }
  await guard.close();
  return found;
}

/** Sends requests at the rate until one is denied, and returns when that was. */
async function firstDenial(guard: Guard, token: string): Promise<number> {
  const authorization = [`Bearer ${token}`];
  const request = {
    method: 'GET',
    target: '/rows',
    client: null,
    header: (name: string) => (name === 'authorization' ? authorization : []),
  };
  const started = performance.now();
  for (let sent = 0; ; ) {
    for (const due = ((performance.now() - started) * requestsPerSecond) / 1000; sent < due; sent++) {
      const { outcome } = await guard.check(request, 'db:read');
      if (outcome === 'denied') return performance.now();
    }
    await sleep(1);
  }
}
