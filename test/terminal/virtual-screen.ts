/** What a VT100 of that size shows after `output`: the few sequences that breakglass uses, and no colours. */
export function renderScreen(output: string, columns: number, rows: number): string {
  const screen = new VirtualScreen(columns, rows);
  for (const [unit] of output.matchAll(/\x1b\[\[?[0-?]*[ -/]*[@-~]|\x1b.|./gsu)) screen.take(unit);
  return screen.text;
}

class VirtualScreen {
  readonly #columns: number;
  readonly #rows: number;
  #lines: string[][];
  #line = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#lines = Array.from({ length: rows }, () => []);
  }

  get text(): string {
    return this.#lines
      .map((line) =>
        Array.from(line, (character) => character ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n')
      .trimEnd();
  }

  take(unit: string): void {
    if (unit === '\r') this.#column = 0;
    else if (unit === '\n') this.#lineFeed();
    else if (unit === '\b') this.#column = Math.max(0, this.#column - 1);
    else if (unit.startsWith('\x1b[')) this.#control(unit.slice(2, -1), unit.slice(-1));
    else if (unit >= ' ') this.#print(unit);
  }

  #print(character: string): void {
    if (this.#column >= this.#columns) {
      this.#column = 0;
      this.#lineFeed();
    }
    const line = this.#lines[this.#line];
    if (line) line[this.#column] = character;
    this.#column += 1;
  }

  #lineFeed(): void {
    if (this.#line < this.#rows - 1) this.#line += 1;
    else this.#lines = [...this.#lines.slice(1), []];
  }

  #control(parameters: string, final: string): void {
    const count = Number.parseInt(parameters, 10) || 1;
    if (final === 'A') this.#line = Math.max(0, this.#line - count);
    if (final === 'B') this.#line = Math.min(this.#rows - 1, this.#line + count);
    if (final === 'C') this.#column = Math.min(this.#columns - 1, this.#column + count);
    if (final === 'D') this.#column = Math.max(0, this.#column - count);
    if (final === 'G') this.#column = count - 1;
    if (final === 'H') this.#line = this.#column = 0;
    if (final === 'K') this.#eraseLine(parameters);
    if (final === 'J') this.#eraseScreen(parameters);
  }

  #eraseLine(parameters: string): void {
    const from = parameters === '2' ? 0 : this.#column;
    this.#lines[this.#line]?.splice(from);
  }

  #eraseScreen(parameters: string): void {
    this.#lines.forEach((line, number) => {
      if (parameters === '2' || number > this.#line) line.splice(0);
    });
    if (parameters !== '2') this.#eraseLine('');
  }
}
