import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Measurement, metric } from './metric.ts';

/** What is installed, and what of it `verify --help` reads. */
export const size: Measurement = async ({ root }) => {
  const dir = join(root, 'dist/command');
  const whole = kibibytes(readdirSync(dir).map((name) => join(dir, name)));
  const read = kibibytes([...readAtStart(dir, 'breakglass.js')].map((name) => join(dir, name)));
  return [
    metric('dist/command', whole, 'KiB'),
    metric('of that, read by verify --help', read, 'KiB', { against: { value: whole, what: 'dist/command' } }),
  ];
};

/** A chunk and what it imports statically; esbuild writes each such import at the start of a line. */
function readAtStart(dir: string, name: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  const text = readFileSync(join(dir, name), 'utf8');
  for (const [, imported] of text.matchAll(/^(?:import|\}) ?(?:from )?"\.\/([^"]+)"/gm))
    if (imported) readAtStart(dir, imported, seen);
  return seen;
}

function kibibytes(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0) / 1024;
}
