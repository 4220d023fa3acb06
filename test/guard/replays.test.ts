import { describe, expect, test } from 'vitest';
import { ReplayMemory } from '../../src/guard/replays.ts';

const now = 1_767_225_600;
const since = now - 3600;
const key = 'k'.repeat(43);

describe('the memory of proofs', () => {
  test('knows one that was shown, of the same key and id, whatever its time', () => {
    const memory = new ReplayMemory({ since });
    expect(memory.add(key, 'a', now, now)).toBe('new');
    expect(memory.add(key, 'a', now, now)).toBe('replayed');
    expect(memory.add(key, 'a', now + 1, now + 1)).toBe('replayed');
    expect(memory.add(key, 'b', now, now)).toBe('new');
    expect(memory.add('l'.repeat(43), 'a', now, now)).toBe('new');
  });

  test('keeps it for as long as its time could be accepted, and no longer', () => {
    const memory = new ReplayMemory({ since });
    memory.add(key, 'early', now - 60, now);
    memory.add(key, 'ahead', now + 5, now);
    expect(memory.add(key, 'ahead', now + 5, now + 65)).toBe('replayed');
    expect(memory.size).toBe(1);
    memory.add(key, 'other', now + 66, now + 66);
    expect(memory.size).toBe(1);
  });

  test('refuses when it is full of live ones, and has forgotten none of them', () => {
    const memory = new ReplayMemory({ since, max: 3 });
    for (const id of ['a', 'b', 'c']) expect(memory.add(key, id, now, now)).toBe('new');
    expect(memory.add(key, 'd', now, now)).toBe('full');
    expect(memory.add(key, 'd', now, now + 60)).toBe('full');
    for (const id of ['a', 'b', 'c']) expect(memory.add(key, id, now, now + 60)).toBe('replayed');
    expect(memory.add(key, 'd', now + 61, now + 61)).toBe('new');
    expect(memory.size).toBe(1);
  });

  test('forgets nothing for a clock that goes back, and lets nothing forgotten in again', () => {
    const memory = new ReplayMemory({ since });
    memory.add(key, 'a', now, now);
    expect(memory.add(key, 'later', now + 3600, now + 3600)).toBe('new');
    expect(memory.add(key, 'a', now, now + 10)).toBe('replayed');
    expect(memory.add(key, 'never seen', now, now + 10)).toBe('replayed');
    // A jump does not close the guard for an hour: what is newer than the forgotten ones is taken.
    expect(memory.add(key, 'fresh', now + 10, now + 10)).toBe('new');
    expect(memory.add(key, 'later', now + 3600, now + 3600)).toBe('replayed');
  });

  test('holds a hundred thousand, and is empty again a minute later', () => {
    const memory = new ReplayMemory({ since });
    let accepted = 0;
    for (let n = 0; n < 100_001; n++) if (memory.add(key, `id-${n}`, now + (n % 60), now + 59) === 'new') accepted++;
    expect([accepted, memory.size]).toEqual([100_000, 100_000]);
    expect(memory.add(key, 'next', now + 200, now + 200)).toBe('new');
    expect(memory.size).toBe(1);
  });

  test('accepts nothing that was made before it began: another process may have seen it', () => {
    const memory = new ReplayMemory({ since: now });
    expect(memory.add(key, 'a', now - 1, now)).toBe('earlier');
    expect(memory.add(key, 'a', now - 60, now)).toBe('earlier');
    expect(memory.size).toBe(0);
    expect(memory.add(key, 'a', now, now)).toBe('new');
  });
});
