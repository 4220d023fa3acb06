import { expect, test } from 'vitest';
import { Block, type Frame } from '../../src/terminal/block.ts';
import { plainColour } from '../../src/terminal/colour.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import { renderScreen } from './virtual-screen.ts';

/** A terminal that keeps what was written; nobody types. */
class Paper implements Terminal {
  readonly colour = plainColour;
  columns: number;
  rows: number;
  output = '';
  readonly chunks: Uint8Array[] = [];

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  get screen(): string {
    return renderScreen(this.output, this.columns, this.rows);
  }

  write(text: string | Uint8Array): void {
    this.output += Buffer.from(text)
      .toString('utf8')
      .replaceAll(/(?<!\r)\n/g, '\r\n');
    if (typeof text !== 'string') this.chunks.push(text);
  }

  clear(): void {
    this.write('\x1b[H\x1b[2J');
  }

  readByte(): 'none' {
    return 'none';
  }

  enterRaw(): void {}
  leaveRaw(): void {}
  close(): void {}
}

function frame(...lines: readonly string[]): Frame {
  return { lines: lines.map((text) => [{ text }]), cursor: { line: lines.length - 1, part: 0 } };
}

test('a block is drawn over itself and leaves what stands above', () => {
  const paper = new Paper(40, 10);
  paper.write('above\n');
  const block = new Block(paper);
  block.draw(frame('one', 'two', 'three'));
  block.draw(frame('first', 'second'));
  expect(paper.screen).toBe('above\nfirst\nsecond');
  block.erase();
  expect(paper.screen).toBe('above');
});

test('it stays whole when the screen scrolls below it', () => {
  const paper = new Paper(40, 4);
  paper.write('1\n2\n3\n');
  const block = new Block(paper);
  block.draw(frame('one', 'two', 'three'));
  block.draw(frame('uno', 'due', 'tre'));
  expect(paper.screen).toBe('3\nuno\ndue\ntre');
});

test('of more lines than the screen has the last ones show', () => {
  const paper = new Paper(40, 3);
  const block = new Block(paper);
  block.draw(frame('a', 'b', 'c', 'd', 'e'));
  block.draw(frame('a', 'b', 'c', 'd', 'E'));
  expect(paper.screen).toBe('c\nd\nE');
});

test('lines are cut at the right edge, in whichever part it is', () => {
  const paper = new Paper(10, 5);
  new Block(paper).draw({
    lines: [[{ text: 'abcdef' }, { text: Buffer.from('ghijkl') }, { text: 'mnop', style: 'dim' }]],
    cursor: { line: 0, part: 1 },
  });
  expect(paper.screen).toBe('abcdefghi');
});

test('typed bytes that are not printable ASCII show as question marks', () => {
  const paper = new Paper(40, 5);
  new Block(paper).draw({ lines: [[{ text: Buffer.from('a\x1b[2Jü') }]], cursor: { line: 0, part: 0 } });
  expect(paper.screen).toBe('a?[2J??');
});

test('what was written to the terminal is wiped afterwards', () => {
  const paper = new Paper(40, 5);
  new Block(paper).draw({ lines: [[{ text: Buffer.from('absurd') }]], cursor: { line: 0, part: 0 } });
  expect(paper.output).toContain('absurd');
  expect(paper.chunks.every((chunk) => chunk.every((byte) => byte === 0))).toBe(true);
});
