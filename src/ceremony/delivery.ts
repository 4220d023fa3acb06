import { BreakglassError, isBreakglassError } from '../base/errors.ts';

/** One place that something went to, or why it did not get there. */
export interface Delivered {
  readonly path: string;
  readonly error: BreakglassError | null;
}

/** Does one of several things of which none may keep the others from being done. */
export function tried<T>(
  path: string,
  step: () => T,
): { readonly value: T | undefined; readonly delivered: Delivered } {
  try {
    return { value: step(), delivered: { path, error: null } };
  } catch (error) {
    return { value: undefined, delivered: { path, error: asDelivery(error, path) } };
  }
}

// In the middle of a kill nothing that one place does may keep the denial from the others.
function asDelivery(error: unknown, path: string): BreakglassError {
  if (isBreakglassError(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new BreakglassError('IO', `${path} could not be used: ${why}`, {
    hint: 'look at the path and its rights. The other places were written all the same.',
    cause: error,
  });
}
