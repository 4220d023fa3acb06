import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isFreeText, isIdentifier, isPrintable, showable, toIdentifier } from '../../src/base/text.ts';

const format = readFileSync('docs/format.md', 'utf8').replaceAll('\n', ' ');

/** The code points that docs/format.md §1 refuses in free text, as it lists them. */
function refusedByTheBook(): Set<number> {
  const list = /\*Free text\*(.*?lone surrogates D800–DFFF)/.exec(format)?.[1] ?? '';
  const refused = new Set<number>();
  for (const [, from = '', to = from] of list.matchAll(/(?:U\+|, |surrogates )([0-9A-F]{4,5})(?:–([0-9A-F]{4,5}))?/g))
    for (let point = Number.parseInt(from, 16); point <= Number.parseInt(to, 16); point++) refused.add(point);
  return refused;
}

describe('free text', () => {
  test('refuses exactly the code points of docs/format.md, of all that there are', () => {
    const byTheBook = refusedByTheBook();
    expect(byTheBook.size).toBeGreaterThan(6000);
    const differing: string[] = [];
    for (let point = 0; point <= 0x10ffff; point++)
      if (isFreeText(`a${String.fromCodePoint(point)}b`) === byTheBook.has(point)) differing.push(point.toString(16));
    expect(differing).toEqual([]);
  });

  test('has 1 to 1,024 code units', () => {
    expect(['', 'x', 'x'.repeat(1024), 'x'.repeat(1025)].map(isFreeText)).toEqual([false, true, true, false]);
    expect(['😀'.repeat(512), '😀'.repeat(513)].map(isFreeText)).toEqual([true, false]);
  });

  test('refuses half a surrogate pair at either end', () => {
    expect(['\ud83d', 'a\ud83d', '\ude00a', '\ude00\ud83d'].map(isFreeText)).toEqual([false, false, false, false]);
  });
});

describe('an identifier', () => {
  test.each(['a', '0', 'inc-2026-001', 'db:read', 'a@b.example/c_d', 'x'.repeat(64)])('is %s', (text) => {
    expect(isIdentifier(text)).toBe(true);
  });

  test.each(['', 'A', '-a', '.a', '_a', ' a', 'a ', 'a b', 'a\n', 'x'.repeat(65), 'ä', 'а', 'a,b', '__proto__'])(
    'is not %j',
    (text) => {
      expect(isIdentifier(text)).toBe(false);
    },
  );

  test('is made of what was typed by trimming and lower case alone', () => {
    expect([' Alice ', 'DB:Read', 'a b', 'Ä', ''].map(toIdentifier)).toEqual([
      'alice',
      'db:read',
      undefined,
      undefined,
      undefined,
    ]);
    // The Kelvin sign and the dotted I become ASCII letters, or nearly, in lower case.
    expect(['\u212aelvin', '\u0130d'].map(toIdentifier)).toEqual(['kelvin', undefined]);
  });
});

test('an audience is printable ASCII without space, quote and backslash', () => {
  const good = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    .filter(isPrintable)
    .join('');
  expect(good).toBe("!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~");
  expect(['', 'x'.repeat(256), 'x'.repeat(257), 'a\n'].map(isPrintable)).toEqual([false, true, false, false]);
});

test('what is shown of anything from outside is printable and short', () => {
  expect(showable('a\u001b[2J\u202e\nb')).toBe('a?[2J??b');
  expect(showable('x'.repeat(65))).toBe(`${'x'.repeat(64)}…`);
  expect(showable('abcdef', 3)).toBe('abc…');
});
