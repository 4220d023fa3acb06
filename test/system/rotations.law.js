// A rotation that is killed at any moment, or whose disks fail: the old cards work or the new ones do, no record and no denial is lost, and the same
// command ends it well.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from './fault-points.js';
import { law } from './law.js';
import { afterMilliseconds, afterWriting } from './moments.js';
import { generator, seed } from './random.js';
import { freshClock, rotationArguments } from './rotation.js';
import { trace } from './syscalls.js';
import { commandLine, newWorld, recordsIn, start } from './world.js';

const moments = 50;

for (const kind of ['keys', 'shares', 'seed'])
  law(
    `kill -9 of rotate ${kind} at ${moments} random moments (seed ${seed}): old or new cards mint, nothing is lost, and the same command ends it`,
    async () => {
      const random = generator(seed + kind.length);
      const whole = await timeOf(kind);
      const counts = { undone: 0, finished: 0, done: 0 };
      for (let moment = 0; moment < moments; moment++) {
        // Every second one by the clock, the others as soon as something was written: that part is short.
        const along = (moment + random()) / moments;
        const stop =
          moment % 2 === 0 ? afterMilliseconds(along * 1.1 * whole) : afterWriting(writings, random(), random() * 3);
        counts[await killedAt(stop, kind)]++;
      }
      return `over ${Math.round(whole)} ms: ${counts.undone} undone, ${counts.finished} finished by the next run, ${counts.done} were done before`;
    },
  );

const faulty = await faultPoints();
for (const { name, when, target } of faulty)
  law(
    `${name} of ${target} fails with EIO in rotate shares (call ${when}): old or new cards mint, nothing is lost, and the same command ends it`,
    () => interrupted('shares', (world, rotation) => traceRotation(world, rotation, `${name}:error=EIO:when=${when}`)),
  );

/** Every flush and every renaming of a rotation, after the last share was read. */
async function faultPoints() {
  const world = await newWorld();
  const seen = await traceRotation(world, await rotationArguments(world, 'shares'));
  assert.equal(seen.status, 0, seen.stderr);
  const counts = new Map();
  const all = seen.calls.map(({ name, path }) => {
    const when = (counts.get(name) ?? 0) + 1;
    counts.set(name, when);
    return { name, when, target: describe(world.dir, path, seen.files) };
  });
  world.close();
  // Of many alike the first three stand for all: the keys in PEM of one folder, and the flushes of a folder after each file.
  const kindOf = ({ name, target }) => `${name} ${target.replace(/[^/]*\.PEM$/, 'PEM')}`;
  const points = all.filter((point, at) => {
    const alike = all.slice(0, at).filter((other) => kindOf(other) === kindOf(point)).length;
    return alike < 3;
  });
  assert.ok(points.length > 20, `only ${points.length} points were found`);
  return points;
}

function traceRotation(world, rotation, inject = undefined) {
  return trace(world.dir, commandLine(...rotation), { trace: 'fsync,rename,renameat,renameat2', inject });
}

function killedAt(stop, kind) {
  return interrupted(kind, async (world, rotation) => {
    const child = start(world.dir, commandLine(...rotation));
    await stop(world, child);
    child.process.kill('SIGKILL');
    return child.ended;
  });
}

/** A rotation that `interrupt` disturbs, and what must hold whatever it did. */
async function interrupted(kind, interrupt) {
  const world = await newWorld();
  const rotation = await rotationArguments(world, kind);
  const before = snapshot(world);
  const first = await interrupt(world, rotation);
  assert.notEqual(first.status, 70, first.stderr);
  const wasDecided = existsSync(join(world.dir, 'state/decided.json'));

  // Production may be down now: a mint comes first, whatever the rotation was doing.
  const cards = await mintWithSomeCards(world, 1);
  assertKept(world, before);

  const again = await world.breakglass(...freshClock(rotation));
  const changed = activeSet(world) !== before.setId || versionOf(world) > before.version;
  assert.ok(changed, `the same command did not end it\n${again.stdout}${again.stderr}`);
  if (again.status !== 0) assert.match(again.stdout, /REQUEST_REUSED|SHARE_RETIRED_SET/, again.stdout + again.stderr);
  assert.ok(!existsSync(join(world.dir, 'state/decided.json')));
  assert.ok(!existsSync(join(world.dir, 'state/dealing.json')));
  assert.equal(await mintWithSomeCards(world, 2), kind === 'keys' ? 'old' : 'new');
  assertKept(world, before);
  await publishAsTold(world, first);
  assertVerifiersFollow(world);
  world.close();
  if (first.status === 0) return 'done';
  return wasDecided || cards === 'new' || again.status !== 0 ? 'finished' : 'undone';
}

