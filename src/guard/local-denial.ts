import { BreakglassError } from '../base/errors.ts';
import { conformOrUndefined } from '../base/schema.ts';
import type { Seconds } from '../base/time.ts';
import type { Selector } from '../revocation/denial.ts';
import { type DenyEntry, denyEntrySchema } from '../revocation/statement.ts';

/** A denial that one guard makes of itself. Throws `BAD_INPUT` for what names nothing. */
export function denialHere(
  selector: Selector,
  { at, before, reason }: { readonly at: Seconds; readonly before: Seconds | undefined; readonly reason: string },
): DenyEntry {
  const entry = { ...selector, at, ...(before === undefined ? {} : { before }), by: 'guard', reason };
  const known = conformOrUndefined(denyEntrySchema, entry);
  if (known) return known;
  throw new BreakglassError('BAD_INPUT', `a denial of ${selector.kind} with this value or reason is none`, {
    hint: 'identifiers are lower-case ASCII; the reason is visible text. Nothing was denied.',
  });
}
