import { fingerprintOfDigest, headWordCount } from '../key/fingerprint.ts';
import type { HeldAnchor } from '../trail/anchors.ts';
import type { TrailPoint } from '../trail/check.ts';
import { type Finding, isGrave } from '../trail/findings.ts';
import type { Verdict } from '../trail/verdict.ts';
import type { Reconciliation } from '../use/reconcile.ts';
import { describeUses, usesJson } from './uses.ts';

/** What `audit-check` found, for people and as JSON. */
export interface AuditView {
  readonly verdict: Verdict;
  readonly trustId: string;
  readonly records: number;
  readonly provenThrough: number | null;
  readonly head: TrailPoint | null;
  readonly headCeremony: (TrailPoint & { readonly time: string }) | null;
  readonly anchors: readonly HeldAnchor[];
  readonly findings: readonly Finding[];
  readonly copies: readonly { readonly label: string; readonly kind: string; readonly path: string }[];
  readonly state: 'none' | 'written' | 'kept';
  readonly uses: Reconciliation | null;
}

/** `audit-check --json`. */
export function auditJson(view: AuditView) {
  const { verdict, trustId, records, provenThrough, head, headCeremony, anchors, findings, copies, state, uses } = view;
  return {
    verdict,
    trust: trustId,
    records,
    provenThrough,
    head,
    headCode: headCeremony && { seq: headCeremony.seq, words: headWords(headCeremony.sha256) },
    anchors: anchors.map(({ kind, seq, sha256, what, outside }) => ({ kind, seq, sha256, what, outside })),
    findings,
    firstBad: firstBad(findings)?.seq ?? null,
    copies,
    state,
    uses: uses && usesJson(uses),
  };
}

/** The verdict in plain words, the first bad record, a short table, all findings, and what to do. */
export function describeAudit(view: AuditView): string {
  const bad = firstBad(view.findings);
  const lines = [
    verdictLine(view),
    ...(bad ? [`First bad record: ${bad.seq}${bad.medium ? ` (${bad.medium})` : ''}: ${bad.message}`] : []),
    '',
    ...table(view),
    ...(view.findings.length > 0 ? ['', 'Findings:', ...view.findings.map(findingLine)] : []),
    '',
    ...advice(view),
    ...(view.uses ? ['', ...describeUses(view.uses)] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function verdictLine({ verdict, records, headCeremony, provenThrough }: AuditView): string {
  if (verdict === 'intact')
    return `INTACT: all ${records} records are as they were written, and none is missing up to record ${provenThrough}.`;
  if (verdict === 'tampered') return 'TAMPERED: the trail, or a copy of it, was changed after it was written.';
  if (verdict === 'unreadable') return 'UNREADABLE: a part of the trail cannot be read.';
  const through = provenThrough === null ? 'nothing proves any of it' : `proved through record ${provenThrough}`;
  if (headCeremony === null) return `NOT PROVABLE: ${through}.`;
  return `NOT PROVABLE: what is there fits together, but not everything can be proved; ${through}.`;
}

function table(view: AuditView): string[] {
  const { head, headCeremony } = view;
  const rows: readonly (readonly [string, string])[] = [
    ['trust', fingerprintOfDigest(view.trustId, headWordCount).words.join(' ')],
    ['copies', view.copies.map(({ label, kind }) => `${label} (${kind})`).join(', ')],
    ['records', `${view.records}${head ? `, the last is ${head.seq}` : ''}`],
    ['last ceremony', headCeremony ? `record ${headCeremony.seq} of ${headCeremony.time}` : 'none'],
    ['its head code', headCeremony ? headWords(headCeremony.sha256).join(' ') : '-'],
    ['anchors', view.anchors.map(({ what, seq }) => `${what} (record ${seq})`).join(', ') || 'none'],
    ['proved through', view.provenThrough === null ? 'nothing' : `record ${view.provenThrough}`],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(14)}  ${value}`);
}

function findingLine({ severity, code, message }: Finding): string {
  return `  ${severity.padEnd(12)}  ${code}  ${message}`;
}

function advice({ verdict, findings, state }: AuditView): string[] {
  const lines = [verdictAdvice[verdict]];
  if (findings.some(({ code }) => code === 'END_NOT_PROVED'))
    lines.push(
      'Ask a custodian for the words on their card and give them with --head: they show whether the end is all there.',
    );
  if (findings.some(({ code }) => code === 'TRUST_NOT_ANCHORED'))
    lines.push('Give the trust file that you hold with --trust, or all 8 words of the head code.');
  if (state === 'kept') lines.push('The state file was left as it was: only a check that ends INTACT changes it.');
  if (state === 'written') lines.push('The state file now remembers this end.');
  return lines;
}

const verdictAdvice: Readonly<Record<Verdict, string>> = {
  intact: 'Write the head code down away from the media, and compare it next time.',
  tampered: 'Keep every medium as it is, write nothing to it, and find out who had it. Other copies may be good.',
  unreadable: 'Read the medium in another machine, or use another copy. Do not write to it.',
  'not-provable': 'This is not an alarm and not an all-clear.',
};

function firstBad(findings: readonly Finding[]): Finding | undefined {
  const bad = findings.filter((found) => isGrave(found) && found.seq !== null && found.severity !== 'not-provable');
  return bad.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0))[0];
}

function headWords(sha256: string): readonly string[] {
  return fingerprintOfDigest(sha256, headWordCount).words;
}
