// P1 under sudden ends: SIGKILL at random moments, SIGINT and SIGTERM while shares are given, two mints at once.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { heldMint } from './held-mint.js';
import { law } from './law.js';
import { afterMilliseconds, afterWriting } from './moments.js';
import { generator, seed } from './random.js';
import {
  commandLine,
  initArguments,
  keepWords,
  newWorld,
  openWorld,
  recordsIn,
  requestArguments,
  run,
  sha256,
  start,
  tokensIn,
  tokensInFile,
} from './world.js';

const moments = 40;

law(
  `kill -9 at ${moments} random moments (seed ${seed}): never a token without its record on both media, and the next mint mends`,
  async () => {
    const random = generator(seed);
    const whole = await timeOf((world) => world.mintArguments(1));
    const counts = { before: 0, recorded: 0, out: 0, mended: 0 };
    for (let moment = 0; moment < moments; moment++) {
      // Every second one by the clock, the others as soon as something was written: that part is short.
      const along = (moment + random()) / moments;
      const stop =
        moment % 4 < 2 ? afterMilliseconds(along * 1.1 * whole) : afterWriting(mintWritings, random(), random() * 2);
      const out = moment % 2 === 0 ? 'token' : undefined;
      const { tokens, recorded, mended } = await killedAt(stop, out);
      counts[tokens > 0 ? 'out' : recorded ? 'recorded' : 'before']++;
      if (mended) counts.mended++;
    }
    return `over ${Math.round(whole)} ms: ${counts.before} before the record, ${counts.recorded} with a record and no token, ${counts.out} with both; ${counts.mended} mended`;
  },
);

/** What a mint writes, in this order. */
const mintWritings = (world) => {
  const seq = String(world.nextSeq()).padStart(8, '0');
  const inState = (name) => join(world.dir, 'state', name);
  return [
    () => existsSync(join(world.trailFolder('a'), `${seq}.JWS`)),
    () => existsSync(join(world.trailFolder('b'), `${seq}.JWS`)),
    () => existsSync(inState(`trail/${seq}.JWS`)),
    () =>
      readdirSync(world.trailFolder('b')).some((name) => name === `C${String(Number(seq) + 1).padStart(7, '0')}.TXT`),
    () => existsSync(join(world.dir, 'inc-1.kill.jws')),
  ];
};

async function killedAt(stop, out) {
  const world = await newWorld();
  const before = world.issuedOn('a').size;
  const child = start(world.dir, commandLine(...world.mintArguments(1, { out })));
  await stop(world, child);
  child.process.kill('SIGKILL');
  const ended = await child.ended;
  const tokens = [...tokensIn(ended.stdout), ...(out ? tokensInFile(join(world.dir, out)) : [])];
  assertRecorded(world, tokens);
  const recorded = ['a', 'b'].some((medium) => world.issuedOn(medium).size > before);
  const { product } = await world.mintsAndAudits(2);
  world.close();
  return { tokens: tokens.length, recorded, mended: product.mended.length > 0 };
}

function assertRecorded(world, tokens) {
  for (const token of tokens)
    for (const medium of ['a', 'b'])
      assert.ok(world.issuedOn(medium).has(sha256(token)), `a token is out and not on the record of ${medium}`);
}

async function timeOf(argumentsOf) {
  const world = await newWorld();
  const startedAt = performance.now();
  const { status, stderr } = await world.breakglass(...argumentsOf(world));
  assert.equal(status, 0, stderr);
  world.close();
  return performance.now() - startedAt;
}

const initMoments = 16;

