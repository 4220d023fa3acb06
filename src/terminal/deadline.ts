import { BreakglassError } from '../base/errors.ts';

/** Counts down to the end of a prompt. */
export interface Deadline {
  secondsLeft(): number;
}

/** Whole seconds to the deadline; undefined when there is none. Throws `TIMEOUT` when it has passed. */
export function secondsLeft(deadline: Deadline | null): number | undefined {
  if (!deadline) return undefined;
  const seconds = Math.ceil(deadline.secondsLeft());
  if (seconds > 0) return seconds;
  throw new BreakglassError('TIMEOUT', 'no entry before the time ran out', {
    hint: 'the shares given so far were forgotten and nothing was signed. Run the same command again.',
  });
}
