import { setImmediate as turn } from 'node:timers/promises';

/** How long one thing is done before others get their turn. */
const sliceMs = 5;

/** The same items, with a turn of the event loop between slices of time: a list of a million denials must not hold up requests. */
export async function* inSlices<T>(items: Iterable<T>, steadyMs: () => number): AsyncGenerator<T> {
  let sliceEnd = steadyMs() + sliceMs;
  for (const item of items) {
    yield item;
    if (steadyMs() < sliceEnd) continue;
    await turn();
    sliceEnd = steadyMs() + sliceMs;
  }
}
