// P1 under failing system calls: every call that mint makes after the quorum fails once, and once is the last thing it does.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, faultPoints, traceMint } from './fault-points.js';
import { law } from './law.js';
import { assertNoSecondFlush, durableAt, releasedAt } from './syscalls.js';
import { newWorld, recordsIn, sha256, tokensIn, tokensInFile } from './world.js';

const errors = {
  openat: ({ create }) => (create ? ['EIO', 'ENOSPC', 'EROFS'] : ['EIO']),
  write: () => ['EIO', 'ENOSPC'],
  fsync: () => ['EIO', 'ENOSPC'],
};

for (const options of [{}, { out: 'token' }]) {
  const how = options.out ? ' (--out)' : '';
  for (const point of await faultPoints(options)) {
    // The way of the token is the only difference between the two.
    if (options.out && point.target !== options.out) continue;
    const { name, when, target } = point;
    for (const error of errors[name]?.(point) ?? ['EIO'])
      law(
        `${name} of ${target} fails with ${error}${how}: a durable record or no token, and the next mint succeeds`,
        () => fails(options, point, `${name}:error=${error}:when=${when}`),
      );
    if (changesDisk(point))
      law(
        `killed at ${name} ${when} of ${target}${how}: a durable record or no token, and the next mint succeeds`,
        () => fails(options, point, `${name}:signal=KILL:when=${when}`),
      );
  }
}

// Between two of these calls the disks look the same, whenever the kill comes.
function changesDisk({ name, create }) {
  return create || name === 'write' || name === 'rename';
}

async function fails(options, point, inject) {
  const world = await newWorld();
  const recordName = `${String(world.nextSeq()).padStart(8, '0')}.JWS`;
  const seen = await traceMint(world, options, inject);
  assertHit(world, seen, point, inject);

  const out = options.out && join(world.dir, options.out);
  const tokens = [...tokensIn(seen.stdout), ...(out ? tokensInFile(out) : [])];
  const folders = ['a', 'b'].map(world.trailFolder);
  assertNoSecondFlush(seen.calls, folders);
  if (tokens.length > 0) {
    const released = releasedAt(seen.calls, { stdout: seen.files.stdout, out });
    for (const folder of folders) {
      const durable = durableAt(seen.calls, folder, recordName);
      assert.ok(durable >= 0 && durable < released, `durable at ${durable}, released at ${released}\n${seen.log}`);
    }
    for (const medium of ['a', 'b'])
      assert.ok(world.issuedOn(medium).has(sha256(tokens[0])), `the record is on ${medium}`);
  }
  if (inject.includes('error=')) assertTold(seen, tokens, out);
  const lagging = lagOf(world);
  const { product } = await world.mintsAndAudits(2);
  for (const { medium, seq } of lagging)
    assert.ok(
      product.mended.some((mended) => mended.medium === medium && mended.seq === seq),
      `record ${seq} was missing on ${medium}, and the next mint does not say that it mended it`,
    );
  world.close();
  const mended = product.mended.length > 0 ? `, ${product.mended.length} mended` : '';
  return `status ${seen.status ?? seen.signal}${mended}`;
}

/** The whole records that one medium holds and the other does not. */
function lagOf(world) {
  const [a, b] = ['a', 'b'].map(
    (medium) => new Set(recordsIn(world.trailFolder(medium)).flatMap((record) => record?.seq ?? [])),
  );
  const missing = (here, there, medium) => [...there].filter((seq) => !here.has(seq)).map((seq) => ({ medium, seq }));
  return [...missing(a, b, 'a'), ...missing(b, a, 'b')];
}

function assertTold({ status, stdout, stderr }, tokens, out) {
  const text = stdout + stderr;
  assert.notEqual(status, 70, text);
  if (status === 0) return assert.equal(tokens.length, 1, `status 0 and no token\n${text}`);
  assert.equal(tokens.length, 0, `status ${status} and a token\n${text}`);
  if (out) assert.ok(!existsSync(out), 'nothing half written');
  assert.match(text, /no token was issued|the token is issued/i);
}

// The fault must have struck where it was meant to: otherwise the test shows nothing.
function assertHit({ dir }, seen, { target, name }, inject) {
  if (inject.includes('KILL')) return assert.equal(seen.signal ?? seen.status, 'SIGKILL', seen.log);
  const hit = seen.calls.find(({ injected }) => injected);
  assert.ok(hit, `nothing was injected\n${seen.log}`);
  assert.equal(`${hit.name} of ${describe(dir, hit.path, seen.files)}`, `${name} of ${target}`);
}
