import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseShare } from '../../src/share/card.ts';
import { formatShareWords } from '../../src/share/words-form.ts';
import { keys, type PtySession, startPty } from '../terminal/pty.ts';
import { wordsOnScreen } from './card-screen.ts';
import { environment } from './program.ts';
import { initFlags, openScenes, recordsOn, type Scene } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

const fresh = () => scenes.fresh();

function startInit(scene: Scene, flags: readonly string[]): PtySession {
  const env = environment(scene.program, scene.dir);
  return startPty(join(scene.program.bin, 'breakglass'), ['init', ...flags], { cwd: scene.dir, env });
}

/** Two of three, two cards on the screen and one in a file; every other flag is asked. */
const asked = ['--card-dir', 'carol=cards', '--state', 'state', '--out', 'out', '--allow-fixed'];
/** The same with nothing left to ask but the cards. */
const complete = [
  ...['--name', 'Acme production', '--issuer', 'https://breakglass.acme.example', '--policy', 'policy.toml'],
  ...['--threshold', '2', '--custodian', 'alice', '--custodian', 'bob', '--custodian', 'carol'],
  ...['--medium', 'a', '--medium', 'b', ...asked],
];

/** Goes through one card up to the question to read it back; returns its words. */
async function seeCard(session: PtySession, label: string): Promise<string[]> {
  await session.shows(`${label} comes to the screen, alone. Press Enter.`);
  session.type(keys.enter);
  await session.shows('17 ');
  const words = wordsOnScreen(session.screen);
  expect(words).toHaveLength(17);
  for (;;) {
    await session.shows(/Press Enter when they stand there\.|Enter: next page\./);
    const last = session.screen.includes('Press Enter when they stand there.');
    session.type(keys.enter);
    if (last) return words;
    await session.shows('Press Enter when they stand there.');
  }
}

async function readBack(session: PtySession, label: string, words: readonly string[]): Promise<void> {
  await session.shows(`${label}, read your card back`);
  session.type(`${words.join(' ')} `);
}

function nothingLeft(scene: Scene): void {
  for (const folder of ['a', 'b', 'cards']) expect(readdirSync(scene.path(folder))).toEqual([]);
  for (const name of ['trust', 'trail', 'recorder.key', 'init.json'])
    expect(existsSync(scene.path('state', name))).toBe(false);
  expect(existsSync(scene.path('out', 'trust.jws'))).toBe(false);
}

