import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseShare } from '../../src/share/card.ts';
import { formatShareWords } from '../../src/share/words-form.ts';
import { keys, type PtySession, startPty } from '../terminal/pty.ts';
import { environment } from './program.ts';
import {
  custodians,
  mintToken,
  openScenes,
  reason,
  recordsOn,
  type Scene,
  type WrittenRequest,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

function startMint(scene: Scene, flags: readonly string[]): PtySession {
  const all = [
    'mint',
    '--state',
    'state',
    '--medium',
    'a',
    '--medium',
    'b',
    '--allow-fixed',
    '--out',
    'token',
    ...flags,
  ];
  return startPty(join(scene.program.bin, 'breakglass'), all, {
    cwd: scene.dir,
    env: environment(scene.program, scene.dir),
  });
}

const headPrompt = 'First three words of the head code';
const clockPrompt = 'Does a watch say the same';
const wordsPrompt = 'Does the responder read out these words';

interface Issued {
  readonly request: Readonly<Record<string, unknown>>;
  readonly tokens: readonly { readonly claims: { readonly breakglass: { readonly family: string } } }[];
}

async function agree(session: PtySession): Promise<void> {
  await session.shows(headPrompt);
  session.type(keys.enter);
  await session.shows(clockPrompt);
  session.type('y');
  await session.shows(wordsPrompt);
  session.type('y');
}

function cardOf(scene: Scene, label: string): string[] {
  return formatShareWords(parseShare(readFileSync(scene.path('cards', `${label}.share`))));
}

function typeCard(session: PtySession, card: readonly string[]): void {
  session.type(`${card.join(' ')} `);
}

/** Two shares are in: a third, complete and right, ends the ceremony. */
async function endsWell(session: PtySession, scene: Scene, givers: readonly string[]): Promise<void> {
  expect(await session.ended()).toEqual({ status: 0, signal: 0 });
  expect(readFileSync(scene.path('token'), 'utf8')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  const [issued] = recordsOn(scene, 'a').filter(({ type }) => type === 'mint.issued');
  expect(issued).toMatchObject({ custodians: givers.map((label) => ({ label })) });
  expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
}

describe('mint at a terminal', () => {
  test('three custodians give their shares as words, as a scan in capitals and as a file; who gave stays on the screen', async () => {
    const scene = scenes.origin.copy();
    const request = await writeRequest(scene);
    const session = startMint(scene, ['--request', request.file]);
    await agree(session);
    await session.shows('No share yet; 3 more needed, of alice, bob, carol, erin, frank.');
    expect(session.screen).toContain('PRODUCTION');
    for (const word of request.words.split(' ')) expect(session.screen).toContain(word);
    expect(session.screen).toContain(reason);

    typeCard(session, cardOf(scene, 'alice'));
    await session.shows('Shares of alice; 2 more needed, of bob, carol, erin, frank.');
    expect(session.screen).toContain('Accepted: alice.');
    session.type(`${readFileSync(scene.path('cards/erin.share'), 'utf8').trimEnd().toUpperCase()}${keys.enter}`);
    await session.shows('Shares of alice, erin; 1 more needed, of bob, carol, frank.');
    session.type(`./cards/frank.share${keys.enter}`);
    await endsWell(session, scene, ['alice', 'erin', 'frank']);
    expect(session.screen).toContain('Write the new head code on every card:');
    expect(recordsOn(scene, 'a')[1]).toMatchObject({ machine: { clock: 'people' } });
    // Nothing of a card was ever on the screen in full.
    expect(session.output.toUpperCase()).not.toContain(
      readFileSync(scene.path('cards/erin.share'), 'utf8').slice(0, 40).toUpperCase(),
    );
    expect(session.output).not.toContain(cardOf(scene, 'alice').slice(0, 2).join(' '));
  });

  test('one wrong word is found, named and corrected by one key; the shares given before stay', async () => {
    const scene = scenes.origin.copy();
    const request = await writeRequest(scene);
    const session = startMint(scene, ['--request', request.file]);
    await agree(session);
    await session.shows('No share yet');
    typeCard(session, cardOf(scene, 'alice'));
    await session.shows('Shares of alice; 2 more');
    const label = custodians.slice(1).find((name) => new Set(cardOf(scene, name)).size === 17) ?? 'bob';
    const card = cardOf(scene, label);
    const wrong = wordlist[(wordlist.indexOf(card[5] ?? '') + 700) % wordlist.length] ?? '';
    typeCard(session, card.with(5, wrong));
    await session.shows(/do not fit together|word 6 of the share is wrong/);
    if (!session.screen.includes('word 6')) session.type(keys.enter);
    await session.shows('word 6 of the share is wrong');
    await session.shows(`The card says: ${card[5]}`);
    await session.shows('Look at the card: does it say so?');
    session.type('y');
    await session.shows(`Shares of alice, ${label}; 1 more needed`);
    const last = custodians.slice(1).find((name) => name !== label) ?? '';
    typeCard(session, cardOf(scene, last));
    await endsWell(session, scene, ['alice', label, last]);
  });

  test('a refused share costs only itself: a duplicate, another word list, the responder', async () => {
    const scene = scenes.origin.copy();
    const request = await writeRequest(scene, ['--subject', 'frank']);
    const session = startMint(scene, ['--request', request.file]);
    await agree(session);
    await session.shows('No share yet; 3 more needed, of alice, bob, carol, erin.');
    typeCard(session, cardOf(scene, 'alice'));
    await session.shows('Shares of alice; 2 more');
    typeCard(session, cardOf(scene, 'alice'));
    await session.shows('Refused: the share of alice was given before.');
    session.type(`./cards/frank.share${keys.enter}`);
    await session.shows('Refused: the share of frank does not count');
    session.type(`./cards/nobody.share${keys.enter}`);
    await session.shows(/Refused: .*nobody\.share/s);
    typeCard(session, cardOf(scene, 'bob'));
    await session.shows('Shares of alice, bob; 1 more');
    typeCard(session, cardOf(scene, 'carol'));
    await endsWell(session, scene, ['alice', 'bob', 'carol']);
  });

  test('the same fields by questions, where there is no request file', async () => {
    const scene = scenes.origin.copy();
    const session = startMint(scene, [
      '--subject',
      'dana',
      '--share',
      'cards/alice.share',
      '--share',
      'cards/bob.share',
      '--share',
      'cards/carol.share',
    ]);
    await session.shows('Incident');
    session.type(`inc-7${keys.enter}`);
    await session.shows('Circumstance');
    session.type(keys.enter);
    await session.shows('Reason');
    session.type(`short${keys.enter}`);
    await session.shows('write 20 to 1,024 visible characters');
    session.type(`${keys.ctrlU}${reason}${keys.enter}`);
    await agree(session);
    await endsWell(session, scene, ['alice', 'bob', 'carol']);
    expect(recordsOn(scene, 'a')[1]).toMatchObject({ request: { incident: 'inc-7', circumstance: 'outage', reason } });
  });

  test('a renewal is asked for its reason only: the rest is as in the last issuance of its family', async () => {
    const scene = scenes.origin.copy();
    await mintToken(scene, ['--out', 'first']);
    const shares = ['alice', 'bob', 'carol'].flatMap((label) => ['--share', `cards/${label}.share`]);
    const session = startMint(scene, ['--renews', 'last', ...shares]);
    await session.shows('Reason');
    session.type(`${reason}${keys.enter}`);
    await session.shows(headPrompt);
    session.type(keys.enter);
    await session.shows(clockPrompt);
    session.type('y');
    await session.shows(wordsPrompt);
    expect(session.screen).toMatch(/renews +family [\w-]{22}, from its token 2 on/);
    session.type('y');
    expect(await session.ended()).toEqual({ status: 0, signal: 0 });
    const [first, second] = recordsOn(scene, 'a').filter(({ type }) => type === 'mint.issued') as unknown as Issued[];
    expect(second?.request).toEqual({ ...first?.request, id: second?.request['id'], createdAt: expect.any(String) });
    expect(second?.tokens[0]?.claims.breakglass).toMatchObject({
      family: first?.tokens[0]?.claims.breakglass.family,
      sequence: 2,
    });
  });

  test('a renewal of what the trail of this machine does not know is refused before any question', async () => {
    const scene = scenes.origin.copy();
    const session = startMint(scene, ['--renews', 'last']);
    expect((await session.ended()).status).toBe(4);
    expect(session.screen).toContain('the trail knows no production family');
    expect(session.output).not.toContain('Reason');
  });

  test('the head code of the last ceremony is accepted in silence', async () => {
    const scene = scenes.origin.copy();
    const { headCode } = await mintToken(scene);
    const request = await writeRequest(scene);
    const session = startMint(scene, ['--request', request.file]);
    await session.shows(headPrompt);
    session.type(`${headCode.words.slice(0, 3).join(' ')}${keys.enter}`);
    await session.shows(clockPrompt);
    session.type('y');
    await session.shows(wordsPrompt);
    expect(session.screen).not.toContain('HEAD_CODE_UNKNOWN');
    session.type(keys.ctrlC);
    expect((await session.ended()).status).toBe(130);
  });

  test('words that name no ceremony are shown to everybody as an anomaly, and recorded', async () => {
    const scene = scenes.origin.copy();
    const request = await writeRequest(scene);
    const shares = ['alice', 'bob', 'carol'].flatMap((label) => ['--share', `cards/${label}.share`]);
    const session = startMint(scene, ['--request', request.file, ...shares]);
    await session.shows(headPrompt);
    session.type(`zoo zoo zoo${keys.enter}`);
    await session.shows(clockPrompt);
    session.type('y');
    await session.shows(wordsPrompt);
    expect(session.screen).toContain('HEAD_CODE_UNKNOWN');
    session.type('y');
    await endsWell(session, scene, ['alice', 'bob', 'carol']);
    expect(JSON.stringify(recordsOn(scene, 'a')[1]?.['anomalies'])).toContain('HEAD_CODE_UNKNOWN');
  });
});

describe('whoever declines or leaves gets no token, and it is on the record', () => {
  type Reach = (session: PtySession, scene: Scene) => Promise<unknown>;
  const toHead: Reach = (session) => session.shows(headPrompt);
  const toClock: Reach = async (session, scene) => {
    await toHead(session, scene);
    session.type(keys.enter);
    await session.shows(clockPrompt);
  };
  const toWords: Reach = async (session, scene) => {
    await toClock(session, scene);
    session.type('y');
    await session.shows(wordsPrompt);
  };
  const toShare: Reach = async (session, scene) => {
    await toWords(session, scene);
    session.type('y');
    await session.shows('No share yet');
  };
  const toSecondShare: Reach = async (session, scene) => {
    await toShare(session, scene);
    typeCard(session, cardOf(scene, 'alice'));
    await session.shows('Shares of alice');
    session.type(cardOf(scene, 'bob').slice(0, 4).join(' '));
  };
  const toSlip: Reach = async (session, scene) => {
    await toShare(session, scene);
    const card = cardOf(scene, 'alice');
    typeCard(session, card.with(5, card[5] === 'zoo' ? 'zone' : 'zoo'));
    await session.shows(/do not fit together|word 6/);
    if (!session.screen.includes('word 6')) session.type(keys.enter);
    await session.shows('does it say so?');
  };

  async function leaves(request: (scene: Scene) => Promise<readonly string[]>, reach: Reach, key: string) {
    const scene = scenes.origin.copy();
    const session = startMint(scene, await request(scene));
    await reach(session, scene);
    session.type(key);
    const { status } = await session.ended();
    expect(existsSync(scene.path('token'))).toBe(false);
    expect(session.screen.replaceAll(/\s+/g, ' ')).toMatch(/[Nn]o token was issued/);
    expect(recordsOn(scene, 'a').map(({ type }) => type)).not.toContain('mint.issued');
    expect(recordsOn(scene, 'b')).toEqual(recordsOn(scene, 'a'));
    return { status, record: recordsOn(scene, 'a').at(-1) };
  }
  const byFile = async (scene: Scene) => ['--request', ((await writeRequest(scene)) as WrittenRequest).file];

  test.each<[string, Reach, string, readonly string[]]>([
    ['the head code', toHead, 'media', []],
    ['the clock', toClock, 'clock', []],
    ['the words', toWords, 'confirmation', []],
    ['the first share', toShare, 'shares', []],
    ['the middle of the second share', toSecondShare, 'shares', ['alice']],
    ['the correction of a slip', toSlip, 'shares', []],
  ])('Ctrl-C and Ctrl-D at %s', async (_what, reach, stage, givers) => {
    for (const key of [keys.ctrlC, keys.ctrlD]) {
      const { status, record } = await leaves(byFile, reach, key);
      expect(status).toBe(130);
      expect(record).toMatchObject({ type: 'mint.aborted', code: 'ABORTED', stage, custodians: givers });
    }
  });

  test.each<[string, Reach]>([
    ['the incident', (session) => session.shows('Incident')],
    [
      'the reason',
      async (session) => {
        await session.shows('Incident');
        session.type(`inc-7${keys.enter}`);
        await session.shows('Circumstance');
        session.type(keys.enter);
        await session.shows('Reason');
      },
    ],
  ])('Ctrl-C and Ctrl-D at the question for %s', async (_what, reach) => {
    for (const key of [keys.ctrlC, keys.ctrlD]) {
      const { status, record } = await leaves(async () => ['--subject', 'dana'], reach, key);
      expect(status).toBe(130);
      expect(record).toMatchObject({ type: 'mint.aborted', stage: 'request', request: null });
    }
  });

  test.each<[string, Reach, number, string]>([
    ['a clock that is not right', toClock, 7, 'CLOCK_DIFFERS'],
    ['words that are not read out', toWords, 4, 'CONFIRMATION_DIFFERS'],
  ])('no to %s', async (_what, reach, exit, code) => {
    const { status, record } = await leaves(byFile, reach, 'n');
    expect(status).toBe(exit);
    expect(record).toMatchObject({ type: 'mint.refused', codes: [code] });
  });

  test('a lost connection in the middle of a share', async () => {
    const scene = scenes.origin.copy();
    const session = startMint(scene, await byFile(scene));
    await toSecondShare(session, scene);
    session.hangUp();
    await session.ended();
    await expect.poll(() => recordsOn(scene, 'a').at(-1), { timeout: 10_000 }).toMatchObject({ type: 'mint.aborted' });
    expect(existsSync(scene.path('token'))).toBe(false);
  });
});
