import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { passphrasesFromDescriptor } from '../../src/machine/passphrase.ts';
import { bundleProgram, finish, startShell, temporaryFolder } from './child.ts';
import { refusalOf } from './fixture.ts';

const path = join(temporaryFolder(), 'passphrases');
function descriptorOf(text: string): number {
  writeFileSync(path, text);
  return openSync(path, 'r');
}

test.each([
  ['one line without an end', 'one', ['one']],
  ['lines with LF', 'one\ntwo\n', ['one', 'two']],
  ['lines with CRLF', 'one\r\ntwo\r\n', ['one', 'two']],
  ['spaces, which belong to a passphrase', ' one \n\ttwo', [' one ', '\ttwo']],
  ['a CR inside a line', 'o\rne\n', ['o\rne']],
  ['UTF-8', 'größe\n', ['größe']],
  ['nothing', '', []],
])('reads %s', async (_, text, lines) => {
  const found = await passphrasesFromDescriptor(descriptorOf(text));
  expect(found.map((line) => Buffer.from(line).toString())).toEqual(lines);
});

test.each(['\n', 'one\n\ntwo\n', 'one\n\r\n'])('refuses an empty line in %j and says which', async (text) => {
  const found = await refusalOf(passphrasesFromDescriptor(descriptorOf(text)));
  expect(found.code).toBe('BAD_INPUT');
  expect(found.message).toMatch(/^line \d of passphrase descriptor \d+ is empty$/);
});

test('refuses a descriptor that is not open, and one that never ends', async () => {
  expect((await refusalOf(passphrasesFromDescriptor(987))).message).toBe(
    'passphrase descriptor 987 cannot be read (EBADF)',
  );
  expect((await refusalOf(passphrasesFromDescriptor(openSync('/dev/zero', 'r')))).message).toContain(
    'is longer than 65,536',
  );
});

test('a passphrase opens a file without ever being a string of this process', async () => {
  const folder = temporaryFolder();
  const program = bundleProgram(
    folder,
    'opener',
    `import { readFileSync, writeFileSync } from 'node:fs';
     import { writeHeapSnapshot } from 'node:v8';
     import { passphrasesFromDescriptor } from './passphrase.ts';
     import { openWithPassphrase, sealWithPassphrase } from './sealed.ts';
     const kept = readFileSync(4, 'utf8');
     for (const passphrase of await passphrasesFromDescriptor(3)) {
       const sealed = await sealWithPassphrase(Buffer.from('x'), passphrase, { workFactor: 2 });
       await openWithPassphrase(sealed, passphrase);
       passphrase.fill(0);
     }
     writeHeapSnapshot(process.argv[2]);
     writeFileSync(1, String(kept.length));`,
  );
  writeFileSync(join(folder, 'secret'), 'quite-a-passphrase-of-alice\n');
  writeFileSync(join(folder, 'control'), 'a-string-that-the-search-must-find');
  const snapshot = join(folder, 'heap');
  const line = `exec "$NODE" ${program} ${snapshot} 3<${folder}/secret 4<${folder}/control`;
  expect(await finish(startShell(line))).toMatchObject({ status: 0, stdout: '34' });
  const heap = readFileSync(snapshot, 'latin1');
  expect(heap.includes('a-string-that-the-search-must-find')).toBe(true);
  expect(heap.includes('passphrase-of-alice')).toBe(false);
});
