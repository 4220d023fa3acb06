import { existsSync } from 'node:fs';
import { BreakglassError } from '../base/errors.ts';
import { type RandomBytes, randomId } from '../base/random.ts';
import type { State } from '../machine/state.ts';
import { readWhole } from '../medium/copy.ts';
import type { MediumHost } from '../medium/medium.ts';
import { openLocalCopy } from '../medium/place.ts';
import { createTrailCheck } from '../trail/check.ts';
import type { Family, TrailFacts } from '../trail/facts.ts';
import { recordNameSeq } from '../trail/layout.ts';
import { openTrustHistory } from '../trail/trust-history.ts';
import type { TokenRequest } from '../trust/request.ts';

/** Which family a mint goes on with: its id, the `last` one issued, or none: it begins one. */
export type Renews = string | 'last' | null;

/** The family of the tokens that will be issued, and the sequence of the first. */
export interface FamilyPlace {
  readonly family: string;
  readonly firstSequence: number;
}

/**
 * A new family, or the one that is continued, which must be for the same incident, subject and role, and as much a drill as the
 * request. Throws `FAMILY_UNKNOWN` or `FAMILY_DIFFERS`.
 */
export function placeInFamily(
  renews: Renews,
  request: TokenRequest,
  families: TrailFacts['families'],
  random: RandomBytes,
): FamilyPlace {
  if (renews === null) return { family: randomId(random), firstSequence: 1 };
  const drill = request.kind === 'drill';
  const [family, known] = findFamily(renews, { incident: request.incident, drill }, families);
  const differing = [
    ...(known.incident === request.incident ? [] : [`incident ${known.incident}, not ${request.incident}`]),
    ...(known.subject === request.subject ? [] : [`${known.subject}, not ${request.subject}`]),
    ...(known.role === request.role ? [] : [`role ${known.role}, not ${request.role}`]),
    ...(known.drill === drill ? [] : [known.drill ? 'drills' : 'production']),
  ];
  if (differing.length === 0) return { family, firstSequence: known.sequence + 1 };
  throw new BreakglassError('FAMILY_DIFFERS', `family ${family} is for ${differing.join('; ')}`, {
    hint: 'name the right family (breakglass verify TOKEN shows it), or leave --renews out: then a new one begins. No token was issued.',
  });
}

/** The family of that id, or the last one of this kind that the trail knows. Throws `FAMILY_UNKNOWN`. */
export function findFamily(
  renews: string,
  kind: { readonly incident: string | null; readonly drill: boolean },
  families: TrailFacts['families'],
): readonly [string, Family] {
  const { incident, drill } = kind;
  const found =
    renews === 'last'
      ? [...families].findLast(
          ([, family]) => family.drill === drill && (incident === null || family.incident === incident),
        )
      : [...families].find(([family]) => family === renews);
  if (found) return found;
  const which = renews === 'last' ? `no ${drill ? 'drill' : 'production'} family` : `no family ${renews}`;
  const of = renews === 'last' && incident !== null ? ` of incident ${incident}` : '';
  throw new BreakglassError('FAMILY_UNKNOWN', `the trail knows ${which}${of}`, {
    hint: 'leave --renews out: then a new family begins. No token was issued.',
  });
}

/**
 * The families that the copy of the trail on this machine tells of, its signatures checked. Only good for what a new request says:
 * the ceremony looks again, in the trail of the media.
 */
export async function localFamilies(state: State, host: MediumHost): Promise<TrailFacts['families']> {
  if (!existsSync(state.trailDir)) return new Map();
  const place = openLocalCopy(state.trailDir, host);
  try {
    const check = createTrailCheck({ history: openTrustHistory(state.trustFiles()) });
    for (const name of [...place.folder.list()].sort()) {
      const seq = recordNameSeq(name);
      if (seq === undefined) continue;
      await check.add(readWhole(place, name), { seq, what: `record ${seq} of the local copy`, medium: null });
    }
    return (await check.finish()).facts.families;
  } finally {
    place.close();
  }
}
