import { BreakglassError } from '../base/errors.ts';
import { conformOrUndefined, type Ed25519Jwk, ed25519Jwk } from '../base/schema.ts';
import { readInput } from '../machine/files.ts';
import { runChange } from './change-run.ts';
import { identifierFlag, pairFlag } from './flags.ts';
import type { CommandIo } from './io.ts';
import { loadPolicy } from './load-policy.ts';
import { newRevokers } from './people/revoker-keys.ts';
import type { PolicyApplyFlags } from './policy.ts';

/** `policy apply` */
export async function runPolicyApply(file: string, flags: PolicyApplyFlags, io: CommandIo): Promise<void> {
  const policy = await loadPolicy(file);
  const retireRevokers = (flags.retireRevoker ?? []).map((label) => identifierFlag('--retire-revoker', label));
  const addAuditors = (flags.addAuditor ?? []).map(readAuditor);
  const labels = (flags.addRevoker ?? []).map((label) => identifierFlag('--add-revoker', label));
  await runChange(flags, io, {
    command: 'policy apply',
    plan: async () => {
      const revokers = newRevokers(labels);
      const addRevokers = revokers.map(({ label, key }) => ({ label, jwk: key.jwk }));
      return { change: { kind: 'policy', policy, addRevokers, retireRevokers, addAuditors }, revokers };
    },
  });
}

function readAuditor(value: string): { readonly label: string; readonly jwk: Ed25519Jwk } {
  const [label, file] = pairFlag('--add-auditor', value);
  const bytes = readInput(file, { what: "the auditor's key", maxBytes: 16 * 1024 });
  return { label: identifierFlag('--add-auditor', label), jwk: parseKey(Buffer.from(bytes).toString('utf8'), file) };
}

function parseKey(text: string, file: string): Ed25519Jwk {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const { crv, kty, x } = Object(parsed) as { crv?: unknown; kty?: unknown; x?: unknown };
  const jwk = conformOrUndefined(ed25519Jwk, { crv, kty, x });
  if (jwk) return jwk;
  throw new BreakglassError('BAD_INPUT', `${file} is not an Ed25519 public key in JWK form`, {
    hint: 'it must hold {"crv":"Ed25519","kty":"OKP","x":"…"}. Nothing was changed.',
  });
}
