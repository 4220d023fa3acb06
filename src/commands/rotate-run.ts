import type { Change, DealPlan } from '../ceremony/change-plan.ts';
import { custodianLabels, type Trust } from '../trust/trust-file.ts';
import type { DealFlags } from './change-flags.ts';
import { runChange } from './change-run.ts';
import { identifierFlag, integerFlag, oneOfFlag } from './flags.ts';
import type { CommandIo } from './io.ts';
import { loadPolicy } from './load-policy.ts';
import type { RotateFlags } from './rotate.ts';

/** `rotate keys`, `rotate shares`, `rotate seed` */
export async function runRotate(
  kind: 'rotate.keys' | 'rotate.shares' | 'rotate.seed',
  flags: RotateFlags,
  io: CommandIo,
): Promise<void> {
  await runChange(flags, io, {
    command: kind.replace('.', ' '),
    plan: async ({ trust }) => ({ change: await changeOf(kind, flags, trust), revokers: [] }),
  });
}

async function changeOf(kind: Change['kind'], flags: RotateFlags, trust: Trust): Promise<Change> {
  const policy = flags.policy === undefined ? {} : { policy: await loadPolicy(flags.policy) };
  if (kind === 'rotate.keys') return { kind, ...policy };
  const deal = dealOf(flags, trust);
  if (kind === 'rotate.shares') return { kind, ...policy, deal };
  const strength = oneOfFlag('--strength', flags.strength ?? String(trust.set.strength), ['128', '256']);
  return { kind: 'rotate.seed', ...policy, deal, strength: strength === '256' ? 256 : 128 };
}

/** Who is not named keeps what is: the same people, the same threshold. */
function dealOf({ threshold, custodian }: DealFlags, trust: Trust): DealPlan {
  return {
    threshold: threshold === undefined ? trust.set.threshold : integerFlag('--threshold', threshold),
    custodians: custodian?.map((label) => identifierFlag('--custodian', label)) ?? custodianLabels(trust.set),
  };
}
