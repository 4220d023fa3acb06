import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findSlip, type Slip } from '../../src/share/slip.ts';
import { cardForms, fiveShares, fixedShare, setOf, textOf, typed, wordsOf } from './fixture.ts';

const dealt = { 128: fiveShares('slip', 'abcde', 128), 256: fiveShares('slip', '12345', 256) } as const;
const retired = fiveShares('old', 'fedcb', 128);
const abandoned = fiveShares('half', '00001', 128);
const sets = [
  setOf(retired, 'retired'),
  setOf(dealt[128], 'active'),
  setOf(abandoned, 'abandoned'),
  setOf(dealt[256], 'retired'),
];

interface Entry {
  readonly card: readonly string[];
  readonly entered: readonly string[];
  readonly expected: Pick<Slip, 'kind' | 'position' | 'swappedWith' | 'meant'>;
}

type Form = keyof typeof cardForms;
type Planted = (card: readonly string[], at: number, other: number, symbol: string) => Entry | undefined;

const planted: Readonly<Record<Slip['kind'], Planted>> = {
  wrong: (card, at, _, symbol) =>
    card[at] === symbol
      ? undefined
      : {
          card,
          entered: card.with(at, symbol),
          expected: { kind: 'wrong', position: at + 1, swappedWith: undefined, meant: card[at] ?? '' },
        },
  swapped: (card, one, another) => {
    const [at, other] = one < another ? [one, another] : [another, one];
    if (card[at] === card[other]) return undefined;
    return {
      card,
      entered: card.with(at, card[other] ?? '').with(other, card[at] ?? ''),
      expected: { kind: 'swapped', position: at + 1, swappedWith: other + 1, meant: card[at] ?? '' },
    };
  },
  doubled: (card, at, even, symbol) => {
    const entered = card.toSpliced(at, 0, even % 2 ? symbol : (card[at] ?? ''));
    const position = runStart(entered, at);
    return {
      card,
      entered,
      expected: { kind: 'doubled', position: position + 1, swappedWith: undefined, meant: card[position] ?? '' },
    };
  },
  missing: (card, at) => ({
    card,
    entered: card.toSpliced(at, 1),
    expected: { kind: 'missing', position: runStart(card, at) + 1, swappedWith: undefined, meant: card[at] ?? '' },
  }),
};

/** Of equal neighbours nobody can say which one is missing or too many: the first is named. */
function runStart(symbols: readonly string[], at: number): number {
  let start = at;
  while (start > 0 && symbols[start - 1] === symbols[at]) start--;
  return start;
}

describe.each([
  { form: 'words', strength: 128 },
  { form: 'words', strength: 256 },
  { form: 'text', strength: 128 },
  { form: 'text', strength: 256 },
] as const)('in a card of $strength bits as $form', ({ form, strength }) => {
  const shares = dealt[strength];

  test.each(Object.keys(planted) as Slip['kind'][])('any single slip is found with its position: %s', (kind) => {
    const position = fc.nat({ max: cardForms[form].symbols(shares[0] ?? fixedShare('none')).length - 1 });
    fc.assert(
      fc.property(
        fc.constantFrom(...shares),
        position,
        position,
        fc.constantFrom(...cardForms[form].alphabet),
        (share, at, other, symbol) => {
          const entry = planted[kind](cardForms[form].symbols(share), at, other, symbol);
          fc.pre(entry !== undefined);
          expectFound(form, entry, share);
        },
      ),
      { numRuns: 12, seed: 7 },
    );
  });

  test('a symbol that no card has is found like any other', () => {
    const [share = fixedShare('none')] = shares;
    const card = cardForms[form].symbols(share);
    for (const at of [0, 3, card.length - 1]) {
      const expected = { position: at + 1, swappedWith: undefined, meant: card[at] ?? '' };
      expectFound(form, { card, entered: card.with(at, '?'), expected: { kind: 'wrong', ...expected } }, share);
      expectFound(
        form,
        { card, entered: card.toSpliced(at, 0, '?'), expected: { kind: 'doubled', ...expected } },
        share,
      );
    }
  });

  test('one too many after the end has nothing that was meant', () => {
    const [share = fixedShare('none')] = shares;
    const card = cardForms[form].symbols(share);
    const entered = [...card, '?'];
    const expected = { kind: 'doubled', position: card.length + 1, swappedWith: undefined, meant: '' } as const;
    expectFound(form, { card, entered, expected }, share);
  });

  test('a right card has no slip, and neither has one of a set that nobody dealt', () => {
    const [share = fixedShare('none')] = shares;
    const { symbols, join } = cardForms[form];
    expect(findSlip(typed(join(symbols(share))), sets)).toBeUndefined();
    const stranger = symbols(fixedShare('stranger', { strength }));
    expect(findSlip(typed(join(stranger.toSpliced(9, 1))), sets)).toBeUndefined();
  });
});

