import { machinePreflight } from '../machine/preflight-entry.ts';
import { type CommandIo, productJson } from './io.ts';

/** `preflight` */
export async function runPreflightCheck(options: { json?: true }, io: CommandIo): Promise<void> {
  const checks = machinePreflight();
  const failed = checks.filter((check) => !check.ok);
  if (failed.length > 0) io.exit('preflight');
  if (options.json) return productJson(io, { ok: failed.length === 0, checks });
  for (const { name, ok, message, hint } of checks) {
    io.product(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(20)} ${message}\n`);
    if (!ok) io.product(`       ${' '.repeat(20)} ${hint}\n`);
  }
}
