/** One colour code, or one character. */
export const unitPattern = /\x1b\[[\d;]*m|./gsu;

/** How many columns a text takes, colour codes not counted. */
export function textWidth(text: string): number {
  let width = 0;
  for (const [unit] of text.matchAll(unitPattern)) if (!unit.startsWith('\x1b')) width += 1;
  return width;
}

/** `text` filled with spaces to `width` columns. */
export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

/** Breaks text at spaces into lines of at most `width` columns; a longer word is cut. Line feeds of the text stay. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => wrapParagraph(paragraph, Math.max(1, width)));
}

function wrapParagraph(paragraph: string, width: number): string[] {
  const lines = [''];
  for (const word of paragraph.split(' ').flatMap((long) => cut(long, width))) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines[lines.length - 1] = word;
    else if (textWidth(last) + 1 + textWidth(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function cut(word: string, width: number): string[] {
  if (textWidth(word) <= width) return [word];
  const characters = Array.from(word);
  return Array.from({ length: Math.ceil(characters.length / width) }, (_, piece) =>
    characters.slice(piece * width, (piece + 1) * width).join(''),
  );
}
