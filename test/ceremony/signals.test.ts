import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Change } from '../../src/ceremony/change-plan.ts';
import { sandboxDealer } from '../../src/ceremony/drill-people.ts';
import { init } from '../../src/ceremony/init.ts';
import type { Signals } from '../../src/terminal/signals.ts';
import {
  changeIn,
  copyOf,
  custodians,
  emptyScene,
  initialized,
  initPorts,
  mintIn,
  planFor,
  recordsOn,
  type Scene,
  scratch,
} from './fixture.ts';

const { dir, remove } = scratch('signals');
let origin: Scene;
beforeAll(async () => {
  origin = await initialized(dir);
});
afterAll(remove);

/** SIGTERM is there when it is asked for the `nth` time, and from then on. */
function atAsking(nth: number): Signals & { readonly asked: number } {
  let asked = 0;
  return {
    get asked() {
      return asked;
    },
    arrived: async () => (++asked >= nth ? 'SIGTERM' : undefined),
  };
}

/** How often a run that nothing stops asks; none of them is the last word. */
async function askings(run: (signals: Signals) => Promise<{ readonly error: unknown }>): Promise<number> {
  const never = atAsking(Number.POSITIVE_INFINITY);
  expect((await run(never)).error).toBeUndefined();
  return never.asked;
}

const stopped = { code: 'ABORTED', message: 'stopped by SIGTERM' };
const last = (scene: Scene) => scene.media.map((medium) => recordsOn(medium).at(-1));

describe('a mint that a signal meets', () => {
  test('at any asking but the last issues nothing, is on the record, and the next one issues', async () => {
    const count = await askings((signals) => mintIn(copyOf(origin), { signals }));
    const stages: unknown[] = [];
    for (let nth = 1; nth < count; nth++) {
      const scene = copyOf(origin);
      const { error, tokens } = await mintIn(scene, { signals: atAsking(nth) });
      expect(error).toMatchObject({
        ...stopped,
        hint: 'No token was issued. Run the same command again to start over; this attempt is on the record.',
      });
      expect(tokens).toEqual([]);
      for (const record of last(scene)) expect(record).toMatchObject({ type: 'mint.aborted', code: 'ABORTED' });
      expect(recordsOn(scene.media[0] ?? '').map(({ type }) => type)).toEqual(['genesis', 'mint.aborted']);
      stages.push(last(scene)[0]?.['stage']);
      expect((await mintIn(scene, { minute: 2 })).tokens).toHaveLength(1);
    }
    expect(stages).toEqual(['policy', 'media', 'shares', 'record']);
  });

  test('once its record is being written is not stopped any more, and says so', async () => {
    const scene = copyOf(origin);
    const record = (medium: string) => recordsOn(medium).some(({ type }) => type === 'mint.issued');
    const signals: Signals = { arrived: async () => (scene.media.some(record) ? 'SIGTERM' : undefined) };
    const { error, tokens, minted } = await mintIn(scene, { signals });
    expect(error).toBeUndefined();
    expect(tokens).toHaveLength(1);
    expect(minted?.warnings).toContainEqual({
      code: 'SIGNAL_LATE',
      message: 'SIGTERM came too late to stop it: the record was being written, and the token is out',
    });
    for (const released of last(scene)) expect(released).toMatchObject({ type: 'mint.released' });
  });
});

const deal = { threshold: 2, custodians: custodians.slice(0, 3) };
const changes: readonly (readonly [name: string, change: Change])[] = [
  ['rotate.keys', { kind: 'rotate.keys' }],
  ['rotate.shares', { kind: 'rotate.shares', deal }],
  ['rotate.seed', { kind: 'rotate.seed', deal, strength: 128 }],
];

describe.each(changes)('%s that a signal meets', (_name, change) => {
  test('at any asking but the last changes nothing, is on the record, and can be done again', async () => {
    const count = await askings((signals) => changeIn(copyOf(origin), change, { signals }));
    expect(count).toBe('deal' in change ? 8 : 5);
    for (let nth = 1; nth < count; nth++) {
      const scene = copyOf(origin);
      const { error } = await changeIn(scene, change, { signals: atAsking(nth) });
      expect(error).toMatchObject({ ...stopped, hint: expect.stringMatching(/^Nothing was changed\./) });
      for (const record of last(scene)) expect(record).toMatchObject({ type: 'mint.aborted', code: 'ABORTED' });
      for (const name of ['dealing.json', 'decided.json']) expect(existsSync(join(scene.stateDir, name))).toBe(false);
      expect((await changeIn(scene, change, { minute: 12 })).error).toBeUndefined();
    }
  });

  test('once it is decided is done all the same, and says so', async () => {
    const scene = copyOf(origin);
    let decided = false;
    const signals: Signals = {
      arrived: async () => {
        decided ||= recordsOn(scene.media[0] ?? '').some(({ type }) => type === 'rotate');
        return decided ? 'SIGTERM' : undefined;
      },
    };
    const { error, changed } = await changeIn(scene, change, { signals });
    expect(error).toBeUndefined();
    expect(changed?.trust.payload.version).toBe(2);
    expect(changed?.warnings.map(({ code }) => code)).toContain('SIGNAL_LATE');
  });
});

test('an init that a signal meets at any asking but the last leaves nothing half-made', async () => {
  const run = async (scene: Scene, signals: Signals) => {
    const notes: string[] = [];
    const ports = { ...initPorts(sandboxDealer(new Map()), (text) => notes.push(text)), signals };
    const error = await init(planFor(scene), ports).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { error, notes };
  };
  const count = await askings((signals) => run(emptyScene(dir), signals));
  expect(count).toBe(custodians.length + 2);
  for (let nth = 1; nth < count; nth++) {
    const scene = emptyScene(dir);
    const { error, notes } = await run(scene, atAsking(nth));
    expect(error).toMatchObject(stopped);
    expect(notes.join()).toContain('no trust was made');
    expect([scene.stateDir, ...scene.media].flatMap((path) => readdirSync(path))).toEqual([]);
  }
  const late = await run(emptyScene(dir), atAsking(count));
  expect(late).toEqual({
    error: undefined,
    notes: ['breakglass: SIGTERM came too late to stop it: the trust is made'],
  });
});
