import { BreakglassError } from '../base/errors.ts';
import type { State } from '../machine/state.ts';
import { denyEntrySha256, mergeRevocations, readRevocations } from '../revocation/list.ts';
import type { DenyEntry } from '../revocation/statement.ts';
import { runChange } from './change-run.ts';
import type { CommandIo } from './io.ts';
import { revocationSources } from './revocation-sources.ts';
import type { ResetFlags } from './revocations.ts';
import { selectorsOf } from './revoke-selectors.ts';

/** `revocations reset` */
export async function runRevocationsReset(flags: ResetFlags, io: CommandIo): Promise<void> {
  await runChange(flags, io, {
    command: 'revocations reset',
    plan: async (state) => ({ change: { kind: 'revocations.reset', entries: meant(flags, state) }, revokers: [] }),
  });
}

/** The denials in force, here and in the lists that were brought, that the flags name. */
function meant(flags: ResetFlags, state: State): DenyEntry[] {
  const brought = revocationSources(flags.revocations).map(({ bytes }) => bytes);
  const known = brought.reduce(mergeRevocations, state.revocations());
  const { entries } = readRevocations(known, state.trust);
  const selectors = selectorsOf(flags, []);
  const hashes = flags.entry ?? [];
  if (selectors.length === 0 && hashes.length === 0)
    throw new BreakglassError('USAGE', 'it is not said which denials are meant', {
      hint: 'name them: --incident, --subject, --entry … (breakglass revocations show lists them). Nothing was changed.',
    });
  const distinct = new Map(entries.map((entry) => [denyEntrySha256(entry), entry]));
  return [...distinct].flatMap(([sha256, entry]) =>
    hashes.includes(sha256) || selectors.some(({ kind, value }) => kind === entry.kind && value === entry.value)
      ? [entry]
      : [],
  );
}