describe('init at a terminal', () => {
  test('asks for what the flags leave out, deals one custodian at a time and has each card typed back', async () => {
    const scene = fresh();
    const session = startInit(scene, asked);
    for (const [question, answer] of [
      ['Policy file', ''],
      ['Name of the trust', 'Acme production'],
      ['Issuer of its tokens', 'https://breakglass.acme.example'],
      ['Custodians', `${keys.ctrlU}alice bob carol`],
      ['How many of the 3 make a quorum', ''],
      ['Directories of the media', 'a b'],
    ] as const) {
      await session.shows(question);
      session.type(`${answer}${keys.enter}`);
    }
    const alice = await seeCard(session, 'alice');
    await session.shows('alice, read your card back');
    // The card is off the screen while it is read back.
    expect(wordsOnScreen(session.screen).length).toBeLessThan(2);
    await readBack(session, 'alice', alice);
    const bob = await seeCard(session, 'bob');
    expect(session.screen).not.toContain('alice');
    await readBack(session, 'bob', bob);
    // carol gets a file; a bare Enter leaves it without a passphrase.
    await session.shows('New passphrase for the share of carol');
    session.type(keys.enter);
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });

    expect(session.screen).toContain('fingerprint');
    expect(session.screen).not.toContain(`17 ${bob[16]}`);
    expect(readdirSync(scene.path('cards'))).toEqual(['carol.share']);
    expect(recordsOn(scene, 'a')).toMatchObject([{ type: 'genesis', m: 2, n: 3, readBack: ['alice', 'bob', 'carol'] }]);
    expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
    const carol = formatShareWords(parseShare(readFileSync(scene.path('cards/carol.share'))));
    expect(carol).toHaveLength(17);
  });

  test('a wrong word in the reading back is refused by its place, the card can be seen again, and the dealing goes on', async () => {
    const scene = fresh();
    const session = startInit(scene, complete);
    const alice = await seeCard(session, 'alice');
    const wrong = alice.with(3, alice[3] === 'zoo' ? 'zone' : 'zoo');
    await readBack(session, 'alice', wrong);
    await session.shows('17 words that do not fit together.');
    session.type(keys.enter);
    await session.shows('Show the card once more?');
    expect(session.screen).toContain('word 4 of the share is wrong');
    session.type('y');
    await session.shows('Press Enter when they stand there.');
    expect(wordsOnScreen(session.screen)).toEqual(alice);
    session.type(keys.enter);
    await session.shows('Refused: ');
    await readBack(session, 'alice', alice);
    await readBack(session, 'bob', await seeCard(session, 'bob'));
    await session.shows('New passphrase for the share of carol');
    session.type(keys.enter);
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });
  });

  test("another custodian's card does not read back as this one", async () => {
    const scene = fresh();
    const session = startInit(scene, complete);
    const alice = await seeCard(session, 'alice');
    await readBack(session, 'alice', alice);
    await seeCard(session, 'bob');
    await readBack(session, 'bob', alice);
    await session.shows('reads back as another card');
    session.type(keys.ctrlC);
    expect(await session.ended()).toEqual({ status: 130, signal: 0 });
    nothingLeft(scene);
  });
});

describe('Ctrl-C and Ctrl-D leave nothing half-made, and the next init runs afresh', () => {
  const moments: readonly [what: string, key: string, reach: (session: PtySession) => Promise<unknown>][] = [
    ['at the call to the screen', keys.ctrlC, (session) => session.shows('comes to the screen')],
    [
      'at a card',
      keys.ctrlD,
      async (session) => {
        await session.shows('comes to the screen');
        session.type(keys.enter);
        await session.shows('Press Enter when they stand there.');
      },
    ],
    [
      'in the reading back',
      keys.ctrlC,
      async (session) => {
        const words = await seeCard(session, 'alice');
        await session.shows('read your card back');
        session.type(words.slice(0, 5).join(' '));
      },
    ],
    [
      'at the passphrase of a share file, after two cards',
      keys.ctrlD,
      async (session) => {
        await readBack(session, 'alice', await seeCard(session, 'alice'));
        await readBack(session, 'bob', await seeCard(session, 'bob'));
        await session.shows('New passphrase for the share of carol');
      },
    ],
  ];
  test.each(moments)('%s', async (_what, key, reach) => {
    const scene = fresh();
    const session = startInit(scene, complete);
    await reach(session);
    session.type(key);
    expect(await session.ended()).toEqual({ status: 130, signal: 0 });
    expect(session.screen).toMatch(/no trust was made.*void/s);
    nothingLeft(scene);
    const again = await scene.run([...initFlags, '--json']);
    expect(again).toMatchObject({ status: 0 });
  });

  test.each([
    ['Policy file', []],
    ['Name of the trust', ['Policy file']],
    ['Issuer of its tokens', ['Policy file', 'Name of the trust']],
  ])('at the question: %s', async (question, before) => {
    for (const key of [keys.ctrlC, keys.ctrlD]) {
      const scene = fresh();
      const session = startInit(scene, asked);
      for (const earlier of before) {
        await session.shows(earlier);
        session.type(earlier === 'Policy file' ? keys.enter : `Acme${keys.enter}`);
      }
      await session.shows(question);
      session.type(key);
      expect(await session.ended()).toEqual({ status: 130, signal: 0 });
      nothingLeft(scene);
    }
  });
});
