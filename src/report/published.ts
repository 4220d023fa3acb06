import type { BreakglassError } from '../base/errors.ts';
import { type Trust, trustFingerprint } from '../trust/trust-file.ts';

/** One folder that a trust was published to. */
export interface PublishedView {
  readonly dir: string;
  readonly before: number | null;
  readonly version: number | null;
  readonly files: readonly { readonly name: string; readonly outcome: 'written' | 'same' | 'not-written' }[];
  readonly error: BreakglassError | null;
}

/** One folder in JSON. */
export function publishedJson({ dir, before, version, files, error }: PublishedView) {
  return {
    dir,
    ok: error === null,
    code: error?.code ?? null,
    message: error?.message ?? null,
    before,
    version,
    files: files.map(({ name, outcome }) => ({ name, outcome })),
  };
}

const outcomes = { written: 'written', same: 'the same', 'not-written': 'NOT WRITTEN' } as const;

/** `trust publish`, for people: which version went where, file by file. */
export function describePublished(trust: Trust, folders: readonly PublishedView[]): string {
  const { name, version, epoch } = trust.payload;
  return [
    `${name}: version ${version}, epoch ${epoch}, is in force`,
    `  fingerprint  ${trustFingerprint(trust).words.join(' ')}`,
    ...folders.flatMap((folder) => [
      `${folder.dir}: ${verdict(folder)}`,
      ...folder.files.map(({ name, outcome }) => `  ${outcomes[outcome].padEnd(12)} ${name}`),
    ]),
    '',
  ].join('\n');
}

function verdict({ before, version, files, error }: PublishedView): string {
  if (error) return `NOT PUBLISHED: ${error.message}`;
  if (files.every(({ outcome }) => outcome === 'same')) return 'has it all already, read back';
  if (before === null) return 'published, read back';
  return before === version ? 'completed, read back' : `published over version ${before}, read back`;
}
