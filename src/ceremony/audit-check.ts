import { existsSync } from 'node:fs';
import { sha256Hex } from '../base/bytes.ts';
import { BreakglassError } from '../base/errors.ts';
import { showable } from '../base/text.ts';
import type { Seconds } from '../base/time.ts';
import { parseWords } from '../base/words.ts';
import { headPromptWordCount, headWordCount } from '../key/fingerprint.ts';
import type { TrailSource } from '../medium/source.ts';
import type { Anchor, HeldAnchor } from '../trail/anchors.ts';
import type { ChainResult, TrailPoint } from '../trail/check.ts';
import { checkCopies } from '../trail/copies.ts';
import { drillWarnings, type OpenReview, openReviews, reviewWarnings } from '../trail/due.ts';
import { type Finding, FindingList, finding } from '../trail/findings.ts';
import { openTrustHistory, type TrustHistory } from '../trail/trust-history.ts';
import { judgeTrail, type Verdict } from '../trail/verdict.ts';
import type { LabelledKey, Trust } from '../trust/trust-file.ts';
import type { Reconciliation } from '../use/reconcile.ts';
import { checkpointAnchors, seenTokenAnchors } from './audit-anchors.ts';
import { type AuditorState, readAuditorState, writeAuditorState } from './auditor-state.ts';
import { reconcileUses, type UsesOptions } from './reconcile-uses.ts';
import { openTrailSources, trustInForce } from './trail-sources.ts';

export interface AuditOptions {
  /** Media, trail folders, or files of concatenated records. */
  readonly paths: readonly string[];
  /** The trust that the auditor believes: given or pinned; undefined: whatever lies on the media. */
  readonly trust: Trust | undefined;
  /** A head code, 3 to 8 words. */
  readonly head: string | undefined;
  readonly state: { readonly path: string; readonly mode: 'new' | 'update' } | undefined;
  /** Tokens that somebody saw. */
  readonly seen: readonly SeenToken[];
  /** The present, to say what is overdue; undefined: nothing is said of it. */
  readonly now?: Seconds;
  /** Use logs to compare with what the trail issued; undefined: nobody does. */
  readonly uses?: UsesOptions;
}

export interface SeenToken {
  /** For people: "line 2 of seen.txt". */
  readonly what: string;
  readonly token: string;
}

export interface AuditReport {
  readonly verdict: Verdict;
  readonly trustId: string;
  readonly records: number;
  readonly provenThrough: number | null;
  readonly head: TrailPoint | null;
  readonly headCeremony: ChainResult['headCeremony'];
  readonly anchors: readonly HeldAnchor[];
  readonly findings: readonly Finding[];
  readonly copies: readonly Pick<TrailSource, 'label' | 'kind' | 'path'>[];
  readonly state: 'none' | 'written' | 'kept';
  /** Those of every trust version at hand. */
  readonly auditors: readonly LabelledKey[];
  /** Incidents that nobody has reviewed; none where the present is not known. */
  readonly reviews: readonly OpenReview[];
  /** What the uses say; null when no use log was given. */
  readonly uses: Reconciliation | null;
}

/** Judges a trail (docs/ceremony.md). Nothing on the media is changed; the state file only after the verdict `intact`. */
export async function auditCheck(options: AuditOptions): Promise<AuditReport> {
  // 1. What the auditor brings
  checkHeadWords(options.head);
  const state = openState(options);
  const trustId = options.trust?.id ?? state?.trust ?? null;

  // 2. The copies, and the trust files on them
  const sources = await openTrailSources(options.paths, trustId);
  const files = sources.flatMap((source) => source.trustFiles.map(({ bytes }) => bytes));
  const history = openTrustHistory(files, options.trust, trustId);
  const found: Finding[] = sources.flatMap((source) => findOddities(source, history));

  // 3. The anchors
  const seen = seenTokenAnchors(options.seen, history);
  const checkpoints = checkpointAnchors(sources, history);
  const anchors = [...knownAnchors(options, state), ...seen.anchors, ...checkpoints.anchors];
  found.push(...seen.findings, ...checkpoints.findings);

  // 4. Every record, copy beside copy
  const result = await checkCopies(sources, { history, anchors });
  found.push(...result.findings, ...result.anchors.findings, ...findTrustAhead(history, result.chain));
  found.push(...findOverdue(history, result.chain, options.now));

  // 5. The verdict
  const { chain } = result;
  const trust = options.trust ? 'given' : 'found';
  const judgement = judgeTrail({ chain, findings: found, anchors: result.anchors.held, trust });

  // 6. What was done, beside what was issued
  const uses = options.uses ? await reconcileUses(options.uses, sources, history) : null;

  // 7. What the auditor remembers from now on
  const remembered = judgement.verdict === 'intact' ? nextState(history, chain, result.anchors.held) : undefined;
  if (options.state && remembered) writeAuditorState(options.state.path, remembered, options.state.mode);
  return {
    ...judgement,
    trustId: history.id,
    records: chain.records,
    head: chain.head,
    headCeremony: chain.headCeremony,
    anchors: result.anchors.held,
    copies: sources.map(({ label, kind, path }) => ({ label, kind, path })),
    state: !options.state ? 'none' : remembered ? 'written' : 'kept',
    reviews:
      options.now === undefined
        ? []
        : openReviews(chain.facts.debts, trustInForce(history, chain.facts).payload.policy, options.now),
    uses,
    auditors: history.versions.flatMap((version) => version.auditors),
  };
}