law(
  `kill -9 of init at ${initMoments} random moments (seed ${seed}): the same init then ends well, and its trust mints and audits`,
  async () => {
    const random = generator(seed + 1);
    const whole = await timeOf(() => initArguments('timed', 'new'));
    const counts = { begun: 0, finished: 0, done: 0 };
    for (let moment = 0; moment < initMoments; moment++) {
      const world = await newWorld();
      const child = start(world.dir, commandLine(...initArguments('killed', 'new')));
      await sleep(((moment + random()) / initMoments) * whole * 1.05);
      child.process.kill('SIGKILL');
      const first = await child.ended;
      if (first.status === 0) counts.done++;
      else counts[await initAgain(world)]++;
      await mintsWithNewTrust(world);
      world.close();
    }
    return `over ${Math.round(whole)} ms: ${counts.begun} begun afresh, ${counts.finished} finished, ${counts.done} were done before`;
  },
);

async function initAgain(world) {
  const again = await world.breakglass(...initArguments('killed', 'new'));
  if (again.status === 0) return /Finishing it/.test(again.stderr) ? 'finished' : 'begun';
  // Killed after the last byte was written and before it could say so.
  assert.match(again.stdout, /"code":"EXISTS"/, again.stdout);
  return 'done';
}

async function mintsWithNewTrust(world) {
  const inside = join(world.dir, 'new');
  const request = await run(inside, commandLine(...requestArguments(1)));
  assert.equal(request.status, 0, request.stderr);
  keepWords(inside, request.stdout);
  await openWorld(inside).mintsAndAudits(1);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'])
  law(
    `${signal} while the second share is awaited: no token, no lock left behind, the abort on the record where it can be, and the next mint succeeds`,
    async () => {
      const world = await newWorld();
      const seq = world.nextSeq();
      const held = await heldMint(world, 1, { out: 'token' });
      held.process.kill(signal);
      const ended = await held.ended;
      const killed = signal === 'SIGKILL';
      assert.deepEqual([ended.status, ended.signal], killed ? [null, signal] : [130, null]);
      assert.deepEqual(tokensIn(ended.stdout), []);
      assert.ok(!existsSync(join(world.dir, 'token')));
      assert.equal(world.nextSeq() - seq, killed ? 0 : 1, 'the record of the attempt');
      await world.mintsAndAudits(2);
      assert.deepEqual(readdirSync(join(world.dir, 'state/lock')), []);
      world.close();
      return `ended by ${ended.signal ?? `status ${ended.status}`}`;
    },
  );

law('a second mint while one runs is refused and names its process; the first one is not disturbed', async () => {
  const world = await newWorld();
  const held = await heldMint(world, 1);
  const second = await world.mint(2);
  assert.equal(second.status, 2);
  assert.match(second.stderr, new RegExp(`in use by process ${held.process.pid}\\b`));
  assert.deepEqual(tokensIn(second.stdout), []);
  held.giveShare();
  const first = await held.ended;
  assert.equal(first.status, 0, first.stderr);
  assertRecorded(world, tokensIn(first.stdout));
  await world.mintsAndAudits(2);
  world.close();
  return second.stderr.split('\n')[0];
});

law(
  'eight mints at once with three requests: each that ends well has a record of its own, no request counts twice, and the trail is intact',
  async () => {
    const world = await newWorld();
    const before = world.nextSeq();
    const runs = await Promise.all(Array.from({ length: 8 }, (_, at) => world.mint((at % 3) + 1)));
    const good = runs.filter(({ status }) => status === 0);
    assert.ok(good.length >= 1 && good.length <= 3, `${good.length} of 3 requests were minted`);
    for (const { status, stdout, stderr } of runs) {
      assertRecorded(world, tokensIn(stdout));
      assert.equal(tokensIn(stdout).length, status === 0 ? 1 : 0);
      if (status !== 0) assert.match(stderr, /in use by process \d+|held for this request before/);
    }
    const issued = recordsIn(world.trailFolder('a')).filter(({ type, seq }) => type === 'mint.issued' && seq >= before);
    assert.equal(issued.length, good.length);
    assert.equal(new Set(issued.map(({ request }) => request.id)).size, good.length);
    await world.mintsAndAudits(4);
    world.close();
    return `${good.length} minted, ${runs.length - good.length} refused`;
  },
);
