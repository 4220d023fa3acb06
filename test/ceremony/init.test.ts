import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BreakglassError } from '../../src/base/errors.ts';
import type { Dealer } from '../../src/ceremony/dealer.ts';
import { sandboxDealer } from '../../src/ceremony/drill-people.ts';
import { init } from '../../src/ceremony/init.ts';
import { type InitJournal, readInitJournal, writeInitJournal } from '../../src/ceremony/init-journal.ts';
import type { InitPlan } from '../../src/ceremony/init-plan.ts';
import { openState } from '../../src/machine/state.ts';
import { custodians, emptyScene, initPorts, mintIn, planFor, recordsOn, type Scene, scratch } from './fixture.ts';

const { dir, remove } = scratch('init');
afterAll(remove);

/** Deals as in a drill, and throws `error` before the card of `position`, or in `begin` for -1. */
function breaking(position: number, error: unknown, cards = new Map<string, Uint8Array>()) {
  const dealer = sandboxDealer(cards);
  const seen = { undone: 0, dealt: [] as string[] };
  const broken: Dealer = {
    ...dealer,
    begin: async () => {
      if (position === -1) throw error;
    },
    deal: async (card, trust) => {
      if (seen.dealt.length === position) throw error;
      seen.dealt.push(card.custodian);
      return dealer.deal(card, trust);
    },
    undo: () => {
      seen.undone += 1;
      dealer.undo();
    },
  };
  return { dealer: broken, seen, cards };
}

const aborted = new BreakglassError('ABORTED', 'somebody pressed Ctrl-C', { hint: 'nothing happened' });

/** Nobody may be dealt anything. */
const noDealer: Dealer = {
  shareFiles: [],
  begin: () => Promise.reject(new Error('begun')),
  deal: () => Promise.reject(new Error('dealt')),
  undo: () => {},
};

function expectUntouched(scene: Scene): void {
  expect(readdirSync(scene.stateDir)).toEqual([]);
  expect([...scene.media.flatMap((path) => readdirSync(path)), existsSync(scene.outDir)]).toEqual([false]);
}

const fresh = () => emptyScene(dir, new Map());
const run = (scene: Scene, dealer: Dealer, change: Partial<InitPlan> = {}, notes: string[] = []) =>
  init(
    planFor(scene, change),
    initPorts(dealer, (text) => notes.push(text)),
  );

describe('an init that ends before its trust exists leaves nothing half-made:', () => {
  test.each([
    ['before the first card', -1],
    ['at the first card', 0],
    ['at the third card', 2],
    ['at the last card', custodians.length - 1],
  ])('aborted %s', async (_, position) => {
    const scene = fresh();
    const { dealer, seen, cards } = breaking(position, aborted);
    const notes: string[] = [];
    await expect(run(scene, dealer, {}, notes)).rejects.toBe(aborted);
    expect([seen.undone, cards.size]).toEqual([1, 0]);
    expect(notes.join()).toMatch(/no trust was made.*void/);
    expectUntouched(scene);
  });

  test('by a bug, which is told as the bug that it is', async () => {
    const scene = fresh();
    const bug = new TypeError('undefined is not a function');
    await expect(run(scene, breaking(1, bug).dealer)).rejects.toBe(bug);
    expectUntouched(scene);
  });

  test('and takes nothing of what others keep in the same directory', async () => {
    const scene = fresh();
    for (const name of ['pinned.jws', 'notes.txt', '.bashrc']) writeFileSync(join(scene.stateDir, name), 'mine');
    await expect(run(scene, breaking(0, aborted).dealer)).rejects.toBe(aborted);
    expect(readdirSync(scene.stateDir).sort()).toEqual(['.bashrc', 'notes.txt', 'pinned.jws']);
  });

  test('and can be held again', async () => {
    const scene = fresh();
    await expect(run(scene, breaking(3, aborted).dealer)).rejects.toBe(aborted);
    const { head, run: which } = await run(scene, sandboxDealer(new Map()));
    expect([head.seq, which]).toEqual([0, 'first']);
  });
});

