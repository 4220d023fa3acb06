import { existsSync } from 'node:fs';
import { isBreakglassError } from '../base/errors.ts';
import type { State } from '../machine/state.ts';
import { openTrailSource, type TrailSource } from '../medium/source.ts';
import type { ChainResult } from '../trail/check.ts';
import { type CopiesResult, checkCopies } from '../trail/copies.ts';
import { type Finding, finding, isGrave } from '../trail/findings.ts';
import { openTrustHistory, type TrustHistory } from '../trail/trust-history.ts';
import type { Trust } from '../trust/trust-file.ts';

/** Opens copies of a trail for reading only; two of one label are told apart by their paths. */
export async function openTrailSources(paths: readonly string[], trustId: string | null): Promise<TrailSource[]> {
  const sources: TrailSource[] = [];
  for (const path of paths) sources.push(await openTrailSource(path, { trustId }));
  return sources.map((source) => {
    const namesakes = sources.filter(({ label }) => label === source.label).length;
    return namesakes === 1 ? source : { ...source, label: `${source.label} (${source.path})` };
  });
}

/** Where somebody reads what a trail says: copies, and the trust files that are believed. */
export interface TrailReading {
  readonly sources: readonly TrailSource[];
  /** Trust files beside those on the copies; each counts if it follows from version 1 or is `trust` itself. */
  readonly trustFiles: readonly Uint8Array[];
  /** The trust that is believed as it is: given, pinned, or that of this machine. */
  readonly trust: Trust | undefined;
}

/** A trail that was read to its end and judged as `audit-check` does, but for its end: nothing here proves that. */
export interface ReadTrail {
  readonly history: TrustHistory;
  /** The version in force at the end of the trail; the newest at hand where the trail does not say or it is not at hand. */
  readonly trust: Trust;
  readonly sources: readonly TrailSource[];
  readonly chain: ChainResult;
  readonly findings: readonly Finding[];
  /** Those that make doubtful what the trail says; a planted trust file, which is not used, does not. */
  readonly doubts: readonly Finding[];
}

/** The local copy of this machine: nothing of it is believed that a signature does not prove. */
export async function stateReading(state: State): Promise<TrailReading> {
  const { trust } = state;
  return { sources: await localSources(state), trustFiles: state.trustFiles(), trust };
}

export async function readTrail({ sources, trustFiles, trust }: TrailReading): Promise<ReadTrail> {
  const files = sources.flatMap((source) => source.trustFiles.map(({ bytes }) => bytes));
  const history = openTrustHistory([...trustFiles, ...files], trust);
  const { chain, findings } = await checkAll(sources, history);
  const refused = history.refused.map(({ reason }) => finding('TRUST_FILE_REFUSED', reason.message));
  return {
    history,
    trust: trustInForce(history, chain.facts),
    sources,
    chain,
    findings: [...findings, ...refused],
    doubts: findings.filter(isGrave),
  };
}

/** The version that the trail names last, or the newest at hand. */
export function trustInForce(history: TrustHistory, { trust }: ChainResult['facts']): Trust {
  return (trust && history.find(trust.version, trust.sha256)) ?? history.newest;
}

async function checkAll(sources: readonly TrailSource[], history: TrustHistory): Promise<CopiesResult> {
  return checkCopies(sources, { history, anchors: [] });
}

async function localSources(state: State): Promise<TrailSource[]> {
  if (!existsSync(state.trailDir)) return [];
  try {
    const source = await openTrailSource(state.trailDir, { trustId: state.trust.id });
    return [{ ...source, label: 'the local copy' }];
  } catch (error) {
    if (isBreakglassError(error, 'TRAIL_MISSING')) return [];
    throw error;
  }
}