/** Where publishing itself failed, people were told what to run. */
async function publishAsTold(world, { status, stderr }) {
  const [, told] = /Then run: breakglass (trust publish .*)/.exec(stderr) ?? [];
  if (told === undefined) return;
  assert.equal(status, 6, stderr);
  const published = await world.breakglass(...told.split(' '));
  assert.equal(published.status, 0, published.stdout + published.stderr);
}

/** What a rotation writes, in this order. */
const writings = (world) => {
  const [a, b] = ['a', 'b'].map((medium) => world.trailFolder(medium));
  const state = join(world.dir, 'state');
  const done = join(world.dir, 'out/trust.jws');
  const published = statSync(done).mtimeMs;
  return [
    () => existsSync(join(state, 'dealing.json')),
    () => readdirSync(join(world.dir, 'new-cards')).length > 1,
    () => existsSync(join(state, 'decided.json')),
    () => existsSync(join(a, 'T0000002.TXT')),
    () => existsSync(join(b, 'T0000002.TXT')),
    () => existsSync(join(state, 'trail/T0000002.TXT')),
    () => existsSync(join(state, 'trust/T0000002.TXT')),
    () => statSync(done).mtimeMs !== published,
  ];
};

async function timeOf(kind) {
  const world = await newWorld();
  const rotation = await rotationArguments(world, kind);
  const startedAt = performance.now();
  const { status, stdout, stderr } = await world.breakglass(...rotation);
  assert.equal(status, 0, stdout + stderr);
  world.close();
  return performance.now() - startedAt;
}

/** Mints with the old cards, or else with those of the set in force; the trail is intact after it. */
async function mintWithSomeCards(world, number) {
  const old = await world.mint(number, { json: true, extra: ['--allow-fixed'], trust: null });
  if (old.status === 0) return intact(world, old, 'old');
  assert.match(old.stdout, /SHARE_RETIRED_SET/, old.stdout + old.stderr);
  const shares = ['alice', 'bob'].map((label) => `new-cards/${label}.${activeSet(world)}.share`);
  const fresh = await world.mint(number, { json: true, extra: ['--allow-fixed'], trust: null, shares });
  assert.equal(fresh.status, 0, `neither the old nor the new cards work\n${fresh.stdout}${fresh.stderr}`);
  return intact(world, fresh, 'new');
}

async function intact(world, minted, cards) {
  const head = JSON.parse(minted.stdout).headCode.words.join(' ');
  const audit = await world.breakglass('audit-check', 'a', 'b', '--trust', first(world), '--head', head, '--json');
  assert.equal(audit.status, 0, audit.stdout);
  return cards;
}

const first = () => 'state/trust/T0000001.TXT';

function snapshot(world) {
  return {
    setId: activeSet(world),
    version: versionOf(world),
    records: recordsIn(world.trailFolder('a')).length,
    lines: linesOf(world, 'state').concat(linesOf(world, 'out')),
  };
}

function assertKept(world, before) {
  for (const medium of ['a', 'b'])
    assert.ok(recordsIn(world.trailFolder(medium)).length > before.records, `records are missing on ${medium}`);
  for (const place of ['state', 'out']) {
    const lines = linesOf(world, place);
    for (const line of before.lines) assert.ok(lines.includes(line), `${place} has lost a statement`);
  }
}

/** What is published goes together: the trust file of this machine, and the denials that it knows. */
function assertVerifiersFollow(world) {
  const published = readFileSync(join(world.dir, 'out/trust.jws'), 'utf8');
  assert.equal(published, readFileSync(join(world.dir, 'state/trust', newestTrust(world)), 'utf8'));
  const lines = linesOf(world, 'out');
  for (const line of linesOf(world, 'state')) assert.ok(lines.includes(line), 'a statement is not published');
}

function linesOf(world, place) {
  return readFileSync(join(world.dir, place, 'revocations.jws'), 'utf8')
    .split('\n')
    .filter(Boolean);
}

function newestTrust(world) {
  const names = readdirSync(join(world.dir, 'state/trust')).filter((name) => /^T\d{7}\.TXT$/.test(name));
  return names.sort().at(-1);
}

function trustOf(world) {
  const [, payload] = readFileSync(join(world.dir, 'state/trust', newestTrust(world)), 'utf8').split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}

function activeSet(world) {
  return trustOf(world).sets.find(({ status }) => status === 'active').setId;
}

function versionOf(world) {
  return trustOf(world).version;
}
