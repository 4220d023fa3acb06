import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatHex, parseBase64url } from '../../src/base/bytes.ts';
import { parseShare } from '../../src/share/card.ts';
import { combineShares } from '../../src/share/combine.ts';
import { shareCommitment } from '../../src/share/commitment.ts';
import { formatShareBits, packShare, type Share, type Strength, unpackShare } from '../../src/share/share.ts';
import { formatShareText } from '../../src/share/text-form.ts';
import { formatShareWords } from '../../src/share/words-form.ts';
import { typed } from './fixture.ts';

interface VectorShare {
  readonly index: number;
  readonly value: string;
  readonly packed: string;
  readonly words: string;
  readonly text: string;
  readonly commitment: string;
}
interface VectorSet {
  readonly name: string;
  readonly seed: string;
  readonly strength: Strength;
  readonly threshold: number;
  readonly setId: string;
  readonly nonce: string;
  readonly shares: readonly VectorShare[];
}

// Made by a program of its own, from docs/format.md §4 alone.
const { sets }: { sets: readonly VectorSet[] } = JSON.parse(
  readFileSync(new URL('../testdata/vectors/share.json', import.meta.url), 'utf8'),
);

describe.each(sets)('the frozen set $name', (set) => {
  const shares = set.shares.map((vector) => ({ vector, share: shareOf(set, vector) }));

  test.each(shares)('packs share $vector.index as printed', ({ vector, share }) => {
    expect(formatHex(packShare(share))).toBe(vector.packed);
    expect(unpackShare(formatShareBits(share))).toEqual(share);
  });

  test.each(shares)('writes and reads share $vector.index in both forms', ({ vector, share }) => {
    expect(formatShareWords(share).join(' ')).toBe(vector.words);
    expect(formatShareText(share)).toBe(vector.text);
    for (const card of [vector.words, vector.text, vector.text.toUpperCase()])
      expect(parseShare(typed(card))).toEqual(share);
  });

  test.each(shares)('commits to share $vector.index', ({ vector, share }) => {
    expect(shareCommitment(share, parseBase64url(set.nonce) ?? Buffer.alloc(0))).toBe(vector.commitment);
  });

  test('gives the seed from the first shares, the last shares and all of them', async () => {
    const all = shares.map(({ share }) => share);
    for (const subset of [all.slice(0, set.threshold), all.slice(-set.threshold), all])
      expect(formatHex(await combineShares(subset))).toBe(set.seed);
  });
});

function shareOf(set: VectorSet, { index, value }: VectorShare): Share {
  const { setId, threshold, strength } = set;
  return { setId, threshold, index, strength, value: new Uint8Array(Buffer.from(value, 'hex')) };
}