test('a slip in a card of any set is found, whatever the status of the set', () => {
  for (const share of [retired[2], abandoned[4]]) {
    if (!share) throw new Error('no share');
    const card = wordsOf(share).split(' ');
    const found = findSlip(typed(card.toSpliced(4, 1).join(' ')), sets);
    expect(found).toMatchObject({ kind: 'missing', share });
  }
});

test('one letter in the wrong case is a wrong character of the text form', () => {
  const [share = fixedShare('none')] = dealt[128];
  const text = textOf(share).toUpperCase();
  const at = text.search(/(?<=.{8})[A-Z]/);
  const entered = `${text.slice(0, at)}${text.charAt(at).toLowerCase()}${text.slice(at + 1)}`;
  expect(findSlip(typed(entered), sets)).toMatchObject({ kind: 'wrong', position: at + 1, share });
});

test('a slip is found behind numbering, line breaks and grouping', () => {
  const [share = fixedShare('none')] = dealt[128];
  const card = wordsOf(share).split(' ');
  const numbered = card.toSpliced(11, 1).map((word, at) => `${at + 1}. ${word.toUpperCase()}\r\n`);
  expect(findSlip(typed(numbered.join('')), sets)).toMatchObject({ kind: 'missing', share });
  const grouped = textOf(share)
    .slice(1)
    .replace(/(.{4})/g, '$1-');
  expect(findSlip(typed(grouped), sets)).toMatchObject({ kind: 'missing', position: 1, meant: 'b', share });
});

test('the checksum alone decides nothing: a candidate that was never dealt is not offered', () => {
  const [share = fixedShare('none')] = dealt[128];
  const forged = { ...share, value: new Uint8Array(16).fill(9) };
  const card = wordsOf(forged).split(' ');
  expect(findSlip(typed(card.with(16, card[16] === 'zoo' ? 'zone' : 'zoo').join(' ')), sets)).toBeUndefined();
});

test.each([
  ['nothing', ''],
  ['no share', 'the quick brown fox jumps over the lazy dog'],
  ['a long line', 'zoo '.repeat(1000)],
  ['16 times the same word', 'zoo '.repeat(16)],
  ['the prefix and nothing', 'bg1'],
  ['30 unknown words', 'qqqq '.repeat(30)],
])('%s has no slip', (_, entered) => {
  expect(findSlip(typed(entered), sets)).toBeUndefined();
});

test('LIMIT: two slips in one card are refused but not found', () => {
  const [share = fixedShare('none')] = dealt[128];
  const card = wordsOf(share).split(' ');
  const entered = card.toSpliced(12, 1).with(5, card[5] === 'zoo' ? 'zone' : 'zoo');
  expect(findSlip(typed(entered.join(' ')), sets)).toBeUndefined();
});

function expectFound(form: Form, { entered, expected }: Entry, share: Slip['share']): void {
  const slip = findSlip(typed(cardForms[form].join(entered)), sets);
  expect(slip).toEqual({ form, ...expected, share });
}
