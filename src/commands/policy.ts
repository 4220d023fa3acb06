import type { Command } from 'commander';
import { BreakglassError } from '../base/errors.ts';
import type { Policy, Violation } from '../trust/policy.ts';
import { type CommandIo, productJson } from './io.ts';

export function registerPolicy(program: Command, io: CommandIo): void {
  const policy = program.command('policy').description('write and check the policy that custodians enforce');
  policy
    .command('new')
    .argument('[file]', 'where to write it; without it, to stdout')
    .description('write a commented starting policy')
    .action((file: string | undefined) => newPolicy(file, io));
  policy
    .command('check')
    .argument('<file>', 'the policy, in TOML')
    .option('--json', 'print JSON')
    .description('say whether a policy is good, and what it means')
    .action((file: string, options: { json?: true }) => checkPolicyFile(file, options, io));
}

async function newPolicy(file: string | undefined, io: CommandIo): Promise<void> {
  const { startingPolicy } = await import('../trust/policy-file.ts');
  if (file === undefined) {
    io.product(startingPolicy);
    return;
  }
  const { writeExclusive } = await import('../machine/files.ts');
  writeExclusive(file, Buffer.from(startingPolicy), { mode: 0o644 });
  io.note(`wrote ${file}. Edit it, then: breakglass policy check ${file}`);
}

async function checkPolicyFile(file: string, options: { json?: true }, io: CommandIo): Promise<void> {
  const { readInput } = await import('../machine/files.ts');
  const { parsePolicyFile } = await import('../trust/policy-file.ts');
  const result = parsePolicyFile(
    Buffer.from(readInput(file, { what: 'the policy', maxBytes: 1024 * 1024 })).toString('utf8'),
  );
  const violations = 'policy' in result ? [] : result.violations;
  if (violations.length > 0) io.exit('refused');
  if (options.json) return productJson(io, { ok: violations.length === 0, violations });
  if ('policy' in result) {
    const { explainPolicy } = await import('../report/policy.ts');
    io.product(explainPolicy(result.policy));
    return;
  }
  throw policyInvalid(file, violations);
}

/** The policy of a file. Throws `POLICY_INVALID` with every violation. */
export async function loadPolicy(file: string): Promise<Policy> {
  const { readInput } = await import('../machine/files.ts');
  const { parsePolicyFile } = await import('../trust/policy-file.ts');
  const result = parsePolicyFile(
    Buffer.from(readInput(file, { what: 'the policy', maxBytes: 1024 * 1024 })).toString('utf8'),
  );
  if ('policy' in result) return result.policy;
  throw policyInvalid(file, result.violations);
}

function policyInvalid(file: string, violations: readonly Violation[]): BreakglassError {
  const [first] = violations;
  const message =
    violations.length === 1 && first
      ? `the policy ${file} is refused: ${first.message}`
      : `the policy ${file} breaks ${violations.length} rules`;
  return new BreakglassError('POLICY_INVALID', message, {
    hint: 'mend these places in the file; docs/format.md §6 has every rule. Nothing was done.',
    details: violations.map(({ rule, message: text }) => ({ name: rule, message: text })),
  });
}
