import { describe, expect, test } from 'vitest';
import { BreakglassError } from '../../src/base/errors.ts';
import { gatherShares } from '../../src/ceremony/gather-shares.ts';
import type { Panel, Progress, QuorumPeople } from '../../src/ceremony/people.ts';
import { Quorum } from '../../src/share/quorum.ts';
import type { Slip } from '../../src/share/slip.ts';
import { fiveShares, setOf, textOf, trustWith, typed } from '../share/fixture.ts';

const shares = fiveShares('gather', 'abcde');
const trust = await trustWith([setOf(shares)]);
const [alice = '', bob = '', carol = '', erin = ''] = shares.map(textOf);
const panel = {} as Panel;

/** One character of the text form is another. */
const slipped = (text: string) => `${text.slice(0, 20)}${text[20] === 'q' ? 'p' : 'q'}${text.slice(21)}`;

/** People who type these texts, answer a refusal with `answer`, and remember. */
function people(texts: readonly string[], answer: (slip: Slip | undefined) => 'again' | 'take' = () => 'again') {
  const waiting = texts.map(typed);
  const all = [...waiting];
  const seen = { refused: [] as string[], accepted: [] as string[], progress: [] as Progress[] };
  const port: Pick<QuorumPeople, 'nextShare' | 'refused' | 'accepted'> = {
    nextShare: async (_, progress) => {
      seen.progress.push(progress);
      const next = waiting.shift();
      if (!next) throw new BreakglassError('ABORTED', 'nobody is left', { hint: 'nothing happened' });
      return next;
    },
    refused: async ({ code }, slip) => {
      seen.refused.push(code);
      return answer(slip);
    },
    accepted: (label) => seen.accepted.push(label),
  };
  return { port: port as QuorumPeople, seen, all };
}

const quorum = (separated: string | null = null) => new Quorum({ trust, needed: 3, separated });

describe('gathering shares', () => {
  test('ends with the share that completes the quorum, and asks no more', async () => {
    const { port, seen, all } = people([alice, bob, carol, erin]);
    const complete = quorum();
    await gatherShares(complete, panel, port, 17);
    expect(complete.complete).toBe(true);
    expect(seen.accepted).toEqual(['alice', 'bob', 'carol']);
    expect(seen.progress.map(({ given, missing, cardWords }) => [given.length, missing, cardWords])).toEqual([
      [0, 3, 17],
      [1, 2, 17],
      [2, 1, 17],
    ]);
    expect(seen.progress[1]?.waitingFor).toEqual(['bob', 'carol', 'erin', 'frank']);
    expect(all[3]?.some((byte) => byte !== 0)).toBe(true);
  });

  test('wipes every share that was typed, refused ones too', async () => {
    const { port, seen, all } = people([alice, 'no share', alice, bob, carol]);
    await gatherShares(quorum(), panel, port, 17);
    expect(seen.refused).toEqual(['SHARE_LENGTH', 'SHARE_DUPLICATE']);
    expect(all.every((text) => text.every((byte) => byte === 0))).toBe(true);
  });

  test('keeps what was given when somebody gives up', async () => {
    const { port, all } = people([alice, bob]);
    const kept = quorum();
    await expect(gatherShares(kept, panel, port, 17)).rejects.toMatchObject({ code: 'ABORTED' });
    expect([kept.given.map(({ label }) => label), kept.missing]).toEqual([['alice', 'bob'], 1]);
    expect(all.flatMap((text) => [...text]).every((byte) => byte === 0)).toBe(true);
  });

  test('takes the meant share of a slip only when it was shown and agreed to', async () => {
    const agreed = people([slipped(alice), bob, carol], (slip) => (slip ? 'take' : 'again'));
    await gatherShares(quorum(), panel, agreed.port, 17);
    expect([agreed.seen.refused, agreed.seen.accepted]).toEqual([['SHARE_SLIP'], ['alice', 'bob', 'carol']]);
    const denied = people([slipped(alice), bob, carol]);
    await expect(gatherShares(quorum(), panel, denied.port, 17)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(denied.seen.accepted).toEqual(['bob', 'carol']);
  });

  test('refuses the meant share of a slip for what it is: given before, or not counted', async () => {
    const twice = people([alice, slipped(alice), bob, carol], () => 'take');
    await gatherShares(quorum(), panel, twice.port, 17);
    expect(twice.seen).toMatchObject({ accepted: ['alice', 'bob', 'carol'] });
    expect(twice.seen.refused.at(-1)).toBe('SHARE_DUPLICATE');
    const separated = people([slipped(alice), bob, carol], () => 'take');
    await expect(gatherShares(quorum('alice'), panel, separated.port, 17)).rejects.toMatchObject({ code: 'ABORTED' });
    expect(separated.seen.refused.at(-1)).toBe('SHARE_NOT_COUNTED');
  });

  test('with `take` where there is nothing to take asks again', async () => {
    const { port, seen } = people(['no share', alice, bob, carol], () => 'take');
    await gatherShares(quorum(), panel, port, 17);
    expect([seen.refused, seen.accepted]).toEqual([['SHARE_LENGTH'], ['alice', 'bob', 'carol']]);
  });
});
