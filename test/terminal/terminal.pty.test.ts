import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle, keys, type PtyOptions, type PtySession, startPty } from './pty.ts';

const card = 'absurd abuse access acid actor adapt adult affair agent album alert alien alley amount anchor ankle zoo';
const cardText = 'BG1QYPQ2SJ8XG7A0HMVR4ZEDK3NCTU59FLQYPQ2SJ8XG7A0';
let fixture: { readonly path: string; remove(): void };
let folder: string;
let runs = 0;

beforeAll(async () => {
  fixture = await bundle(new URL('fixture.ts', import.meta.url).pathname);
  folder = mkdtempSync(join(tmpdir(), 'breakglass-pty-'));
});

afterAll(() => {
  fixture.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Run extends PtySession {
  result(): Promise<unknown>;
}

function start(scenario: string, options?: PtyOptions): Run {
  const resultFile = join(folder, `${++runs}.json`);
  const session = startPty(process.execPath, [fixture.path, scenario, resultFile], options);
  const result = async () => {
    await session.ended();
    return existsSync(resultFile) ? JSON.parse(readFileSync(resultFile, 'utf8')) : undefined;
  };
  return Object.defineProperties({ result } as Run, Object.getOwnPropertyDescriptors(session));
}

test('words typed one by one become dots, and only the word being typed is on the screen', async () => {
  const run = start('share');
  await run.shows('0 of 17');
  run.type('absurd abu');
  await run.shows('1 of 17   • abuse');
  expect(run.screen).not.toContain('absurd');
  run.type(keys.ctrlC);
  expect(await run.result()).toEqual({ code: 'ABORTED', message: 'stopped by Ctrl-C' });
});

test('the space behind the last word ends the entry, and nothing of it stays on the screen', async () => {
  const run = start('share');
  await run.shows('0 of 17');
  run.type(`${card} `);
  expect(await run.result()).toEqual({ answer: { typed: card } });
  expect(run.screen).not.toMatch(/absurd|zoo|•/);
});

test('four letters of each word are enough', async () => {
  const run = start('share');
  await run.shows('0 of 17');
  const four = card.split(' ').map((word) => word.slice(0, 4));
  run.type(`${four.join(' ')} `);
  expect(await run.result()).toEqual({ answer: { typed: card } });
});

test('a paste of all words shows none of them', async () => {
  const run = start('share');
  await run.shows('0 of 17');
  run.type(keys.pasteBegins + card.replaceAll(' ', '\n') + keys.pasteEnds);
  await run.shows(`16 of 17  ${'•'.repeat(16)} zoo`);
  run.type(keys.enter);
  expect(await run.result()).toEqual({ answer: { typed: card } });
  expect(run.output).not.toMatch(/absurd|abuse|ankle/);
});

test('a scanned code, upper case with CR LF behind it, is one entry and leaves nothing for the next', async () => {
  const run = start('share-twice');
  await run.shows('0 of 17');
  run.type(`${cardText}\r\n`);
  await run.prints('first is in');
  run.type(`${card} `);
  expect(await run.result()).toEqual({ answer: [{ typed: cardText }, { typed: card }] });
  expect(run.output).not.toContain(cardText.slice(3, 20));
});

test('what is typed ahead between two entries is neither lost nor shown', async () => {
  const run = start('share-twice');
  await run.shows('0 of 17');
  run.type(`${card} ${card} `);
  expect(await run.result()).toEqual({ answer: [{ typed: card }, { typed: card }] });
  expect(run.output).not.toMatch(/absurd|abuse|ankle/);
});

test('a file is named at the same prompt, with the home directory filled in', async () => {
  const run = start('share', { env: { HOME: '/home/alice' } });
  await run.shows('0 of 17');
  run.type(`~/alice.share${keys.enter}`);
  expect(await run.result()).toEqual({ answer: { kind: 'file', path: '/home/alice/alice.share' } });
});

test('a word that is not in the list stays, with what may be meant, and Tab takes it', async () => {
  const run = start('share');
  await run.shows('0 of 17');
  run.type('absrd ');
  await run.shows('not in the list: absrd → absurd?');
  run.type('\t');
  await run.shows('0 of 17   absurd');
  run.type(`${card.slice('absurd'.length)} `);
  expect(await run.result()).toEqual({ answer: { typed: card } });
});

test('the last 60 seconds are counted down, and then the entry ends', async () => {
  const run = start('share-deadline');
  await run.prints(/[1-5]\d s left/);
  run.type('absurd abu');
  expect(await run.result()).toEqual({ code: 'TIMEOUT', message: 'no entry before the time ran out' });
  expect(run.screen).not.toContain('abu');
});

test.each(['passphrase-deadline', 'confirm-deadline'])(
  '%s: a question that nobody answers ends too',
  async (scenario) => {
    const run = start(scenario);
    expect(await run.result()).toEqual({ code: 'TIMEOUT', message: 'no entry before the time ran out' });
  },
);

test('a window that gets another size is drawn anew', async () => {
  const run = start('share');
  await run.shows('0 of 17');
  run.type('absurd abu');
  await run.shows('1 of 17   • abu');
  run.resize(50, 20);
  await run.shows('1 of 17   • abu');
  run.type(`${keys.ctrlU}zo`);
  await run.shows('0 of 17   zo');
  run.type(keys.ctrlC);
  await run.ended();
});

test('arrows and function keys mean nothing', async () => {
  const run = start('passphrase');
  await run.shows('Passphrase:');
  run.type(`a${keys.up}b\x1b[[Ac\x1bOPd\x1b[15~e${keys.enter}`);
  expect(await run.result()).toEqual({ answer: 'abcde' });
});

test('a passphrase shows dots, takes corrections and any character, and may be empty', async () => {
  const run = start('passphrase');
  await run.shows('Passphrase:');
  run.type(`wrong${keys.ctrlU}grün dog${keys.ctrlW}rabbot${keys.backspace}${keys.backspace}it`);
  await run.shows(/Passphrase: •{11}$/);
  run.type(keys.enter);
  expect(await run.result()).toEqual({ answer: 'grün rabbit' });
  const empty = start('passphrase');
  await empty.shows('Passphrase:');
  empty.type(keys.enter);
  expect(await empty.result()).toEqual({ answer: '' });
});

test.each([
  ['y', true],
  ['Y', true],
  ['n', false],
  [keys.enter, false],
  [keys.escape, false],
])('one key confirms: %j is %j', async (key, answer) => {
  const run = start('confirm-key');
  await run.shows('Do the words agree? (y/N)');
  run.type(key);
  expect(await run.result()).toEqual({ answer });
});

test('a y that was typed before the question showed confirms nothing', async () => {
  const run = start('confirm-late');
  await run.prints('working');
  run.type('y\r');
  await run.shows('Do the words agree? (y/N)');
  run.type('n');
  expect(await run.result()).toEqual({ answer: false });
});

test('Enter goes on to the next custodian, other keys do not', async () => {
  const run = start('enter');
  await run.shows('Press Enter.');
  run.type(`x \t${keys.enter}`);
  expect(await run.result()).toEqual({ answer: 'entered' });
});

test('a wrong answer to a question stays, with the reason, to be corrected', async () => {
  const run = start('text');
  await run.shows('Incident');
  run.type(keys.enter);
  await run.shows('an incident has a name');
  run.type(`inc-42${keys.enter}`);
  expect(await run.result()).toEqual({ answer: 'inc-42' });
});

test('a number is asked until it is in its range, and Enter takes the proposal', async () => {
  const run = start('number');
  await run.shows('Threshold');
  run.type(`1${keys.enter}`);
  await run.shows('a whole number from 2 to 16');
  run.type(`${keys.backspace}4${keys.enter}`);
  expect(await run.result()).toEqual({ answer: 4 });
  const proposed = start('number');
  await proposed.shows('Threshold');
  proposed.type(keys.enter);
  expect(await proposed.result()).toEqual({ answer: 3 });
});

test('one of several is chosen with the arrows', async () => {
  const choice = start('choice');
  await choice.shows('net-admin');
  choice.type(keys.down);
  choice.type(keys.enter);
  expect(await choice.result()).toEqual({ answer: 'net-admin' });
});

test('keys typed at once answer questions of both kinds in turn, none lost and none doubled', async () => {
  const run = start('mixed');
  await run.shows('Incident');
  run.type('inc-42\rrabbit\rthe login is down\rabsurd abuse\r');
  expect(await run.result()).toEqual({ answer: ['inc-42', 'rabbit', 'the login is down', 'absurd abuse'] });
  expect(run.output).not.toContain('rabbit');
});

const everyPrompt = ['share', 'passphrase', 'confirm-key', 'enter', 'text', 'number', 'choice'];
const shownFirst = /0 of 17|Passphrase:|agree\?|Press Enter|Incident|Threshold|net-admin/;

test.each(everyPrompt)('Ctrl-C, Ctrl-D, SIGTERM and a hang-up each abort: %s', async (scenario) => {
  const ends = [
    ['stopped by Ctrl-C', (run: Run) => run.type(keys.ctrlC)],
    ['end of input: the terminal gave no more keys', (run: Run) => run.type(keys.ctrlD)],
    ['stopped by SIGTERM', (run: Run) => run.signal('SIGTERM')],
    [/stopped by SIGHUP|end of input/, (run: Run) => run.hangUp()],
  ] as const;
  const aborts = ends.map(async ([message, end]) => {
    const run = start(scenario);
    await run.shows(shownFirst);
    end(run);
    expect(await run.result()).toEqual({ code: 'ABORTED', message: expect.stringMatching(message) });
  });
  await Promise.all(aborts);
});

test('a signal between two prompts ends the next one, and a second signal does not cut off what is then written', async () => {
  const run = start('held');
  await run.shows('working');
  run.signal('SIGTERM');
  await run.shows('writing it down');
  run.signal('SIGHUP');
  expect(await run.result()).toEqual({ code: 'ABORTED', message: 'stopped by SIGTERM' });
});

test('the terminal gets its mode back after an answer, Ctrl-C, SIGTERM, a bug and an exit', async () => {
  const ends: readonly (readonly [string, (run: PtySession, pid: number) => void])[] = [
    ['passphrase', (run) => run.type('a\r')],
    ['text', (run) => run.type('a\r')],
    ['share', (run) => run.type(keys.ctrlC)],
    ['share', (_, pid) => process.kill(pid, 'SIGTERM')],
    ['throws', () => {}],
  ];
  for (const [scenario, end] of ends) {
    const pidFile = join(folder, `${++runs}.pid`);
    const script = `stty -g; ${process.execPath} ${fixture.path} ${scenario} ${pidFile}.json ${pidFile}; echo; stty -g; echo over`;
    const run = startPty('/bin/sh', ['-c', script]);
    if (scenario !== 'throws') {
      await run.shows(shownFirst);
      end(run, Number(readFileSync(pidFile, 'utf8')));
    }
    await run.prints('over');
    const [before, after] = run.output.match(/(?:[0-9a-f]+:){10,}[0-9a-f]+/g) ?? [];
    expect(after, scenario).toBe(before);
    expect(before).toBeDefined();
  }
});

test('without a terminal at standard input there is none', async () => {
  const resultFile = join(folder, `${++runs}.json`);
  const run = startPty('/bin/sh', ['-c', `${process.execPath} ${fixture.path} share ${resultFile} < /dev/null`]);
  await run.ended();
  expect(JSON.parse(readFileSync(resultFile, 'utf8'))).toEqual({ terminal: 'none' });
});
