import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BreakglassError, type ErrorCode } from '../../src/base/errors.ts';
import { dealShares } from '../../src/share/deal.ts';
import { type Offer, Quorum } from '../../src/share/quorum.ts';
import type { Share } from '../../src/share/share.ts';
import type { Slip } from '../../src/share/slip.ts';
import type { Trust } from '../../src/trust/trust-file.ts';
import type { ShareSet } from '../../src/trust/trust-schema.ts';
import {
  cardForms,
  custodians,
  fiveShares,
  fixedBytes,
  fixedRandom,
  fixedShare,
  forgedCard,
  nonceOf,
  setOf,
  textOf,
  trustWith,
  typed,
  wordsOf,
} from './fixture.ts';

const seed = fixedBytes('quorum seed', 16);
const retired = fiveShares('retired', 'fedcb');
const abandoned = fiveShares('abandoned', '00001');
let trust: Trust;
let shares: ReadonlyMap<string, Share>;
let quorum: Quorum;

beforeAll(async () => {
  const options = { seed, threshold: 3, custodians, setId: 'abcde', nonce: nonceOf('abcde') };
  const deal = await dealShares({ ...options, random: fixedRandom('quorum') });
  shares = new Map(deal.shares.map(({ custodian, share }) => [custodian, share]));
  trust = await trustWith([setOf(retired, 'retired'), deal.set, setOf(abandoned, 'abandoned')]);
});

beforeEach(() => {
  quorum = new Quorum({ trust, needed: 3, separated: null });
});

test('three of five custodians, in either form, rebuild the seed; the panel says who gave and who is missing', async () => {
  expect(quorum).toMatchObject({ given: [], missing: 3, complete: false, waitingFor: custodians });
  expect(offer(wordsOf(shareOf('carol')))).toEqual({
    accepted: { label: 'carol', index: indexOf('carol'), missing: 2 },
  });
  expect(offer(textOf(shareOf('alice')))).toEqual({
    accepted: { label: 'alice', index: indexOf('alice'), missing: 1 },
  });
  expect(quorum).toMatchObject({ missing: 1, complete: false, waitingFor: ['bob', 'erin', 'frank'] });
  expect(offer(textOf(shareOf('frank')).toUpperCase())).toMatchObject({ accepted: { label: 'frank', missing: 0 } });
  expect(quorum.complete).toBe(true);
  expect(quorum.given).toEqual(['carol', 'alice', 'frank'].map((label) => ({ label, index: indexOf(label) })));
  expect(await quorum.withSeed(copyOf)).toEqual(Buffer.from(seed));
});

test('the seed is lent and wiped, also when its use fails', async () => {
  for (const label of ['alice', 'bob', 'carol']) give(label);
  const lent: Uint8Array[] = [];
  await quorum.withSeed(async (lentSeed) => lent.push(lentSeed));
  const failing = quorum.withSeed(async (lentSeed) => {
    lent.push(lentSeed);
    throw new Error('signing failed');
  });
  await expect(failing).rejects.toThrow('signing failed');
  expect(lent.map((bytes) => [...bytes])).toEqual([Array(16).fill(0), Array(16).fill(0)]);
});

test('before the quorum is complete nothing is combined', async () => {
  give('alice');
  give('bob');
  await expect(quorum.withSeed(copyOf)).rejects.toMatchObject({
    code: 'SHARE_TOO_FEW',
    message: '2 of 3 shares were given, 1 more is needed',
  });
});

test('a role may need more shares than the threshold, and all that were given are combined', async () => {
  quorum = new Quorum({ trust, needed: 4, separated: null });
  for (const label of ['alice', 'bob', 'carol']) give(label);
  expect(quorum).toMatchObject({ missing: 1, complete: false });
  give('erin');
  give('frank');
  expect(quorum).toMatchObject({ missing: 0, complete: true, waitingFor: [] });
  expect(await quorum.withSeed(copyOf)).toEqual(Buffer.from(seed));
});

test('with separation the share of the person who gets the token does not count, and the others’ do', async () => {
  quorum = new Quorum({ trust, needed: 3, separated: 'bob' });
  expect(quorum.waitingFor).toEqual(['alice', 'carol', 'erin', 'frank']);
  expect(refusal(wordsOf(shareOf('bob'))).code).toBe('SHARE_NOT_COUNTED');
  expect(quorum.given).toEqual([]);
  for (const label of ['alice', 'carol', 'erin']) give(label);
  expect(await quorum.withSeed(copyOf)).toEqual(Buffer.from(seed));
});

test.each([
  ['fewer than the threshold', { needed: 2, separated: null }],
  ['more than there are', { needed: 6, separated: null }],
  ['more than count', { needed: 5, separated: 'bob' }],
  ['half a share', { needed: 3.5, separated: null }],
])('a quorum of %s is a bug', (_, options) => {
  expect(() => new Quorum({ trust, ...options })).toThrow(TypeError);
});

