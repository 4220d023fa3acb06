import { BreakglassError } from '../base/errors.ts';
import { readInput } from '../machine/files.ts';
import type { Policy, Violation } from '../trust/policy.ts';
import { parsePolicyFile } from '../trust/policy-file.ts';

/** The policy of a file. Throws `POLICY_INVALID` with every violation. */
export async function loadPolicy(file: string): Promise<Policy> {
  const result = parsePolicyFile(
    Buffer.from(readInput(file, { what: 'the policy', maxBytes: 1024 * 1024 })).toString('utf8'),
  );
  if ('policy' in result) return result.policy;
  throw policyInvalid(file, result.violations);
}

export function policyInvalid(file: string, violations: readonly Violation[]): BreakglassError {
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