function checkHeadWords(head: string | undefined): void {
  if (head === undefined) return;
  const words = parseWords(head);
  if (words && words.length >= headPromptWordCount && words.length <= headWordCount) return;
  throw new BreakglassError('BAD_INPUT', 'the head code is not 3 to 8 words of the list', {
    hint: 'copy the words from the card, first word first. Nothing was judged.',
  });
}

function openState({ state, trust }: AuditOptions): AuditorState | undefined {
  if (!state) return undefined;
  if (state.mode === 'new') {
    if (!existsSync(state.path)) return undefined;
    throw new BreakglassError('EXISTS', `${state.path} is there already`, {
      hint: 'leave out --new-state to check against it. Nothing was judged.',
    });
  }
  const known = readAuditorState(state.path);
  if (!trust || known.trust === trust.id) return known;
  throw new BreakglassError('TRUST_OTHER', 'the state file is of another trust than the trust file', {
    hint: 'keep one state file for each trust. Nothing was judged.',
  });
}

function findOddities(source: TrailSource, history: TrustHistory): Finding[] {
  const at = { medium: source.label };
  const refusals = new Map(history.refused.map(({ sha256, reason }) => [sha256, reason]));
  const ofTrust = source.trustFiles.flatMap(({ name, number, bytes }): Finding[] => {
    const reason = refusals.get(sha256Hex(bytes))?.message;
    const version = history.versions.find(({ sha256 }) => sha256 === sha256Hex(bytes))?.payload.version;
    if (reason && bytes.at(-1) !== 0x0a)
      return [finding('TRUST_FILE_TORN', `${name} on ${source.label} is cut off, and was not used`, at)];
    if (reason) return [finding('TRUST_FILE_REFUSED', `${name} on ${source.label}: ${reason}`, at)];
    if (version === number) return [];
    return [finding('TRUST_FILE_REFUSED', `${name} on ${source.label} holds version ${version}`, at)];
  });
  return [
    ...ofTrust,
    ...source.strangers.map((name) =>
      finding('FILE_UNKNOWN', `${showable(name)} on ${source.label} is no file of a trail`, at),
    ),
    ...source.setAside.map((name) => finding('FILE_SET_ASIDE', `${name} on ${source.label} was set aside`, at)),
    ...source.problems.map((problem) => finding('FILE_UNREADABLE', `on ${source.label}, ${problem}`, at)),
  ];
}

function knownAnchors({ head }: AuditOptions, state: AuditorState | undefined): Anchor[] {
  const anchors: Anchor[] = head === undefined ? [] : [{ kind: 'head-code', typed: head }];
  if (!state) return anchors;
  const points = state.seq === state.ceremony.seq ? [state.ceremony] : [state.ceremony, state];
  return [...anchors, ...points.map(({ seq, sha256 }) => ({ kind: 'auditor-state' as const, point: { seq, sha256 } }))];
}

/** A signed trust version that no record names: a ceremony that did not end, or records that are gone. */
function findTrustAhead(history: TrustHistory, { facts }: ChainResult): Finding[] {
  const inForce = facts.trust;
  if (!inForce) return [];
  const byVersion = history.versions.map(({ payload }) => payload.version);
  const twice = byVersion.filter((version, index) => byVersion.indexOf(version) !== index);
  return [
    ...twice.map((version) => finding('TRUST_FORKED', `there are two signed trust files of version ${version}`)),
    ...(history.newest.payload.version > inForce.version
      ? [
          finding(
            'TRUST_NOT_IN_FORCE',
            `trust version ${history.newest.payload.version} is signed, but no record names it`,
          ),
        ]
      : []),
  ];
}

/** What people have put off: nothing is wrong with the trail. */
function findOverdue(history: TrustHistory, { facts }: ChainResult, now: Seconds | undefined): Finding[] {
  if (now === undefined) return [];
  const { policy } = trustInForce(history, facts).payload;
  const found = new FindingList();
  for (const { code, message } of drillWarnings(facts.upkeep, policy, now)) found.add(finding(code, message));
  for (const { code, message, seq } of reviewWarnings(openReviews(facts.debts, policy, now)))
    found.add(finding(code, message, { seq }));
  return found.list();
}

/** The best point that an anchor from outside vouched for: recorder records after it may still be set aside by right. */
function nextState(
  history: TrustHistory,
  { headCeremony, facts }: ChainResult,
  anchors: readonly HeldAnchor[],
): AuditorState | undefined {
  if (!headCeremony || !facts.trust) return undefined;
  const { seq, sha256 } = headCeremony;
  const later = anchors.filter((anchor) => anchor.outside && anchor.seq > seq).sort((a, b) => b.seq - a.seq);
  const [best] = later.flatMap((anchor) => (anchor.sha256 ? [{ seq: anchor.seq, sha256: anchor.sha256 }] : []));
  return {
    v: 1,
    trust: history.id,
    trustVersion: facts.trust.version,
    trustSha256: facts.trust.sha256,
    ...(best ?? { seq, sha256 }),
    ceremony: { seq, sha256 },
  };
}
