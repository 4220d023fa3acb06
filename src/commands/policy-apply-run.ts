import { BreakglassError } from '../base/errors.ts';
import type { Ed25519Jwk } from '../base/schema.ts';
import { runChange } from './change-run.ts';
import { identifierFlag, pairFlag } from './flags.ts';
import type { CommandIo } from './io.ts';
import { loadPolicy } from './load-policy.ts';
import { newRevokers } from './people/revoker-keys.ts';
import type { PolicyApplyFlags } from './policy.ts';
import { readPublicKeys } from './public-key-file.ts';

/** `policy apply` */
export async function runPolicyApply(file: string, flags: PolicyApplyFlags, io: CommandIo): Promise<void> {
  const policy = await loadPolicy(file);
  const retireRevokers = (flags.retireRevoker ?? []).map((label) => identifierFlag('--retire-revoker', label));
  const addAuditors = (flags.addAuditor ?? []).map(readAuditor);
  const retireAuditors = (flags.retireAuditor ?? []).map((label) => identifierFlag('--retire-auditor', label));
  const labels = (flags.addRevoker ?? []).map((label) => identifierFlag('--add-revoker', label));
  await runChange(flags, io, {
    command: 'policy apply',
    plan: async () => {
      const revokers = newRevokers(labels);
      const addRevokers = revokers.map(({ label, key }) => ({ label, jwk: key.jwk }));
      const people = { addRevokers, retireRevokers, addAuditors, retireAuditors };
      return { change: { kind: 'policy', policy, ...people }, revokers };
    },
  });
}

function readAuditor(value: string): { readonly label: string; readonly jwk: Ed25519Jwk } {
  const [label, file] = pairFlag('--add-auditor', value);
  const [jwk, ...more] = readPublicKeys(file, "the auditor's key");
  if (more.length === 0) return { label: identifierFlag('--add-auditor', label), jwk };
  throw new BreakglassError('BAD_INPUT', `${file} holds ${more.length + 1} keys, and ${label} has one`, {
    hint: 'give a file with one key. Nothing was changed.',
  });
}
