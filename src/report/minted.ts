import { formatTime, type Seconds } from '../base/time.ts';
import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';

export interface MintedView {
  readonly claims: readonly { readonly nbf: Seconds; readonly exp: Seconds }[];
  readonly record: { readonly seq: number };
  readonly headCode: { readonly sha256: string };
  readonly custodians: readonly string[];
  readonly kill: string | null;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly mended: readonly { readonly medium: string; readonly seq: number }[];
}

export interface DeliveredView {
  readonly file: string | null;
  readonly pieces: readonly (string | null)[];
}

/** What people do after a mint: for the screen, never with the token in it. */
export function describeMinted(minted: MintedView, { file, pieces }: DeliveredView): string {
  const { claims, record, headCode, custodians, kill, warnings, mended } = minted;
  const first = claims[0];
  const last = claims.at(-1);
  const window = first && last ? `${formatTime(first.nbf)} to ${formatTime(last.exp)}` : '';
  return [
    `Issued ${claims.length === 1 ? 'a token' : `${claims.length} tokens`}${file === null ? '' : ` in ${file}`}.`,
    `  valid      ${window}`,
    ...describePieces(pieces.filter((piece) => piece !== null)),
    `  record     ${record.seq}, by ${custodians.join(', ')}`,
    ...(kill === null ? [] : [`  kill file  ${kill}: whoever publishes it ends this access`]),
    ...describeMending(mended),
    ...warnings.map(({ code, message }) => `Warning ${code}: ${message}.`),
    'Write the new head code on every card:',
    `  ${fingerprintOfDigest(headCode.sha256, headWordCount).words.join(' ')}`,
  ].join('\n');
}

function describePieces(pieces: readonly string[]): string[] {
  return pieces.length === 0 ? [] : [`  one each   ${pieces[0]} to ${pieces.at(-1)}`];
}

function describeMending(mended: MintedView['mended']): string[] {
  return [...new Set(mended.map(({ medium }) => medium))].map((label) => {
    const seqs = mended.filter(({ medium }) => medium === label).map(({ seq }) => seq);
    const which = seqs.length === 1 ? `record ${seqs[0]} was` : `records ${seqs[0]} to ${seqs.at(-1)} were`;
    return `Mended ${label}: ${which} missing and copied.`;
  });
}
