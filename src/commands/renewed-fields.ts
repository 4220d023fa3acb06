import { BreakglassError } from '../base/errors.ts';
import { conformOrUndefined, type PublicJwk, randomId } from '../base/schema.ts';
import { showable } from '../base/text.ts';
import { findFamily, localFamilies } from '../ceremony/renewal.ts';
import type { State } from '../machine/state.ts';
import { realHost } from '../medium/real-host.ts';
import { identifierFlag } from './flags.ts';
import type { MintFlags } from './mint.ts';
import type { RequestFlags } from './request-flags.ts';

/** Throws `BAD_INPUT` unless `--renews` is `last` or the id of a family. */
export function refuseNoFamily(renews: string | undefined): void {
  if (renews === undefined || renews === 'last' || conformOrUndefined(randomId, renews) !== undefined) return;
  throw new BreakglassError('BAD_INPUT', `--renews ${showable(renews)} is no family`, {
    hint: 'give the 22 characters that breakglass verify TOKEN shows, or: last. No token was issued.',
  });
}

/**
 * The flags that describe the request; for a renewal, what they leave out is as in the last issuance of the family, as the copy of
 * the trail on this machine tells it. Throws `FAMILY_UNKNOWN`.
 */
export async function renewedFields(
  flags: MintFlags,
  state: State,
): Promise<{ readonly known: RequestFlags; readonly holder: PublicJwk | null }> {
  if (flags.renews === undefined) return { known: flags, holder: null };
  const asked = flags.incident === undefined ? null : identifierFlag('--incident', flags.incident);
  const kind = { incident: asked, drill: flags.drill === true };
  const [, family] = findFamily(flags.renews, kind, await localFamilies(state, realHost));
  const { incident, subject, role, circumstance, holder } = family;
  return { known: { incident, subject, role, ...(circumstance === null ? {} : { circumstance }), ...flags }, holder };
}
