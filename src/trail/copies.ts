import { type Anchor, type AnchorJudgement, type AnchorWatch, watchAnchors } from './anchors.ts';
import { type ChainResult, createTrailCheck, type TrailCheck } from './check.ts';
import { type Finding, finding, isGrave } from './findings.ts';
import { inStep, type TrailCopy } from './in-step.ts';
import type { TrustHistory } from './trust-history.ts';

export type { TrailCopy, TrailEntry } from './in-step.ts';

export interface CopiesOptions {
  readonly history: TrustHistory;
  readonly anchors: readonly Anchor[];
}

/** The history in force among the copies, and what was found on any of them. */
export interface CopiesResult {
  readonly chain: ChainResult;
  readonly anchors: AnchorJudgement;
  /** Those of the chain, of the other copies, and of the copies against each other; anchors' are apart. */
  readonly findings: readonly Finding[];
}

/**
 * Judges copies side by side. While they hold the same bytes each record is judged once; as soon as two differ, every copy
 * is judged by itself, and the one with the newest ceremony record, then the longest, is in force.
 */
export async function checkCopies(copies: readonly TrailCopy[], options: CopiesOptions): Promise<CopiesResult> {
  const [only, ...more] = copies;
  if (only && more.length === 0) {
    const { chain, watch } = await judgeAlone(only, options);
    return { chain, anchors: watch.judge(chain), findings: chain.findings };
  }
  return (await judgeTogether(copies, options)) ?? judgeApart(copies, options);
}

interface Judged {
  readonly copy: TrailCopy;
  readonly chain: ChainResult;
  readonly watch: AnchorWatch;
}

/** The check of one chain, and its watch for anchors. */
function begin({ history, anchors }: CopiesOptions): { readonly check: TrailCheck; readonly watch: AnchorWatch } {
  const watch = watchAnchors(anchors);
  const tree = watch.tree ? { tree: watch.tree } : {};
  return { check: createTrailCheck({ history, onRecord: (file) => watch.see(file), ...tree }), watch };
}

async function judgeAlone(copy: TrailCopy, options: CopiesOptions): Promise<Judged> {
  const { check, watch } = begin(options);
  let line = 0;
  for await (const { seq, bytes, problem } of copy.records()) {
    line++;
    const what = seq === null ? `line ${line} of ${copy.label}` : `record ${seq} on ${copy.label}`;
    const where = { seq, what, medium: copy.label };
    if (bytes) await check.add(bytes, where);
    else check.addUnreadable(where, problem ?? 'it cannot be read');
  }
  return { copy, chain: await check.finish(), watch };
}

/** Undefined when the copies differ. */
async function judgeTogether(copies: readonly TrailCopy[], options: CopiesOptions): Promise<CopiesResult | undefined> {
  const { check, watch } = begin(options);
  const ends = new Map<TrailCopy, number>();
  const damaged: Finding[] = [];
  const steps = inStep(copies);
  let step = await steps.next();
  for (; !step.done; step = await steps.next()) {
    const { seq, bytes, unreadable } = step.value;
    for (const copy of step.value.copies) ends.set(copy, seq);
    const where = { seq, what: `record ${seq}`, medium: null };
    if (bytes) await check.add(bytes, where);
    for (const { copy, problem } of unreadable) {
      if (!bytes)
        check.addUnreadable({ ...where, what: `record ${seq} on ${copy.label}`, medium: copy.label }, problem);
      else
        damaged.push(
          finding('COPY_UNREADABLE', `record ${seq} on ${copy.label}: ${problem}`, { seq, medium: copy.label }),
        );
    }
  }
  if (step.value) return undefined;
  const chain = await check.finish();
  const behind = copies.flatMap((copy) => findBehind(copy, ends.get(copy) ?? -1, chain));
  return { chain, anchors: watch.judge(chain), findings: [...chain.findings, ...damaged, ...behind] };
}

async function judgeApart(copies: readonly TrailCopy[], options: CopiesOptions): Promise<CopiesResult> {
  const judged: Judged[] = [];
  for (const copy of copies) judged.push(await judgeAlone(copy, options));
  const [force, ...others] = judged.sort(byForce);
  if (!force) throw new TypeError('no copies');
  const findings = [...force.chain.findings];
  for (const other of others) {
    const known = new Set(force.chain.findings.map(({ code, seq }) => `${code} ${seq}`));
    findings.push(
      ...other.chain.findings.filter((found) => isGrave(found) && !known.has(`${found.code} ${found.seq}`)),
    );
    findings.push(...(await compare(force, other)));
  }
  return { chain: force.chain, anchors: force.watch.judge(force.chain), findings };
}

/** The copy in force first: not tampered with, then the newest ceremony record, then the longest. */
function byForce(a: Judged, b: Judged): number {
  const spoilt = ({ chain }: Judged) => (chain.findings.some(({ severity }) => severity === 'tampered') ? 1 : 0);
  const ceremony = ({ chain }: Judged) => chain.headCeremony?.seq ?? -1;
  const head = ({ chain }: Judged) => chain.head?.seq ?? -1;
  return spoilt(a) - spoilt(b) || ceremony(b) - ceremony(a) || head(b) - head(a);
}

async function compare(force: Judged, other: Judged): Promise<Finding[]> {
  const seq = await firstDifference(force.copy, other.copy);
  const { label } = other.copy;
  if (seq === undefined) return findBehind(other.copy, other.chain.head?.seq ?? -1, force.chain);
  const at = { seq, medium: label };
  const from = `from record ${seq} on, ${label} holds other records than ${force.copy.label}`;
  if (other.chain.findings.some(isGrave)) return [finding('COPY_DIFFERS', `${from}, and they are not right`, at)];
  const bothHaveCeremonies = [force, other].every(({ chain }) => (chain.headCeremony?.seq ?? -1) >= seq);
  if (bothHaveCeremonies) return [finding('COPIES_FORKED', `${from}, and both have records of the quorum there`, at)];
  return [finding('COPIES_DIVERGE', `${from}: records of the recorder only, of no authority`, at)];
}

async function firstDifference(a: TrailCopy, b: TrailCopy): Promise<number | undefined> {
  const steps = inStep([a, b]);
  let step = await steps.next();
  while (!step.done) step = await steps.next();
  return step.value?.differsAt;
}

function findBehind(copy: TrailCopy, end: number, chain: ChainResult): Finding[] {
  const behind = (chain.head?.seq ?? -1) - end;
  if (behind <= 0) return [];
  const message = `${copy.label} is ${behind} ${behind === 1 ? 'record' : 'records'} behind`;
  return [finding('COPY_BEHIND', message, { seq: end + 1, medium: copy.label })];
}