describe('a wrong share is named, and costs nothing that was given:', () => {
  beforeEach(() => {
    give('alice');
    give('bob');
  });

  const stranger = fixedShare('stranger', { setId: '99999' });
  const noCard = fixedShare('no card', { setId: 'abcde' });
  test.each<[string, () => string, ErrorCode]>([
    ['not a share', () => 'I have lost my card', 'SHARE_NOT_A_SHARE'],
    ['a path', () => '/media/stick/alice.share', 'SHARE_NOT_A_SHARE'],
    ['two words short', () => wordsOf(shareOf('carol')).split(' ').slice(2).join(' '), 'SHARE_LENGTH'],
    [
      'two strange words',
      () => wordsOf(shareOf('carol')).split(' ').with(3, 'qq').with(9, 'qq').join(' '),
      'SHARE_WORD_UNKNOWN',
    ],
    ['two slips', () => 'zoo '.repeat(17), 'SHARE_CHECKSUM'],
    ['the index 0', () => forgedCard(`1abcde200${'7'.repeat(32)}`, 128).words, 'SHARE_INDEX_ZERO'],
    ['another trust', () => wordsOf(stranger), 'SHARE_OTHER_TRUST'],
    ['a retired set', () => textOf(at(retired, 2)), 'SHARE_RETIRED_SET'],
    ['an abandoned set', () => textOf(at(abandoned, 2)), 'SHARE_ABANDONED_SET'],
    ['a card that was not dealt', () => wordsOf(noCard), 'SHARE_COMMITMENT'],
    ['a share given before', () => wordsOf(shareOf('bob')), 'SHARE_DUPLICATE'],
  ])('%s', async (_, card, code) => {
    expect(refusal(card()).code).toBe(code);
    expect(quorum).toMatchObject({ missing: 1, waitingFor: ['carol', 'erin', 'frank'] });
    give('carol');
    expect(await quorum.withSeed(copyOf)).toEqual(Buffer.from(seed));
  });

  test('a duplicate is named by its custodian', () => {
    expect(refusal(textOf(shareOf('bob'))).message).toBe('the share of bob was given before');
  });
});

describe('a slip', () => {
  const entered = (label: string) => wordsOf(shareOf(label)).split(' ').toSpliced(6, 1).join(' ');

  test('is refused with its kind and place; the person agrees, and the share counts', async () => {
    give('alice');
    give('bob');
    const card = wordsOf(shareOf('carol')).split(' ');
    const { refused, slip } = refusedWithSlip(entered('carol'));
    expect(refused).toMatchObject({ code: 'SHARE_SLIP', message: `word ${slip.position} of the share is missing` });
    expect(slip).toMatchObject({ kind: 'missing', meant: card[6] });
    expect(quorum.missing).toBe(1);
    expect(quorum.accept(slip)).toMatchObject({ accepted: { label: 'carol', missing: 0 } });
    expect(await quorum.withSeed(copyOf)).toEqual(Buffer.from(seed));
  });

  test('that was accepted once is a duplicate the second time, and the share inside stays', async () => {
    const { slip } = refusedWithSlip(entered('carol'));
    quorum.accept(slip);
    expect(quorum.accept(slip)).toMatchObject({ refused: { code: 'SHARE_DUPLICATE' } });
    give('alice');
    give('bob');
    expect(await quorum.withSeed(copyOf)).toEqual(Buffer.from(seed));
  });

  test('in a share that would not count is not offered: the better reason is said at once', () => {
    give('alice');
    const kinds: readonly [string, ErrorCode][] = [
      [entered('alice'), 'SHARE_DUPLICATE'],
      [wordsOf(at(retired, 0)).split(' ').toSpliced(6, 1).join(' '), 'SHARE_RETIRED_SET'],
      [wordsOf(at(abandoned, 0)).split(' ').toSpliced(6, 1).join(' '), 'SHARE_ABANDONED_SET'],
    ];
    for (const [card, code] of kinds) {
      expect(offer(card)).toMatchObject({ refused: { code }, slip: undefined });
    }
  });

  test('with a forged share is refused like any other forgery', () => {
    const { slip } = refusedWithSlip(entered('carol'));
    const forged = { ...slip, share: { ...slip.share, value: new Uint8Array(16) } };
    expect(quorum.accept(forged)).toMatchObject({ refused: { code: 'SHARE_COMMITMENT' } });
    expect(quorum.given).toEqual([]);
  });

  test.each<[string, (card: readonly string[]) => string[], string]>([
    ['wrong', (card) => card.with(4, '???'), 'word 5 of the share is wrong'],
    [
      'swapped',
      (card) => card.with(4, card[9] ?? '').with(9, card[4] ?? ''),
      'words 5 and 10 of the share are swapped',
    ],
    ['doubled', (card) => card.toSpliced(4, 0, '???'), 'the share has one word too many: number 5 of what was entered'],
  ])('%s is described without the word that was meant', (_, change, message) => {
    const { refused } = refusedWithSlip(change(wordsOf(fixed(0)).split(' ')).join(' '), fixedQuorum);
    expect(refused.message).toBe(message);
  });
});

