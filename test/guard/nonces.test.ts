import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Nonces } from '../../src/guard/nonces.ts';

const at = (seconds: number) => {
  const clock = { time: seconds, now: () => clock.time };
  return clock;
};
const midnight = 1_767_225_600;

describe('a nonce', () => {
  test('is accepted in its minute and the next, and not in the one behind', () => {
    const clock = at(midnight);
    const nonces = new Nonces({ random: randomBytes, clock });
    const given = nonces.current();
    expect(given).toMatch(/^[\w-]{22}$/);
    for (const [later, accepted] of [
      [0, true],
      [59, true],
      [60, true],
      [119, true],
      [120, false],
      [-1, false],
    ] as const) {
      clock.time = midnight + later;
      expect([later, nonces.accepts(given)]).toEqual([later, accepted]);
    }
  });

  test('is another in each minute', () => {
    const clock = at(midnight);
    const nonces = new Nonces({ random: randomBytes, clock });
    const given = nonces.current();
    clock.time += 59;
    expect(nonces.current()).toBe(given);
    clock.time += 1;
    expect(nonces.current()).not.toBe(given);
  });

  test.each([undefined, '', 'x', 'A'.repeat(22)])('%j is not one', (nonce) => {
    expect(new Nonces({ random: randomBytes, clock: at(midnight) }).accepts(nonce)).toBe(false);
  });

  test('LIMIT: of one process is unknown to another: replicas share nothing', () => {
    const [one, two] = [1, 2].map(() => new Nonces({ random: randomBytes, clock: at(midnight) }));
    expect(two?.accepts(one?.current())).toBe(false);
  });
});
