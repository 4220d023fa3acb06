import { type Colour, plainColour } from './colour.ts';
import { pad, textWidth, wrap } from './layout.ts';
import { visible } from './voice.ts';

/** What is drawn upon: its width, its height and its colours. */
export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly colour: Colour;
}

/** The smallest screen there is at 3 a.m.: a Linux console, in black and white. */
export const plainCanvas: Canvas = { columns: 80, rows: 24, colour: plainColour };

/** What people read before they agree to something. A title PRODUCTION or DRILL becomes a banner of its own kind. */
export interface Panel {
  readonly title: string;
  /** Name and fingerprint words of the trust, to be compared with a card. */
  readonly trust?: string;
  readonly rows: readonly (readonly [label: string, value: string])[];
  /** Fingerprint words to be compared with what somebody reads out. */
  readonly words?: readonly string[];
  readonly warnings?: readonly string[];
}

const wordsOfARow = 6;

/**
 * Title, rows, words and warnings below each other, each line with its line feed. PRODUCTION and DRILL cannot be taken for each
 * other, with colour or without.
 */
export function renderPanel(panel: Panel, canvas: Canvas = plainCanvas): string {
  const width = Math.min(canvas.columns, 80) - 1;
  const { colour } = canvas;
  const rows = [...panel.rows, ...(panel.trust === undefined ? [] : [['trust', panel.trust] as const])];
  const warnings = (panel.warnings ?? [])
    .flatMap((text) => wrap(visible(`! ${text}`), width))
    .map((line) => colour.warn(line));
  const words = panel.words === undefined ? [] : ['', ...wordRows(panel.words, colour)];
  const lines = [...title(panel.title, width, colour), ...renderRows(rows, width), ...words, ...warnings];
  return lines.map((line) => `${line}\n`).join('');
}

function title(text: string, width: number, colour: Colour): string[] {
  if (text === 'PRODUCTION') return [colour.production(banner('PRODUCTION   PRODUCTION   PRODUCTION', '#', width))];
  if (text === 'DRILL') return [colour.drill(banner('DRILL   DRILL   DRILL', '~', width))];
  return wrap(visible(text), width).map((line) => colour.strong(line));
}

function banner(text: string, edge: string, width: number): string {
  const room = Math.max(0, width - text.length - 2);
  const left = Math.floor(room / 2);
  return `${edge.repeat(left)} ${text} ${edge.repeat(room - left)}`.slice(0, width);
}

function renderRows(rows: Panel['rows'], width: number): string[] {
  const labelWidth = Math.max(0, ...rows.map(([label]) => textWidth(label)));
  return rows.flatMap(([label, value]) =>
    wrap(visible(value), width - labelWidth - 4).map(
      (line, number) => `  ${pad(number === 0 ? label : '', labelWidth)}  ${line}`,
    ),
  );
}

// In rows of six, so that nobody loses the place while they are read out.
function wordRows(words: readonly string[], colour: Colour): string[] {
  return Array.from({ length: Math.ceil(words.length / wordsOfARow) }, (_, row) =>
    words.slice(row * wordsOfARow, (row + 1) * wordsOfARow),
  ).map(
    (row) =>
      `  ${colour.strong(
        row
          .map((word) => pad(word, 8))
          .join('  ')
          .trimEnd(),
      )}`,
  );
}

/** What stands on a share card. `qr` is the rendered code; `count` is how many custodians there are. */
export interface Card {
  readonly custodian: string;
  readonly words: readonly string[];
  readonly text: string;
  readonly qr: string;
  readonly trustName: string;
  readonly trustFingerprintWords: readonly string[];
  readonly setId: string;
  readonly index: number;
  readonly threshold: number;
  readonly count: number;
}

const wordColumns = 3;
const groupLength = 4;
const gap = '  ';
const narrowest = 34;

/** The share card as the pages that the screen needs: one on 80 × 24, else the QR code has its own. */
export function cardPages(card: Card, canvas: Canvas = plainCanvas): readonly string[] {
  const code = card.qr.split('\n');
  const beside = canvas.columns - gap.length - Math.max(...code.map(textWidth));
  if (beside < narrowest) return [cardText(card, canvas.columns - 1, canvas.colour).join('\n'), card.qr];
  const text = cardText(card, beside, canvas.colour);
  const lines = Array.from({ length: Math.max(text.length, code.length) }, (_, number) =>
    code[number] === undefined ? (text[number] ?? '') : pad(text[number] ?? '', beside) + gap + code[number],
  );
  return [lines.join('\n')];
}

function cardText(card: Card, width: number, colour: Colour): string[] {
  return [
    colour.strong(`Share of ${card.custodian}`),
    ...wrap(`${card.trustName}, set ${card.setId}, share no. ${card.index}`, width),
    ...wrap(`any ${card.threshold} of ${card.count} custodians open it`, width),
    '',
    ...numberedColumns(card.words),
    '',
    ...wrap(groups(card.text), width),
    '',
    ...wrap(`trust: ${card.trustFingerprintWords.join(' ')}`, width),
  ];
}

// Down, then across: read aloud and written down column by column.
function numberedColumns(cardWords: readonly string[]): string[] {
  const height = Math.ceil(cardWords.length / wordColumns);
  const numbered = cardWords.map((word, position) => `${String(position + 1).padStart(2)} ${word}`);
  return Array.from({ length: height }, (_, row) =>
    numbered
      .filter((_, position) => position % height === row)
      .map((cell) => cell.padEnd(11))
      .join(' ')
      .trimEnd(),
  );
}

function groups(text: string): string {
  return (text.match(new RegExp(`.{1,${groupLength}}`, 'g')) ?? []).join(' ');
}
