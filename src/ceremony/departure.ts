import { BreakglassError } from '../base/errors.ts';
import { showable } from '../base/text.ts';
import type { Seconds } from '../base/time.ts';
import type { ChainResult } from '../trail/check.ts';
import { openTrustHistory, type TrustHistory } from '../trail/trust-history.ts';
import { type Departure, judgeDeparture, knownLabels } from '../trust/departure.ts';
import type { Trust } from '../trust/trust-file.ts';
import type { TrustPayload } from '../trust/trust-schema.ts';
import { readTrail, type TrailReading } from './trail-sources.ts';

export interface DepartureReading {
  readonly departure: Departure;
  /** Trust files that were not used, and why. */
  readonly refused: readonly string[];
}

/**
 * Works out a departure from all trust versions and records at hand. Nothing is written and no secret is needed. Throws
 * `NOT_FOUND` for a label that nobody has, `TRUST_INVALID` for two trust files of one version.
 */
export async function readDeparture(
  leaving: readonly [string, ...string[]],
  reading: TrailReading,
  now: Seconds,
): Promise<DepartureReading> {
  const { sources, trustFiles, trust } = reading;
  const files = sources.flatMap((source) => source.trustFiles.map(({ bytes }) => bytes));
  const history = openTrustHistory([...trustFiles, ...files], trust);
  refuseForked(history);
  const [first, ...later] = history.versions.map(({ payload }) => payload);
  if (!first) throw new TypeError('a history has a version');
  const versions = [first, ...later] as const;
  for (const label of leaving) refuseStranger(label, versions);
  const read = sources.length > 0 ? await readTrail(reading) : undefined;
  // A folder of trust files alone is no trail.
  const trail = read && read.chain.records > 0 ? read : undefined;
  const { upkeep } = trail?.chain.facts ?? {};
  const departure = judgeDeparture({
    versions,
    leaving,
    begun: (trail?.chain.facts.begunSets ?? []).map(({ setId, threshold, commitments }) => ({
      setId,
      threshold,
      custodians: commitments.map(({ custodian }) => custodian),
    })),
    tokenHolders: upkeep ? leaving.filter((label) => holdsToken(label, history.newest, upkeep.tokens, now)) : null,
    doubts: trail ? [...doubtsOf(trail.chain, history), ...trail.doubts.map(({ message }) => message)] : [],
  });
  return { departure, refused: history.refused.map(({ reason }) => reason.message) };
}

function holdsToken(
  label: string,
  { payload }: Trust,
  tokens: ChainResult['facts']['upkeep']['tokens'],
  now: Seconds,
): boolean {
  const token = tokens.get(label);
  // Tokens verify with active keys only.
  return token !== undefined && token.exp > now && token.epoch === payload.epoch;
}

function doubtsOf({ facts }: ChainResult, { newest }: TrustHistory): string[] {
  const { version } = newest.payload;
  if (facts.trust === null || facts.trust.version >= version) return [];
  return [
    `trust version ${version} is at hand and the trail at hand names only version ${facts.trust.version}: records are missing, or a rotation was not finished`,
  ];
}

function refuseForked({ versions }: TrustHistory): void {
  const numbers = versions.map(({ payload }) => payload.version);
  const twice = numbers.find((version, index) => numbers.indexOf(version) !== index);
  if (twice === undefined) return;
  throw new BreakglassError('TRUST_INVALID', `there are two signed trust files of version ${twice}`, {
    hint: 'one of them was never in force: breakglass audit-check says more. Leave it out. Nothing was judged.',
  });
}

function refuseStranger(label: string, versions: readonly TrustPayload[]): void {
  const known = knownLabels(versions);
  if (known.includes(label)) return;
  throw new BreakglassError('NOT_FOUND', `nobody in this trust is called ${showable(label)}`, {
    hint: `there are: ${known.join(', ')}. Nothing was judged.`,
  });
}
