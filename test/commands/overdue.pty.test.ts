import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseShare } from '../../src/share/card.ts';
import { formatShareWords } from '../../src/share/words-form.ts';
import { keys, type PtySession, startPty } from '../terminal/pty.ts';
import { environment } from './program.ts';
import {
  goodShares,
  makeTrust,
  mintToken,
  nextSecond,
  openScenes,
  policy,
  recordsOn,
  type Scene,
  writeRequest,
} from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
/** Record 1 issued a token for inc-1, whose review is overdue at once and costs a share. */
let scene: Scene;
beforeAll(async () => {
  scenes = await openScenes();
  scene = scenes.fresh();
  writeFileSync(scene.path('policy.toml'), policy.replace('within = "72h"', 'within = "0s", overdue = "extra-share"'));
  await makeTrust(scene);
  await mintToken(scene);
  await nextSecond();
});
afterAll(() => scenes.remove());

/** Three shares are in, and the fourth is asked for. */
async function threeGiven(copy: Scene): Promise<PtySession> {
  const { file } = await writeRequest(copy, ['--incident', 'inc-2']);
  const places = ['--state', 'state', '--medium', 'a', '--medium', 'b', '--allow-fixed', '--out', 'token'];
  const session = startPty(
    join(copy.program.bin, 'breakglass'),
    ['mint', ...places, '--request', file, ...goodShares.flatMap((share) => ['--share', share])],
    { cwd: copy.dir, env: environment(copy.program, copy.dir) },
  );
  await session.shows('First three words of the head code');
  session.type(keys.enter);
  await session.shows('Does a watch say the same');
  session.type('y');
  await session.shows('OVERDUE: inc-1; one more share, or it goes on the record');
  await session.shows('Does the responder read out these words');
  session.type('y');
  await session.shows('Do you all confirm that nobody else can come?');
  return session;
}

function issued(copy: Scene) {
  return recordsOn(copy, 'a').filter(({ type }) => type === 'mint.issued')[1];
}

test('where all confirm that nobody else can come, the mint goes on and the record says so', async () => {
  const copy = scene.copy();
  const session = await threeGiven(copy);
  session.type('y');
  expect(await session.ended()).toEqual({ status: 0, signal: 0 });
  expect(issued(copy)).toMatchObject({
    custodians: [{ label: 'alice' }, { label: 'bob' }, { label: 'carol' }],
    anomalies: expect.arrayContaining([
      expect.objectContaining({ code: 'REVIEW_OVERDUE', confirmedBy: ['alice', 'bob', 'carol'] }),
    ]),
  });
});

test('a fourth custodian who comes is asked for the card, and nothing goes on the record; a wrong card asks anew', async () => {
  const copy = scene.copy();
  const session = await threeGiven(copy);
  const typeCard = (label: string) =>
    session.type(`${formatShareWords(parseShare(readFileSync(copy.path('cards', `${label}.share`)))).join(' ')} `);
  session.type('n');
  await session.shows('1 more needed, of erin, frank');
  typeCard('alice');
  await session.shows('the share of alice was given before');
  await session.shows('Do you all confirm that nobody else can come?');
  session.type('n');
  await session.shows('1 more needed, of erin, frank');
  typeCard('erin');
  expect(await session.ended()).toEqual({ status: 0, signal: 0 });
  const record = issued(copy);
  expect(record).toMatchObject({ custodians: [{}, {}, {}, { label: 'erin' }] });
  expect(JSON.stringify(record)).not.toContain('REVIEW_OVERDUE');
});
