import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BreakglassError } from '../base/errors.ts';
import { drill } from '../ceremony/drill.ts';
import { monotonicMilliseconds } from '../machine/clock.ts';
import { realHost } from '../medium/real-host.ts';
import { describeDrill } from '../report/drill.ts';
import type { Policy } from '../trust/policy.ts';
import { parsePolicyFile, startingPolicy } from '../trust/policy-file.ts';
import type { DrillFlags } from './drill.ts';
import { type CommandIo, productJson } from './io.ts';
import { loadPolicy } from './load-policy.ts';

/** `drill`: no questions; a sandbox, the whole flow, a table. */
export async function runDrill(flags: DrillFlags, io: CommandIo): Promise<void> {
  const policy = flags.policy === undefined ? ownPolicy() : await loadPolicy(flags.policy);
  const sandbox = openSandbox(flags, io);
  try {
    const report = await drill(
      { policy, sandbox },
      { clock: io.clock, random: io.random, host: realHost, milliseconds: monotonicMilliseconds },
    );
    if (!report.ok) io.exit('no');
    if (flags.json) productJson(io, report);
    else io.product(describeDrill(report));
    if (flags.keep !== undefined) io.note(`kept the sandbox in ${sandbox}; its cards were never written`);
  } finally {
    if (flags.keep === undefined) rmSync(sandbox, { recursive: true, force: true });
  }
}

function ownPolicy(): Policy {
  const result = parsePolicyFile(startingPolicy);
  if ('policy' in result) return result.policy;
  throw new TypeError('the starting policy is good');
}

function openSandbox({ keep }: DrillFlags, io: CommandIo): string {
  if (keep === undefined) return mkdtempSync(join(io.env['TMPDIR'] ?? '/tmp', 'breakglass-drill-'));
  const dir = resolve(keep);
  if (existsSync(dir)) {
    throw new BreakglassError('EXISTS', `${dir} exists already`, {
      hint: 'give --keep a directory that does not exist yet. Nothing was done.',
    });
  }
  mkdirSync(dir, { recursive: true });
  return dir;
}
