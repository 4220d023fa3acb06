import type { Command } from 'commander';
import { type ChangeFlags, withChangeFlags } from './change-flags.ts';
import { collect } from './flags.ts';
import type { CommandIo } from './io.ts';

export type PolicyApplyFlags = ChangeFlags & {
  readonly addRevoker?: readonly string[];
  readonly retireRevoker?: readonly string[];
  readonly addAuditor?: readonly string[];
  readonly retireAuditor?: readonly string[];
};

export function registerPolicy(program: Command, io: CommandIo): void {
  const policy = program.command('policy').description('write and check the policy that custodians enforce');
  policy
    .command('new')
    .argument('[file]', 'where to write it; without it, to stdout')
    .description('write a commented starting policy')
    .action(async (file: string | undefined) => (await import('./at-the-desk.ts')).runPolicyNew(file, io));
  policy
    .command('check')
    .argument('<file>', 'the policy, in TOML')
    .option('--json', 'print JSON')
    .description('say whether a policy is good, and what it means')
    .action(async (file: string, flags: { json?: true }) =>
      (await import('./at-the-desk.ts')).runPolicyCheck(file, flags, io),
    );
  withChangeFlags(policy.command('apply'))
    .argument('<file>', 'the policy, in TOML')
    .option('--add-revoker <label>', 'a commander who gets a revoker key; once for each', collect)
    .option('--retire-revoker <label>', 'a commander whose key ends; what it has denied stays denied', collect)
    .option('--add-auditor <label=file>', "an auditor and the file of the auditor's public key (JWK)", collect)
    .option('--retire-auditor <label>', 'an auditor who signs no more; what was signed before stays good', collect)
    .description('put a policy into force, by a quorum; commanders and auditors come and go with it')
    .action(async (file: string, flags: PolicyApplyFlags) =>
      (await import('./at-the-machine.ts')).runPolicyApply(file, flags, io),
    );
}
