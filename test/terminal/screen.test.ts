import { decodeQR } from 'qr/decode.js';
import { expect, test } from 'vitest';
import { openColour } from '../../src/terminal/chalk-colour.ts';
import { textWidth, wrap } from '../../src/terminal/layout.ts';
import { qrLines, renderQr, renderQrOn } from '../../src/terminal/qr.ts';
import { type Card, cardPages, plainCanvas, renderPanel } from '../../src/terminal/screen.ts';
import { visible } from '../../src/terminal/voice.ts';

const words =
  'absurd abuse access acid actor adapt adult affair agent album alert alien alley amount anchor ankle zoo'.split(' ');
const text = 'bg1qypq2sj8xg7a0hmvr4zedk3nctu59flqypq2sj8xg7a0';
const longText = `${text}qypq2sj8xg7a0hmvr4zedk3nct`;
const canvases = { small: plainCanvas, narrow: { ...plainCanvas, columns: 60 } };

function cardOf(strength: 128 | 256): Card {
  const wordsOfCard = strength === 128 ? words : [...words, ...words].slice(0, 29);
  const textOfCard = strength === 128 ? text : longText;
  return {
    custodian: 'alice',
    words: wordsOfCard,
    text: textOfCard,
    qr: renderQr(textOfCard.toUpperCase()),
    trustName: 'Example production',
    trustFingerprintWords: words.slice(0, 8),
    setId: '3f2a1',
    index: 117,
    threshold: 3,
    count: 5,
  };
}

test('a share card', () => {
  expect(cardPages({ ...cardOf(128), qr: 'QR' }, { ...plainCanvas, columns: 50 }).join('\n\n')).toMatchInlineSnapshot(`
    "Share of alice                                  QR
    Example production, set 3f2a1, share no. 117
    any 3 of 5 custodians open it

     1 absurd    7 adult    13 alley
     2 abuse     8 affair   14 amount
     3 access    9 agent    15 anchor
     4 acid     10 album    16 ankle
     5 actor    11 alert    17 zoo
     6 adapt    12 alien

    bg1q ypq2 sj8x g7a0 hmvr 4zed k3nc tu59 flqy
    pq2s j8xg 7a0

    trust: absurd abuse access acid actor adapt
    adult affair"
  `);
});

test.each([128, 256] as const)(
  'a card of %i bits fits on one screen of 80 × 24 with its code and a line to go on',
  (strength) => {
    const pages = cardPages(cardOf(strength), canvases.small);
    const lines = pages.flatMap((page) => page.split('\n'));
    expect(pages).toHaveLength(1);
    expect(lines.length).toBeLessThanOrEqual(23);
    expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(80);
  },
);

test('on a narrow screen the code has a page of its own', () => {
  const pages = cardPages(cardOf(128), canvases.narrow);
  expect(pages).toEqual([expect.not.stringContaining('▀'), cardOf(128).qr]);
});

test.each([text.toUpperCase(), longText.toUpperCase()])('the code of %s scans', (share) => {
  expect(decodeQR(photograph(qrLines(share)))).toBe(share);
});

test('the code sets black on white itself, so that it scans on a dark terminal and without colours', () => {
  expect(
    renderQr(text)
      .split('\n')
      .every((line) => line.startsWith('\x1b[30;47;107m') && line.endsWith('\x1b[0m')),
  ).toBe(true);
});

test('PRODUCTION and DRILL are unmistakable without colour', () => {
  const rows = [
    ['incident', 'inc-42'],
    ['because', 'outage: the database does not answer since the upgrade, and the identity provider is down as well'],
  ] as const;
  const panel = {
    rows,
    trust: `Example: ${words.slice(0, 8).join(' ')}`,
    words: words.slice(0, 12),
    warnings: ['TRAIL_CUT: one record'],
  };
  expect(renderPanel({ title: 'PRODUCTION', ...panel })).toMatchInlineSnapshot(`
    "#################### PRODUCTION   PRODUCTION   PRODUCTION #####################
      incident  inc-42
      because   outage: the database does not answer since the upgrade, and the
                identity provider is down as well
      trust     Example: absurd abuse access acid actor adapt adult affair

      absurd    abuse     access    acid      actor     adapt
      adult     affair    agent     album     alert     alien
    ! TRAIL_CUT: one record
    "
  `);
  expect(renderPanel({ title: 'DRILL', rows: [] })).toMatchInlineSnapshot(`
    "~~~~~~~~~~~~~~~~~~~~~~~~~~~~ DRILL   DRILL   DRILL ~~~~~~~~~~~~~~~~~~~~~~~~~~~~
    "
  `);
});

test('a value cannot move the cursor or colour the screen', () => {
  const shown = renderPanel({
    title: 'PRODUCTION',
    rows: [['because', 'x\x1b[2J\x9b1Ay\rz']],
    warnings: ['\x1b[8mhidden'],
  });
  expect(shown).not.toMatch(/[\x1b\x9b\r]/);
});

test('text is broken at spaces, and a word that is too long is cut', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('abcdefghij x', 4)).toEqual(['abcd', 'efgh', 'ij x']);
  expect(wrap('a\nb', 10)).toEqual(['a', 'b']);
});

test('control characters from outside show as question marks', () => {
  expect(visible('a\x1b[31mb\u0085c')).toBe('a?[31mb?c');
});

test.each([
  [{ terminal: true, env: {} }, true],
  [{ terminal: false, env: {} }, false],
  [{ terminal: true, env: { NO_COLOR: '1' } }, false],
  [{ terminal: true, env: { NO_COLOR: '' } }, true],
  [{ terminal: false, env: { FORCE_COLOR: '1' } }, true],
  [{ terminal: true, env: { FORCE_COLOR: '0' } }, false],
  [{ terminal: true, env: { FORCE_COLOR: '1', NO_COLOR: '1' } }, false],
  [{ terminal: true, env: { TERM: 'dumb' } }, false],
])('%j has colour: %s', (source, coloured) => {
  expect(openColour(source).bad('x') !== 'x').toBe(coloured);
});

/** The code as a camera sees it on a white wall: four pixels a module. */
function photograph(lines: readonly string[]) {
  const scale = 4;
  const width = (lines[0] ?? '').length;
  const isDark = (x: number, y: number) => {
    const block = lines[y >> 1]?.[x] ?? ' ';
    return block === '█' || block === (y % 2 === 0 ? '▀' : '▄');
  };
  const size = width * scale;
  const data = new Uint8Array(size * size * 4).fill(255);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (isDark(Math.floor(x / scale), Math.floor(y / scale)))
        data.fill(0, (y * size + x) * 4, (y * size + x) * 4 + 3);
    }
  }
  return { width: size, height: size, data };
}

test('a QR code that does not fit the screen says what it needs instead of wrapping', () => {
  const token = 'x'.repeat(1100);
  expect(renderQrOn(token, { columns: 80, rows: 24 })).toBe(
    'The QR code needs 133 columns and 67 lines; this screen has 80 × 24.',
  );
  expect(renderQrOn(token, { columns: 140, rows: 70 })).toBe(renderQr(token));
});
