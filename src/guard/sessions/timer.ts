import type { Seconds } from '../../base/time.ts';

/** Runs `task` once when so many seconds have passed, unless it is cancelled; tests hand in their own. */
export type Schedule = (task: () => void, after: Seconds) => () => void;

/** The longest that Node.js waits: a longer time would be none at all. */
const longestMs = 2 ** 31 - 1;

/** By timers that do not keep the process alive. */
export const systemSchedule: Schedule = (task, after) => {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number) => {
    const step = Math.min(Math.max(leftMs, 0), longestMs);
    timer = setTimeout(() => (leftMs > step ? wait(leftMs - step) : task()), step);
    timer.unref();
  };
  wait(after * 1000);
  return () => clearTimeout(timer);
};
