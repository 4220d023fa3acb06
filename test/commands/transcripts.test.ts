import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openScenes } from './scene.ts';
import { runTranscript } from './transcript.ts';

const folder = fileURLToPath(new URL('transcripts', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

// A transcript that says so begins before there is a trust.
test.each(files)('%s', async (name) => {
  const text = readFileSync(join(folder, name), 'utf8');
  const before = text.includes('Before there is a trust.');
  await runTranscript(before ? scenes.fresh() : scenes.origin.copy(), text);
});

test('a transcript fails where the command does something else', async () => {
  await expect(runTranscript(scenes.origin.copy(), '$ echo a\n> b')).rejects.toThrow(
    'standard output of line 1: echo a',
  );
  await expect(runTranscript(scenes.origin.copy(), '$ exit 3')).rejects.toThrow('line 1: exit 3');
  await expect(runTranscript(scenes.origin.copy(), '$ echo a >&2')).rejects.toThrow('standard error of');
  await runTranscript(scenes.origin.copy(), '$ date -u +%FT%TZ\n> <time>\n$ false\n? 1');
});
