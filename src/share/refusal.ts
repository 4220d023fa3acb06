import { BreakglassError, type ErrorCode } from '../base/errors.ts';

/** A share that is not taken, by name. `todo` is what to do; what did not happen is the same for every one of them. */
export function shareRefusal(code: ErrorCode, message: string, todo: string): BreakglassError {
  return new BreakglassError(code, message, {
    hint: `${todo}. This share was not accepted; shares accepted before it are kept.`,
  });
}
