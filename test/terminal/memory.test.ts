import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, startPty } from './pty.ts';

// Not in the order of the list, so that the list itself is not taken for a copy.
const words =
  'zoo cabin wage river orphan absurd lemon tunnel acid mango vault kiwi spoon fabric jelly under hollow'.split(' ');
const card = words.join(' ');
const cardText = 'BG1QYPQ2SJ8XG7A0HMVR4ZEDK3NCTU59FLQYPQ2SJ8XG7A0';
const passphrase = 'correct horse battery staple';
let fixture: { readonly path: string; remove(): void };

beforeAll(async () => {
  fixture = await bundle(new URL('fixture.ts', import.meta.url).pathname);
});

afterAll(() => fixture.remove());

test('after a share was handed in and wiped, the memory of the process holds no two words of it side by side', async () => {
  const pairs = words.slice(1).map((word, position) => `${words[position]} ${word}`);
  expect(await foundInMemory('share-idle', `${card} `, pairs)).toEqual([]);
});

test('the same for the text form: no eight characters in a row', async () => {
  const pieces = Array.from({ length: cardText.length - 11 }, (_, at) => cardText.slice(at + 4, at + 12));
  expect(await foundInMemory('share-idle', `${cardText}\r`, pieces)).toEqual([]);
});

test('the same for a passphrase', async () => {
  expect(await foundInMemory('passphrase-idle', `${passphrase}\r`, ['correct horse', 'battery staple'])).toEqual([]);
});

test('the search does find a share that is still held', async () => {
  expect(await foundInMemory('share-kept', `${card} `, [card])).toEqual([card]);
});

async function foundInMemory(scenario: string, typed: string, pieces: readonly string[]): Promise<string[]> {
  const run = startPty(process.execPath, [fixture.path, scenario, '/dev/null']);
  try {
    await run.shows(/0 of 17|Passphrase:/);
    for (const key of typed) run.type(key);
    await run.shows('handed in');
    return searchMemory(run.pid, pieces);
  } finally {
    run.signal('SIGKILL');
    await run.ended();
  }
}

/** Which of `pieces` stand in the readable memory of a process, as Latin-1 or UTF-16. */
function searchMemory(pid: number, pieces: readonly string[]): string[] {
  const needles = pieces.flatMap((piece) =>
    (['latin1', 'utf16le'] as const).map((encoding) => ({ piece, bytes: Buffer.from(piece, encoding) })),
  );
  const found = new Set<string>();
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const chunk of readableChunks(pid, memory)) {
      for (const { piece, bytes } of needles) if (chunk.includes(bytes)) found.add(piece);
    }
  } finally {
    closeSync(memory);
  }
  return [...found];
}

const chunkBytes = 4 * 1024 * 1024;
const overlapBytes = 512;

function* readableChunks(pid: number, memory: number): Generator<Buffer> {
  const buffer = Buffer.alloc(chunkBytes + overlapBytes);
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    // Only what the process can have written: anonymous and private memory.
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw.. /.exec(line);
    if (!match) continue;
    const [start, end] = [Number.parseInt(match[1] ?? '', 16), Number.parseInt(match[2] ?? '', 16)];
    for (let at = start; at < end; at += chunkBytes) {
      const wanted = Math.min(chunkBytes + overlapBytes, end - at);
      yield buffer.subarray(0, readSync(memory, buffer, 0, wanted, at));
    }
  }
}
