import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type LongTrail, writeLongTrail } from './long-trail.ts';
import { median, medianTimes, runNode } from './measure.ts';
import { type Bench, type Measurement, type Metric, metric } from './metric.ts';

const rounds = 3;
const signatures = 4000;

/** `audit-check` over one file of concatenated records: how fast, and with how much memory. */
export const audit: Measurement = async (bench) => {
  const short = await writeLongTrail(join(bench.dir, 'short.jws'), 10_000);
  const long = await writeLongTrail(join(bench.dir, 'long.jws'), 100_000);
  const speed = await measureSpeed(long, bench);
  const memory = measureMemory(short, long, bench);
  if (bench.extent === 'default') return [...speed, memory];
  rmSync(short.path);
  const longest = await writeLongTrail(join(bench.dir, 'longest.jws'), 1_000_000);
  return [...speed, memory, measureMemory(long, longest, bench)];
};

async function measureSpeed(trail: LongTrail, bench: Bench): Promise<Metric[]> {
  const checks: Checked[] = [];
  const cpuOfSignatures: number[] = [];
  const cores = availableParallelism();
  const [, signatureTime = 0] = await medianTimes(
    [() => void checks.push(check(trail, bench)), () => void cpuOfSignatures.push(cpuTimeOf(verifySignatures))],
    rounds,
  );
  const records = (times: number[]) => perSecond(trail.records, median(times));
  // Of a twelfth of the records two signatures are verified: raw verification of as many.
  const each = trail.records / trail.signatures;
  return [
    metric('audit-check of records', records(checks.map(({ milliseconds }) => milliseconds)), '/s', {
      against: {
        value: perSecond(signatures, signatureTime) * cores * each,
        what: `Ed25519 alone over their signatures, ${cores} cores`,
      },
      goal: { sign: '>=', limit: 0.6 },
    }),
    // What the speed comes to on cores that nobody else uses: on a busy machine the line above says less.
    metric(
      'audit-check of records, by processor time',
      records(checks.map(({ cpuMilliseconds }) => cpuMilliseconds)),
      '/s',
      {
        against: {
          value: perSecond(signatures, median(cpuOfSignatures)) * each,
          what: 'Ed25519 alone over their signatures',
        },
      },
    ),
  ];
}

function cpuTimeOf(work: () => void): number {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
// As long as the signing input of a plain record.
const message = Buffer.alloc(1024, 'a');
const signature = sign(null, message, privateKey);

function verifySignatures(): void {
  for (let count = 0; count < signatures; count++)
    if (!verify(null, message, publicKey, signature)) throw new Error('the signature is wrong');
}

function measureMemory(short: LongTrail, long: LongTrail, bench: Bench): Metric {
  const peak = (trail: LongTrail) => check(trail, bench).peakKiB / 1024;
  return metric(`peak memory of audit-check, ${exponent(long.records)} records`, peak(long), 'MiB', {
    against: { value: peak(short), what: `${exponent(short.records)} records` },
    goal: { sign: '<=', limit: 1.2 },
  });
}

interface Checked {
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  readonly peakKiB: number;
}

function check({ path, trustPath, records, head }: LongTrail, { auditChild }: Bench): Checked {
  const result = JSON.parse(runNode([auditChild, path, trustPath, head]));
  if (result.verdict !== 'intact' || result.records !== records)
    throw new Error(`the trail of the benchmark is ${result.verdict}: ${JSON.stringify(result.findings)}`);
  return result;
}

function perSecond(count: number, milliseconds: number): number {
  return (count * 1000) / milliseconds;
}

function exponent(count: number): string {
  return `10^${Math.round(Math.log10(count))}`;
}
