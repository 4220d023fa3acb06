import type { HeldAnchor } from './anchors.ts';
import type { ChainResult } from './check.ts';
import { type Finding, finding, isGrave, severities } from './findings.ts';

/** In the order of precedence: the first that applies is the verdict (docs/format.md §9). */
export const verdicts = ['tampered', 'unreadable', 'not-provable', 'intact'] as const;
export type Verdict = (typeof verdicts)[number];

export interface Judgement {
  readonly verdict: Verdict;
  /** The last record that an anchor vouches for, all before it included; null when none does. */
  readonly provenThrough: number | null;
  /** Everything found, the gravest first and then by place. */
  readonly findings: readonly Finding[];
}

export interface Evidence {
  readonly chain: Pick<ChainResult, 'head' | 'headCeremony'>;
  readonly findings: readonly Finding[];
  readonly anchors: readonly HeldAnchor[];
  /** How the trust file is known: given by the auditor, or merely found on the media that it is to judge. */
  readonly trust: 'given' | 'found';
}

/** The verdict on a trail. `intact` needs an anchor from outside at or after the last ceremony record, and an anchored trust. */
export function judgeTrail(evidence: Evidence): Judgement {
  const findings = [...evidence.findings, ...endFindings(evidence), ...trustFindings(evidence)];
  const verdict = verdicts.find((candidate) => findings.some(({ severity }) => severity === candidate)) ?? 'intact';
  return { verdict, provenThrough: provenThrough(evidence), findings: [...findings].sort(byGravity) };
}

function endFindings({ chain, anchors }: Evidence): Finding[] {
  const { head, headCeremony } = chain;
  if (!head || !headCeremony) return [];
  const outside = anchors.filter((anchor) => anchor.outside).map(({ seq }) => seq);
  const last = Math.max(-1, ...outside);
  if (last < headCeremony.seq) {
    const known = last < 0 ? 'nothing from outside names it' : `the newest anchor names record ${last}`;
    const message = `whether records were cut off after record ${head.seq} cannot be proved: ${known}`;
    return [finding('END_NOT_PROVED', message, { seq: headCeremony.seq })];
  }
  if (last >= head.seq) return [];
  const after = last + 1 === head.seq ? `record ${head.seq} is` : `records ${last + 1} to ${head.seq} are`;
  return [finding('PROVISIONAL', `${after} by the recorder and after the last anchor: provisional`, { seq: last + 1 })];
}

function trustFindings({ trust, anchors }: Evidence): Finding[] {
  if (trust === 'given' || anchors.some(({ bindsTrust }) => bindsTrust)) return [];
  const message = 'the trust file was only found on the media: a whole trail could be made up with it';
  return [finding('TRUST_NOT_ANCHORED', message)];
}

/** Every record up to the best anchor is bound by the chain of hashes, as far as nothing grave was found before it. */
function provenThrough({ anchors, findings }: Evidence): number | null {
  const best = Math.max(-1, ...anchors.map(({ seq }) => seq));
  const grave = findings.filter(isGrave);
  const proven = Math.min(best, ...grave.flatMap(({ seq }) => (seq === null ? [] : [seq - 1])));
  return proven < 0 ? null : proven;
}

function byGravity(a: Finding, b: Finding): number {
  const bySeverity = severities.indexOf(a.severity) - severities.indexOf(b.severity);
  return bySeverity !== 0 ? bySeverity : (a.seq ?? Number.MAX_SAFE_INTEGER) - (b.seq ?? Number.MAX_SAFE_INTEGER);
}
