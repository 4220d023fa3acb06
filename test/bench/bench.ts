import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from './audit.ts';
import { guardSpeed } from './guard.ts';
import { keystrokes } from './keystrokes.ts';
import { killLatency } from './kill-latency.ts';
import type { Bench, Measurement, Metric } from './metric.ts';
import { mintTime } from './mint-time.ts';
import { revocations } from './revocations.ts';
import { size } from './size.ts';
import { startUp } from './start-up.ts';
import { verifySpeed } from './verify-speed.ts';

const measurements: Readonly<Record<string, Measurement>> = {
  'start-up': startUp,
  mint: mintTime,
  verify: verifySpeed,
  guard: guardSpeed,
  'kill-latency': killLatency,
  audit,
  revocations,
  keystrokes,
  size,
};

const [root = '', dir = '', ...args] = process.argv.slice(2);
const named = args.filter((arg) => !arg.startsWith('--'));
const odd = [
  ...args.filter((arg) => arg.startsWith('--') && arg !== '--json' && arg !== '--full'),
  ...named.filter((name) => !Object.hasOwn(measurements, name)),
];
if (odd.length > 0) {
  process.stderr.write(
    `breakglass: ${odd.join(' ')} is not understood\nhint: npm run bench -- [--json] [--full] [${Object.keys(measurements).join('|')}]\n`,
  );
  process.exit(2);
}

const metrics: Metric[] = [];
for (const [name, measure] of Object.entries(measurements)) {
  if (named.length > 0 && !named.includes(name)) continue;
  process.stderr.write(`measuring ${name} …\n`);
  metrics.push(...(await measure(benchOf(name))));
  rmSync(join(dir, name), { recursive: true, force: true });
}
process.stdout.write(args.includes('--json') ? `${JSON.stringify({ v: 1, metrics })}\n` : table(metrics));

function benchOf(name: string): Bench {
  const own = join(dir, name);
  mkdirSync(own);
  return {
    root,
    dir: own,
    auditChild: join(dir, 'program/audit-child.mjs'),
    extent: args.includes('--full') ? 'full' : 'default',
  };
}

function table(rows: readonly Metric[]): string {
  const head = ['', 'measured', 'against', '', 'ratio', 'goal', ''];
  const lines = rows.map(({ name, value, unit, against, baseline, ratio, goal, ok }) => [
    name,
    `${value} ${unit}`,
    against === null ? '' : String(against),
    baseline ?? '',
    ratio === null ? '' : ratio.toFixed(2),
    goal ?? '',
    ok === null ? '' : ok ? 'ok' : 'MISSED',
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const note = args.includes('--full') ? '' : '10^6 records: npm run bench -- --full (minutes more).\n';
  return `${[head, ...lines].map(format).join('\n')}\n\nSpeeds are medians, measured in turn with what they are compared with. ${note}`;
}
