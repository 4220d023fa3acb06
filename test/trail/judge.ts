import { type ChainResult, createTrailCheck, type TrailCheckOptions } from '../../src/trail/check.ts';
import { openTrustHistory } from '../../src/trail/trust-history.ts';
import type { TrailBuilder } from './build.ts';

/** Checks files as if they lay in a folder, each named by its place; `names` says otherwise. */
export async function judge(
  builder: Pick<TrailBuilder, 'trustFiles'>,
  files: readonly Uint8Array[],
  options: Partial<TrailCheckOptions> & { readonly names?: readonly (number | null)[] } = {},
): Promise<ChainResult> {
  const check = createTrailCheck({ history: openTrustHistory(builder.trustFiles), ...options });
  for (const [index, bytes] of files.entries()) {
    const seq = options.names ? (options.names[index] ?? null) : index;
    await check.add(bytes, { seq, what: `record ${index}`, medium: null });
  }
  return check.finish();
}

/** The codes found, each once, warnings and notes left out. */
export function gravely(result: Pick<ChainResult, 'findings'>): string[] {
  const grave = result.findings.filter(({ severity }) => severity !== 'warning' && severity !== 'note');
  return [...new Set(grave.map(({ code }) => code))];
}
