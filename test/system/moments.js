// When a running command is killed.
import { setTimeout as sleep } from 'node:timers/promises';

/** So long after its start. */
export const afterMilliseconds = (delay) => () => sleep(delay);

/**
 * As soon as one of `writings(world)` is seen, functions that say whether something was written, and a little later: that part
 * of a command is short. The command may be over before.
 */
export const afterWriting = (writings, which, delay) => async (world, child) => {
  const seen = writings(world);
  const event = seen[Math.floor(which * seen.length)];
  let over = false;
  child.ended.then(() => {
    over = true;
  });
  while (!over && !event()) await new Promise((resolve) => setImmediate(resolve));
  await sleep(delay);
};
