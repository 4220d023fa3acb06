import { formatTime, type Seconds } from '../base/time.ts';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';

export interface MintedView {
  readonly claims: readonly { readonly nbf: Seconds; readonly exp: Seconds }[];
  readonly record: { readonly seq: number };
  readonly headCode: { readonly sha256: string };
  readonly custodians: readonly string[];
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly mended: readonly { readonly medium: string; readonly seq: number }[];
}

/** What people do after a mint: for the screen, never with the token in it. */
export function describeMinted(minted: MintedView, file: string | null): string {
  const { claims, record, headCode, custodians, warnings, mended } = minted;
  const first = claims[0];
  const last = claims.at(-1);
  const window = first && last ? `${formatTime(first.nbf)} to ${formatTime(last.exp)}` : '';
  return [
    `Issued ${claims.length === 1 ? 'a token' : `${claims.length} tokens`}${file === null ? '' : ` in ${file}`}.`,
    `  valid      ${window}`,
    `  record     ${record.seq}, by ${custodians.join(', ')}`,
    ...describeMending(mended),
    ...warnings.map(({ code, message }) => `Warning ${code}: ${message}.`),
    'Write the new head code on every card:',
    `  ${fingerprintOfDigest(headCode.sha256, headWordCount).words.join(' ')}`,
  ].join('\n');
}

function describeMending(mended: MintedView['mended']): string[] {
  return [...new Set(mended.map(({ medium }) => medium))].map((label) => {
    const seqs = mended.filter(({ medium }) => medium === label).map(({ seq }) => seq);
    const which = seqs.length === 1 ? `record ${seqs[0]} was` : `records ${seqs[0]} to ${seqs.at(-1)} were`;
    return `Mended ${label}: ${which} missing and copied.`;
  });
}
