import type { PublicKey } from '../key/public.ts';
import type { TrailSource } from '../medium/source.ts';
import { mergeRevocations, readRevocations } from '../revocation/list.ts';
import type { TrustHistory } from '../trail/trust-history.ts';
import { Reconciler, type Reconciliation } from '../use/reconcile.ts';
import { readUseLogs, type UseLogFile } from '../use/use-chain.ts';
import type { RevocationSource } from './import-revocations.ts';
import { readIssuances } from './issuances.ts';

/** What an auditor brings to compare what was done with what was issued. */
export interface UsesOptions {
  readonly files: readonly UseLogFile[];
  /** The keys of the guards, from their owners. */
  readonly keys: readonly PublicKey[];
  /** Lists of denials; none: nobody looks for uses after a revocation. */
  readonly revocations: readonly RevocationSource[];
}

/** Compares the uses of the logs with the issuances of the trail's copies (docs/format.md §16). Throws only what reading a file throws. */
export async function reconcileUses(
  { files, keys, revocations }: UsesOptions,
  sources: readonly TrailSource[],
  history: TrustHistory,
): Promise<Reconciliation> {
  const [first, ...more] = revocations.map(({ bytes }) => bytes);
  const list = first && readRevocations(more.reduce(mergeRevocations, first), history.newest);
  const reconciler = new Reconciler({
    trust: history.id,
    issued: await readIssuances(sources, history),
    revocations: list ?? null,
  });
  return reconciler.finish(readUseLogs(files, { keys, onUse: (found) => reconciler.add(found) }));
}
