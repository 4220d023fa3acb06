import { BreakglassError, type ExitName } from '../base/errors.ts';
import type { UsesOptions } from '../ceremony/reconcile-uses.ts';
import { loadPublicKey } from '../key/public.ts';
import { useLogFiles } from '../machine/use-log-files.ts';
import type { Verdict } from '../trail/verdict.ts';
import type { UsesVerdict } from '../use/reconcile.ts';
import { readPublicKeys } from './public-key-file.ts';
import { revocationSources } from './revocation-sources.ts';

/** The flags that bring use logs to a trail. */
export interface UsesFlags {
  readonly uses?: readonly string[];
  readonly usesKey?: readonly string[];
  readonly revocations?: readonly string[];
}

/** `--uses`, `--uses-key` and `--revocations`; nothing without `--uses`. Throws `USAGE`, `NOT_FOUND`, `BAD_INPUT` or `KEY_REFUSED`. */
export function usesOptions(flags: UsesFlags): { readonly uses?: UsesOptions } {
  const { uses, usesKey = [], revocations = [] } = flags;
  if (uses === undefined) {
    if (usesKey.length === 0 && revocations.length === 0) return {};
    throw new BreakglassError('USAGE', '--uses-key and --revocations go with --uses FILE', {
      hint: 'give the use logs of the guards. Nothing was judged.',
    });
  }
  const keys = usesKey.flatMap((file) =>
    readPublicKeys(file, "the guard's key").map((jwk) => loadPublicKey(jwk, `the guard's key of ${file}`)),
  );
  return { uses: { files: useLogFiles(uses), keys, revocations: revocationSources(revocations) } };
}

const exitOfTrail: Readonly<Record<Verdict, ExitName>> = {
  intact: 'done',
  tampered: 'no',
  unreadable: 'media',
  'not-provable': 'undecided',
};

const exitOfUses: Readonly<Record<UsesVerdict, ExitName>> = {
  misuse: 'no',
  tampered: 'no',
  incomplete: 'undecided',
  complete: 'done',
};

const gravest: readonly ExitName[] = ['no', 'media', 'undecided'];

/** The exit status of the graver of two verdicts; null: there was no use log. */
export function graverExit(trail: Verdict, uses: UsesVerdict | null): ExitName {
  const exits = [exitOfTrail[trail], uses === null ? 'done' : exitOfUses[uses]];
  return gravest.find((exit) => exits.includes(exit)) ?? 'done';
}
