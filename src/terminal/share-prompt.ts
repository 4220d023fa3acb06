import { Block, type Frame } from './block.ts';
import type { Deadline } from './deadline.ts';
import { readKeys } from './key-reader.ts';
import { wrap } from './layout.ts';
import { redrawer } from './secret-reader.ts';
import { type ShareEntry, ShareLine, type ShareLineOptions } from './share-line.ts';
import { viewShareLine } from './share-view.ts';
import type { Terminal } from './terminal.ts';

export type { ShareEntry } from './share-line.ts';

/** What a custodian sees while entering a share: `heading` above, `status` below it; long lines are wrapped. */
export interface AskShareOptions extends ShareLineOptions {
  readonly heading: readonly string[];
  readonly status: readonly string[];
  /** When it reaches 0 the entry ends with `TIMEOUT`; the last 60 seconds are shown. */
  readonly deadline: Deadline | null;
}

/**
 * Asks for one share: words, text form, a scanned QR code, or the path of a file, all at one prompt. Two words are never on the
 * screen together, and nothing of the entry stays there. The caller wipes what was typed. Throws `ABORTED` or `TIMEOUT`.
 */
export async function askShare(terminal: Terminal, options: AskShareOptions): Promise<ShareEntry> {
  const line = new ShareLine(options);
  const block = new Block(terminal);
  const redraw = redrawer(
    block,
    () => withHeading(options, viewShareLine(line), terminal.columns - 1),
    options.deadline,
  );
  try {
    return await readKeys(terminal, {
      press: (key) => {
        redraw.soon();
        return line.press(key) === 'done' ? atHome(line.entry()) : undefined;
      },
      idle: redraw.now,
    });
  } finally {
    line.wipe();
    block.erase();
  }
}

// The shell is not there to do it.
function atHome(entry: ShareEntry): ShareEntry {
  const home = process.env['HOME'];
  if (entry.kind !== 'file' || !entry.path.startsWith('~/') || !home) return entry;
  return { kind: 'file', path: `${home}${entry.path.slice(1)}` };
}

function withHeading({ heading, status }: AskShareOptions, entry: Frame, width: number): Frame {
  const above = [...heading, ...status].flatMap((text) => wrap(text, width)).map((text) => [{ text }]);
  return {
    lines: [...above, ...entry.lines],
    cursor: { line: above.length + entry.cursor.line, part: entry.cursor.part },
  };
}
