import { spawnSync } from 'node:child_process';

/** The middle one of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

export type Step = () => void | Promise<void>;

/**
 * Median milliseconds of each step, run in turn, `rounds` times after some that do not count: what disturbs the machine
 * disturbs them alike. With a lead-in each step runs once more before it is timed: what the step before it left behind, garbage
 * and sleeping threads, is not its own.
 */
export async function medianTimes(
  steps: readonly Step[],
  rounds: number,
  { unmeasured = 1, leadIn = 'none' }: { readonly unmeasured?: number; readonly leadIn?: 'none' | 'each' } = {},
): Promise<number[]> {
  const times: number[][] = steps.map(() => []);
  for (let round = -unmeasured; round < rounds; round++) {
    for (const [position, step] of steps.entries()) {
      if (leadIn === 'each') await step();
      const milliseconds = await timeOf(step);
      if (round >= 0) times[position]?.push(milliseconds);
    }
  }
  return times.map(median);
}

async function timeOf(step: Step): Promise<number> {
  const started = performance.now();
  await step();
  return performance.now() - started;
}

/** Runs Node.js without a terminal and returns what it printed. Throws when it does not exit with 0. */
export function runNode(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`node ${args.join(' ')}\nended with ${status}\n${stderr}`);
  return stdout;
}

/** The start of Node.js itself, below which no command can get. */
export const nodeAlone: Step = () => void runNode(['-e', '0']);
