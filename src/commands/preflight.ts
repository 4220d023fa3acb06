import type { Command } from 'commander';
import { type CommandIo, productJson } from './io.ts';

export function registerPreflight(program: Command, io: CommandIo): void {
  program
    .command('preflight')
    .option('--json', 'print JSON')
    .description('say whether this machine is fit for a ceremony, and what to do where it is not')
    .action((options: { json?: true }) => preflight(options, io));
}

async function preflight(options: { json?: true }, io: CommandIo): Promise<void> {
  const { machinePreflight } = await import('../machine/preflight-entry.ts');
  const checks = machinePreflight();
  const failed = checks.filter((check) => !check.ok);
  if (failed.length > 0) io.exit('preflight');
  if (options.json) return productJson(io, { ok: failed.length === 0, checks });
  for (const { name, ok, message, hint } of checks) {
    io.product(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(20)} ${message}\n`);
    if (!ok) io.product(`       ${' '.repeat(20)} ${hint}\n`);
  }
}
