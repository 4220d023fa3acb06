/** What a review will say, before it is signed. */
export interface ReviewView {
  readonly incident: string;
  readonly through: { readonly seq: number };
  readonly uses: readonly unknown[];
  readonly findings: readonly string[];
  readonly conclusion: 'in-order' | 'misuse';
}

/** Shown to the auditor who is asked to sign it. */
export function describeReview({ incident, through, uses, findings, conclusion }: ReviewView): string {
  const logs = uses.length === 1 ? '1 use log' : `${uses.length} use logs`;
  return [
    `The review of ${incident} will say:`,
    `  trail       through record ${through.seq}`,
    `  uses        ${uses.length === 0 ? 'NONE: nobody compared what was done with what was issued; that stays a finding' : logs}`,
    `  findings    ${findings.join(', ') || 'none'}`,
    `  conclusion  ${conclusion === 'misuse' ? 'MISUSE' : 'in order'}`,
  ].join('\n');
}
