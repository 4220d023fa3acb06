import { readInput, writeExclusive } from '../machine/files.ts';
import { explainPolicy } from '../report/policy.ts';
import { parsePolicyFile, startingPolicy } from '../trust/policy-file.ts';
import { type CommandIo, productJson } from './io.ts';
import { policyInvalid } from './load-policy.ts';

/** `policy new` */
export async function runPolicyNew(file: string | undefined, io: CommandIo): Promise<void> {
  if (file === undefined) {
    io.product(startingPolicy);
    return;
  }
  writeExclusive(file, Buffer.from(startingPolicy), { mode: 0o644 });
  io.note(`wrote ${file}. Edit it, then: breakglass policy check ${file}`);
}

/** `policy check` */
export async function runPolicyCheck(file: string, options: { json?: true }, io: CommandIo): Promise<void> {
  const result = parsePolicyFile(
    Buffer.from(readInput(file, { what: 'the policy', maxBytes: 1024 * 1024 })).toString('utf8'),
  );
  const violations = 'policy' in result ? [] : result.violations;
  if (violations.length > 0) io.exit('refused');
  if (options.json) return productJson(io, { ok: violations.length === 0, violations });
  if ('policy' in result) {
    io.product(explainPolicy(result.policy));
    return;
  }
  throw policyInvalid(file, violations);
}