describe('an init whose plan is wrong draws no key and writes nothing:', () => {
  const plans: readonly [what: string, change: Partial<InitPlan>, names: readonly string[]][] = [
    ['a threshold of 1', { threshold: 1 }, ['threshold']],
    ['a threshold of 17', { threshold: 17 }, ['threshold', 'threshold']],
    ['a threshold over the custodians', { threshold: 6 }, ['threshold']],
    ['a stranger', { custodians: ['alice', 'bob', 'mallory'] }, ['custodian-unknown']],
    ['somebody called constructor', { custodians: ['alice', 'bob', 'constructor'] }, ['custodian-unknown']],
    ['a custodian twice', { custodians: ['alice', 'bob', 'bob'] }, ['people']],
    ['one medium', { media: planFor(emptyScene(dir)).media.slice(1) }, ['copies']],
    [
      'all of it at once',
      { threshold: 1, custodians: ['mallory', 'mallory'], media: [] },
      ['custodian-unknown', 'custodian-unknown', 'threshold', 'people', 'copies'],
    ],
  ];
  test.each(plans)('%s', async (_, change, names) => {
    const scene = fresh();
    const error = await run(scene, noDealer, change).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'POLICY_INVALID' });
    expect((error as BreakglassError).details.map(({ name }) => name)).toEqual(names);
    expectUntouched(scene);
  });

  test.each(['trust', 'trail', 'recorder.key'])(
    'a state directory that holds %s already, which stays',
    async (name) => {
      const scene = fresh();
      writeFileSync(join(scene.stateDir, name), 'mine');
      await expect(run(scene, noDealer)).rejects.toMatchObject({ code: 'EXISTS' });
      expect(readFileSync(join(scene.stateDir, name), 'utf8')).toBe('mine');
    },
  );
});

describe('an init that was killed', () => {
  const journal = (scene: Scene, change: Partial<InitJournal> = {}): InitJournal => ({
    v: 1,
    phase: 'dealing',
    startedAt: '2026-01-31T11:00:00Z',
    setId: 'abcde',
    outDir: scene.outDir,
    shareFiles: [],
    media: [],
    ...change,
  });

  test('while it dealt is cleared away, share files too, told, and held afresh', async () => {
    const scene = fresh();
    const card = join(scene.dir, 'alice.share');
    writeFileSync(card, 'bg1…');
    writeFileSync(join(scene.stateDir, 'recorder.key'), 'half');
    writeFileSync(join(scene.stateDir, 'high-water.json.0123456789ab.tmp'), 'half');
    writeInitJournal(scene.stateDir, journal(scene, { shareFiles: [card] }));
    const notes: string[] = [];
    const { trust } = await run(scene, sandboxDealer(new Map()), {}, notes);
    expect(notes[0]).toMatch(/2026-01-31T11:00:00Z was interrupted while it dealt set abcde.*destroy its cards/);
    expect([existsSync(card), readInitJournal(scene.stateDir)]).toEqual([false, undefined]);
    expect(openState(scene.stateDir).trust.id).toBe(trust.id);
    expect(readdirSync(scene.stateDir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('while it wrote is finished by the next one, which deals nothing and makes the same trust', async () => {
    const cards = new Map<string, Uint8Array>();
    const scene = emptyScene(dir, cards);
    const [stick = '', away = join(scene.dir, 'away')] = [scene.media[1]];
    renameSync(stick, away);
    await expect(run(scene, sandboxDealer(cards))).rejects.toMatchObject({ code: 'MEDIUM_NOT_FOUND' });
    expect(readInitJournal(scene.stateDir)?.phase).toBe('writing');
    expect(existsSync(scene.outDir)).toBe(false);
    const before = openState(scene.stateDir).trust.id;
    renameSync(away, stick);
    const { trust, run: which } = await run(scene, noDealer);
    expect([trust.id, which]).toEqual([before, 'again']);
    expect(scene.media.map((medium) => recordsOn(medium).map(({ type }) => type))).toEqual([['genesis'], ['genesis']]);
    expect(readdirSync(scene.outDir).sort()).toEqual(['jwks-es256.json', 'revocations.jws', 'trust.jws']);
    expect((await mintIn(scene)).error).toBeUndefined();
  });

  test('with a journal that cannot be read refuses rather than guess', async () => {
    const scene = fresh();
    writeFileSync(join(scene.stateDir, 'init.json'), '{"v":1}\n');
    await expect(run(scene, noDealer)).rejects.toMatchObject({ code: 'FORMAT' });
    expect(readdirSync(scene.stateDir)).toEqual(['init.json']);
  });
});

describe('genesis', () => {
  test('says what was read back and what was recombined, and is the same on every medium', async () => {
    const cards = new Map<string, Uint8Array>();
    const scene = emptyScene(dir, cards);
    const dealer = sandboxDealer(cards);
    const deal: Dealer['deal'] = async (card, trust) => {
      await dealer.deal(card, trust);
      return card.custodian === 'bob' ? 'not-read-back' : 'read-back';
    };
    const { head, trust } = await run(scene, { ...dealer, deal }, { strength: 256, alg: 'Ed25519' });
    const [a, b] = scene.media.map(recordsOn);
    expect(a).toEqual(b);
    expect(a).toMatchObject([
      {
        type: 'genesis',
        seq: 0,
        prev: null,
        trail: trust.id,
        readBack: ['alice', 'carol', 'erin', 'frank'],
        combinations: 10,
        m: 3,
        n: 5,
        strength: 256,
        trust: { version: 1, sha256: trust.id },
      },
    ]);
    expect(openState(scene.stateDir).highWater).toEqual(head);
    expect(cards.get('alice')).toHaveLength(73);
    rmSync(scene.dir, { recursive: true });
  });
});
