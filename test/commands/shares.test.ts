import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseShare } from '../../src/share/card.ts';
import { formatShareWords } from '../../src/share/words-form.ts';
import {
  custodians,
  errorCodes,
  goodShares,
  makeTrust,
  mintFlags,
  openScenes,
  recordsOn,
  type Scene,
  waitingRecords,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

/** Mints with these share files: it must refuse with `code`, and nothing but that may have happened. */
async function refusedBy(scene: Scene, shares: readonly string[], code: string, subject = 'dana') {
  const request = await writeRequest(scene, ['--subject', subject]);
  const before = recordsOn(scene, 'a').length;
  const run = await scene.run([...mintFlags(request, shares), '--out', 'token', '--json']);
  expect(errorCodes(run)).toEqual([code]);
  expect(run.status).toBe(code === 'NOT_FOUND' ? 2 : 5);
  expect(run.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(existsSync(scene.path('token'))).toBe(false);
  for (const medium of ['a', 'b']) {
    const added = recordsOn(scene, medium).slice(before);
    expect(added).toMatchObject([{ type: 'mint.refused', codes: [code] }]);
  }
  expect(waitingRecords(scene)).toEqual([]);
  return run;
}

function cardOf(scene: Scene, label: string): string[] {
  return formatShareWords(parseShare(readFileSync(scene.path('cards', `${label}.share`))));
}

/** A card on which no word stands twice: there a slip has one place. */
function plainCard(scene: Scene): string[] {
  const cards = custodians.map((label) => cardOf(scene, label));
  return cards.find((card) => new Set(card).size === card.length) ?? [];
}

function write(scene: Scene, name: string, text: string): string {
  writeFileSync(scene.path(name), `${text}\n`);
  return name;
}

function otherWord(word: string | undefined): string {
  return wordlist[(wordlist.indexOf(word ?? '') + 777) % wordlist.length] ?? '';
}

const slipHint = 'compare that place with the card, and confirm the correction or enter the share again';

describe('one slip in the words of a card is refused and its place is named, but never the word', () => {
  const slips: readonly [what: string, slip: (card: string[]) => string[], message: string][] = [
    ['a wrong word', (card) => card.with(4, otherWord(card[4])), 'word 5 of the share is wrong'],
    ['a word of no list', (card) => card.with(0, 'xyzzyq'), 'word 1 of the share is wrong'],
    [
      'two swapped words',
      (card) => card.with(2, card[9] ?? '').with(9, card[2] ?? ''),
      'words 3 and 10 of the share are swapped',
    ],
    ['a missing word', (card) => card.toSpliced(11, 1), 'word 12 of the share is missing'],
    [
      'a doubled word',
      (card) => card.toSpliced(6, 0, card[6] ?? ''),
      'the share has one word too many: number 7 of what was entered',
    ],
  ];
  test.each(slips)('%s', async (_what, slip, message) => {
    const scene = scenes.origin.copy();
    const run = await refusedBy(scene, [write(scene, 'slip', slip(plainCard(scene)).join(' '))], 'SHARE_SLIP');
    expect(run.stderr).toMatch(new RegExp(`^breakglass: slip: ${message}\nhint: ${slipHint}\\. [^\n]*\n$`));
  });
});

describe('one slip in the text form of a card is refused and its place is named', () => {
  const slips: readonly [what: string, slip: (text: string) => string, message: string][] = [
    [
      'a wrong character',
      (text) => `${text.slice(0, 20)}${text[20] === 'q' ? 'p' : 'q'}${text.slice(21)}`,
      'character 21 of the share is wrong',
    ],
    ['a missing character', (text) => `${text.slice(0, 30)}${text.slice(31)}`, 'of the share is missing'],
    ['a doubled character', (text) => `${text.slice(0, 12)}${text[11]}${text.slice(12)}`, 'one character too many'],
  ];
  test.each(slips)('%s', async (_what, slip, message) => {
    const scene = scenes.origin.copy();
    const text = readFileSync(scene.path('cards/bob.share'), 'utf8').trimEnd();
    const run = await refusedBy(scene, [write(scene, 'slip', slip(text))], 'SHARE_SLIP');
    expect(run.stderr).toContain(message);
    expect(`${run.stdout}${run.stderr}`).not.toContain(text.slice(0, 16));
  });
});

test('a share of another trust is refused as that', async () => {
  const [scene, other] = [scenes.origin.copy(), await otherTrust()];
  writeFileSync(scene.path('foreign'), readFileSync(other.path('cards/alice.share')));
  await refusedBy(scene, ['foreign'], 'SHARE_OTHER_TRUST');
});

test('the same share twice is refused', async () => {
  await refusedBy(scenes.origin.copy(), ['cards/alice.share', 'cards/alice.share'], 'SHARE_DUPLICATE');
});

test('fewer shares than the threshold are refused, and the hint says that no token was issued', async () => {
  const run = await refusedBy(scenes.origin.copy(), goodShares.slice(0, 2), 'SHARE_TOO_FEW');
  expect(run.stderr).toContain('1 more share is needed, 2 counted (alice, bob)');
  expect(run.stderr).toMatch(/hint: .*No token was issued/);
});

test('the share of the person who gets the token does not count', async () => {
  await refusedBy(scenes.origin.copy(), ['cards/alice.share', 'cards/frank.share'], 'SHARE_NOT_COUNTED', 'frank');
});

test.each([
  ['an empty file', '', 'SHARE_NOT_A_SHARE'],
  ['something else', 'Dear custodian, please find attached', 'SHARE_NOT_A_SHARE'],
  ['binary rubbish', '\u0000\u0001\u0002\uffff', 'SHARE_NOT_A_SHARE'],
])('%s is refused as no share', async (_what, text, code) => {
  const scene = scenes.origin.copy();
  await refusedBy(scene, [write(scene, 'rubbish', text)], code);
});

test('a share file that is not there is refused by its name', async () => {
  const run = await refusedBy(scenes.origin.copy(), ['cards/nobody.share'], 'NOT_FOUND');
  expect(run.stderr).toContain('cards/nobody.share');
});

test('share check says of a good card whose it is, and of a bad one where it is wrong', async () => {
  const scene = scenes.origin.copy();
  const good = await scene.run(['share', 'check', '--trust', 'out/trust.jws', '--share', 'cards/erin.share', '--json']);
  expect(JSON.parse(good.stdout)).toMatchObject({ v: 1, ok: true, code: null, label: 'erin' });
  const card = plainCard(scene);
  const file = write(scene, 'slip', card.with(7, otherWord(card[7])).join(' '));
  const bad = await scene.run(['share', 'check', '--trust', 'out/trust.jws', '--share', file, '--json']);
  expect(bad.status).toBe(5);
  expect(JSON.parse(bad.stdout)).toMatchObject({ ok: false, code: 'SHARE_SLIP', label: null });
  expect(bad.stderr).toMatch(/^breakglass: word 8 of the share is wrong\nhint: [^\n]*\n$/);
});

async function otherTrust(): Promise<Scene> {
  const scene = scenes.fresh();
  await makeTrust(scene);
  return scene;
}
