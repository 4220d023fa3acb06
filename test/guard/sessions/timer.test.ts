import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemSchedule } from '../../../src/guard/sessions/timer.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a timer', () => {
  test.each([0, -5, 1, 900, 60 * 86_400, 365 * 86_400])('of %d s runs once, then and not before', (after) => {
    let runs = 0;
    systemSchedule(() => {
      runs += 1;
    }, after);
    vi.advanceTimersByTime(Math.max(0, after * 1000 - 1));
    expect(runs).toBe(after > 0 ? 0 : runs);
    vi.advanceTimersByTime(1);
    expect(runs).toBe(1);
    vi.advanceTimersByTime(400 * 86_400_000);
    expect([runs, vi.getTimerCount()]).toEqual([1, 0]);
  });

  test('that is cancelled never runs, not even in the second month', () => {
    let runs = 0;
    const cancel = systemSchedule(() => {
      runs += 1;
    }, 60 * 86_400);
    vi.advanceTimersByTime(30 * 86_400_000);
    cancel();
    vi.advanceTimersByTime(90 * 86_400_000);
    expect([runs, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

test('a process does not wait for its timers', async () => {
  vi.useRealTimers();
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const cancel = systemSchedule(() => {}, 900);
  expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout')).toHaveLength(before);
  cancel();
});