test('wipe forgets every share, and the slips that were shown', async () => {
  const { slip } = refusedWithSlip(wordsOf(shareOf('carol')).split(' ').slice(1).join(' '));
  for (const label of ['alice', 'bob', 'carol']) give(label);
  quorum.wipe();
  expect(slip.share.value.every((byte) => byte === 0)).toBe(true);
  expect(quorum).toMatchObject({ given: [], missing: 3, complete: false });
  await expect(quorum.withSeed(copyOf)).rejects.toMatchObject({ code: 'SHARE_TOO_FEW' });
  expect(quorum.accept(slip)).toMatchObject({ refused: { code: 'SHARE_COMMITMENT' } });
});

test('what was typed stays the caller’s to wipe', () => {
  const bytes = typed(wordsOf(shareOf('alice')));
  quorum.offer(bytes);
  expect(Buffer.from(bytes).toString()).toBe(wordsOf(shareOf('alice')));
});

// Two custodians' worlds that differ in nothing but the secret values: whatever is said must be the same in both.
const worlds = ['one', 'two'].map((name) => fiveShares(name, 'abcde'));
let fixedQuorum: Quorum;
let worldTrusts: readonly Trust[];
const fixed = (position: number) => at(worlds[0] ?? [], position);

beforeAll(async () => {
  worldTrusts = await Promise.all(worlds.map((world) => trustWith([setOf(world), retiredWorld(world)])));
});
beforeEach(() => {
  fixedQuorum = new Quorum({ trust: at(worldTrusts, 0), needed: 3, separated: 'frank' });
});

describe('no refusal says anything that depends on the secret of a share:', () => {
  const changes: readonly [string, (card: readonly string[]) => readonly string[]][] = [
    ['right', (card) => card],
    ['wrong', (card) => card.with(8, '?')],
    ['swapped', (card) => card.with(12, card[14] ?? '').with(14, card[12] ?? '')],
    ['doubled', (card) => card.toSpliced(10, 0, '?')],
    ['missing', (card) => card.slice(0, -1)],
    ['two wrong', (card) => card.with(8, '?').with(9, '?')],
    ['much too short', (card) => card.slice(0, 5)],
    ['backwards', (card) => card.toReversed()],
  ];
  const forms = ['words', 'text'] as const;
  const owners: readonly [string, number, Partial<Share>][] = [
    ['a share that is given before', 0, {}],
    ['a share that does not count', 4, {}],
    ['a retired share', 1, { setId: 'fedcb' }],
    ['a share of another trust', 1, { setId: '99999' }],
    ['a share that was not dealt', 1, { index: 99 }],
  ];
  const cases = forms.flatMap((form) =>
    owners.flatMap(([owner, position, fields]) =>
      changes.map(([change, apply]) => ({ form, owner, position, fields, change, apply })),
    ),
  );

  test.each(cases)('$owner as $form, $change', ({ form, position, fields, apply }) => {
    const said = worlds.map((world, number) => {
      const inWorld = new Quorum({ trust: at(worldTrusts, number), needed: 3, separated: 'frank' });
      inWorld.offer(typed(wordsOf(at(world, 0))));
      const share = { ...at(world, position), ...fields };
      const { symbols, join } = cardForms[form];
      const result = inWorld.offer(typed(join(apply(symbols(share)))));
      if (!('refused' in result)) throw new Error('it was accepted');
      const { code, message, hint, cause } = result.refused;
      return { code, message, hint, cause };
    });
    expect(said[0]).toEqual(said[1]);
    expect(said[0]?.cause).toBeUndefined();
  });
});

function retiredWorld(world: readonly Share[]): ShareSet {
  return setOf(
    world.map((share) => ({ ...share, setId: 'fedcb' })),
    'retired',
  );
}

function offer(card: string): Offer {
  return quorum.offer(typed(card));
}

function give(label: string): void {
  expect(offer(wordsOf(shareOf(label)))).toHaveProperty('accepted.label', label);
}

function refusal(card: string): BreakglassError {
  const result = offer(card);
  if (!('refused' in result)) throw new Error('it was accepted');
  expect(result.slip).toBeUndefined();
  return result.refused;
}

function refusedWithSlip(card: string, to = quorum): { readonly refused: BreakglassError; readonly slip: Slip } {
  const result = to.offer(typed(card));
  if (!('refused' in result) || !result.slip) throw new Error('no slip was found');
  expect(result.refused).toBeInstanceOf(BreakglassError);
  expect(result.refused.code).toBe('SHARE_SLIP');
  return { refused: result.refused, slip: result.slip };
}

function shareOf(label: string): Share {
  const share = shares.get(label);
  if (!share) throw new Error('no such custodian');
  return share;
}

const indexOf = (label: string): number => shareOf(label).index;

function at<T>(list: readonly T[], position: number): T {
  const item = list[position];
  if (item === undefined) throw new Error('not there');
  return item;
}

async function copyOf(lent: Uint8Array): Promise<Buffer> {
  return Buffer.from(lent);
}
