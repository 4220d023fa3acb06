// Sticks as file systems of their own: full, read-only, pulled, swapped, torn, missing, the same one twice. What the kernel calls a removable
// device is planted: a tmpfs over /sys/dev/block, in the mount namespace of this run.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { heldMint } from './held-mint.js';
import { law } from './law.js';
import {
  commandLine,
  keepWords,
  newWorld,
  recordsIn,
  requestArguments,
  run,
  sha256,
  tokensIn,
  tokensInFile,
} from './world.js';

/** Exit status of media and I/O (design §11). */
const media = 6;

execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/sys/dev/block']);

law(
  'a mint with two sticks of the kind that is asked for needs no --allow-fixed and leaves no warning about media',
  async () => {
    const world = await sticks();
    const minted = await world.mint(1, { extra: [], json: true });
    assert.equal(minted.status, 0, minted.stderr);
    assert.deepEqual(JSON.parse(minted.stdout).warnings, []);
    await ended(world, { extra: [] });
  },
);

refusedBefore(
  'a full stick',
  'MEDIUM_FULL',
  async (world) => fill(join(world.dir, 'b')),
  (world) => empty(join(world.dir, 'b')),
);
refusedBefore(
  'a read-only stick',
  'MEDIUM_READ_ONLY',
  async (world) => mount('-o', 'remount,bind,ro', join(world.dir, 'b')),
  (world) => mount('-o', 'remount,bind,rw', join(world.dir, 'b')),
);
refusedBefore(
  'a directory that is not there',
  'MEDIUM_NOT_FOUND',
  async () => {},
  () => {},
  ['a', 'nowhere'],
);
refusedBefore(
  'the same stick twice',
  'MEDIUM_SAME_DEVICE',
  async () => {},
  () => {},
  ['a', 'a'],
);
refusedBefore(
  'the same stick at two mount points',
  'MEDIUM_SAME_DEVICE',
  async (world) => {
    mkdirSync(join(world.dir, 'c'));
    mount('--bind', join(world.dir, 'a'), join(world.dir, 'c'));
  },
  (world) => unmount(join(world.dir, 'c')),
  ['a', 'c'],
);
refusedBefore(
  'two folders of one stick',
  'MEDIUM_SAME_DEVICE',
  async (world) => {
    mkdirSync(join(world.dir, 'a/copy'));
    cpSync(join(world.dir, 'b/BGTRAIL'), join(world.dir, 'a/copy/BGTRAIL'), { recursive: true });
  },
  (world) => rmSync(join(world.dir, 'a/copy'), { recursive: true }),
  ['a', 'a/copy'],
);
refusedBefore(
  'a folder on a fixed disk',
  'MEDIUM_NOT_REMOVABLE',
  async (world) => {
    mkdirSync(join(world.dir, 'c'));
    cpSync(join(world.dir, 'b/BGTRAIL'), join(world.dir, 'c/BGTRAIL'), { recursive: true });
  },
  () => {},
  ['a', 'c'],
);
refusedBefore(
  'a stick of another trust',
  'MEDIUM_FOREIGN',
  async (world) => {
    const other = await newWorld('another');
    stick(world, 'c', join(other.dir, 'a'));
  },
  () => {},
  ['a', 'c'],
);

/** A stick that cannot be used is refused before anybody gives a share, nothing is written to it, and it is mended when it is well. */
function refusedBefore(what, code, spoil, mend, paths = ['a', 'b']) {
  law(`${what} is refused with ${code} before anybody gives a share, and nothing is written to it`, async () => {
    const world = await sticks();
    await spoil(world);
    const suspect = join(world.dir, paths.at(-1));
    const before = existsSync(suspect) ? treeOf(suspect) : [];
    // A share that is not there would be the next error.
    const refused = await world.mint(1, { media: paths, extra: [], out: 'token', json: true, shares: ['nobody'] });
    assert.equal(refused.status, media, refused.stderr);
    assert.equal(JSON.parse(refused.stdout).errors[0].code, code);
    assert.match(refused.stderr, /nothing was written|no token was issued/i);
    assertNoToken(world, refused);
    if (existsSync(suspect) && paths[0] !== paths[1] && code !== 'MEDIUM_SAME_DEVICE')
      assert.deepEqual(treeOf(suspect), before);
    mend(world);
    await ended(world, { extra: [] });
    return message(refused);
  });
}

spoiledWhileWaiting(
  'a stick that fills up while shares are given',
  'MEDIUM_FULL',
  (world) => fill(join(world.dir, 'b')),
  (world) => empty(join(world.dir, 'b')),
);
spoiledWhileWaiting(
  'a stick that becomes read-only while shares are given',
  'MEDIUM_READ_ONLY',
  (world) => mount('-o', 'remount,bind,ro', join(world.dir, 'b')),
  (world) => mount('-o', 'remount,bind,rw', join(world.dir, 'b')),
);
spoiledWhileWaiting(
  'a stick that is pulled while shares are given',
  'MEDIUM_CHANGED',
  (world) => {
    // What is on it is kept, as on a real stick.
    cpSync(join(world.dir, 'b'), join(world.dir, 'kept'), { recursive: true });
    unmount(join(world.dir, 'b'), '-l');
  },
  (world) => stick(world, 'b', join(world.dir, 'kept')),
);
spoiledWhileWaiting(
  'a stick that is swapped for a copy of it while shares are given',
  'MEDIUM_CHANGED',
  (world) => {
    cpSync(join(world.dir, 'b'), join(world.dir, 'kept'), { recursive: true });
    stick(world, 'b', join(world.dir, 'kept'));
  },
  () => {},
);
spoiledWhileWaiting(
  'both sticks pulled while shares are given',
  'MEDIUM_CHANGED',
  (world) => {
    for (const medium of ['a', 'b']) {
      cpSync(join(world.dir, medium), join(world.dir, `kept-${medium}`), { recursive: true });
      unmount(join(world.dir, medium), '-l');
    }
  },
  (world) => {
    for (const medium of ['a', 'b']) stick(world, medium, join(world.dir, `kept-${medium}`));
  },
);

/** What happens to a stick between the checks and the commit is found by the commit. */
function spoiledWhileWaiting(what, code, spoil, mend) {
  for (const out of ['token', undefined])
    law(`${what}: ${code}, no token ${out ? 'in --out' : 'on standard output'}, and the next mint mends`, async () => {
      const world = await sticks();
      const held = await heldMint(world, 1, { out, extra: [], json: out !== undefined });
      spoil(world);
      held.giveShare();
      const refused = await held.ended;
      assert.equal(refused.status, media, refused.stderr);
      if (out) assert.equal(JSON.parse(refused.stdout).errors[0].code, code);
      assert.match(refused.stderr, /no token was issued/i);
      assertNoToken(world, refused);
      mend(world);
      const { product, report } = await ended(world, { extra: [] });
      assert.ok(report.records > 0);
      const mended = product.mended.map(({ medium, seq }) => `${medium}:${seq}`).join(' ');
      return `${message(refused)} · mended ${mended || 'nothing'}`;
    });
}

law(
  'with three sticks and copies = 2, one that is pulled costs no token: it is named, and mended when it is back',
  async () => {
    const world = await sticks(['a', 'b', 'c']);
    const paths = { media: ['a', 'b', 'c'], extra: [] };
    const held = await heldMint(world, 1, paths);
    cpSync(join(world.dir, 'a'), join(world.dir, 'kept'), { recursive: true });
    unmount(join(world.dir, 'a'), '-l');
    held.giveShare();
    const minted = await held.ended;
    assert.equal(minted.status, 0, minted.stderr);
    const [token] = tokensIn(minted.stdout);
    for (const medium of ['b', 'c']) assert.ok(world.issuedOn(medium).has(sha256(token)));
    assert.match(minted.stderr, /MEDIUM_CHANGED/);
    stick(world, 'a', join(world.dir, 'kept'));
    const { product } = await world.mintsAndAudits(2, paths);
    assert.ok(product.mended.length > 0);
    assert.ok(world.issuedOn('a').has(sha256(token)));
    close(world);
    return `mended ${product.mended.map(({ medium, seq }) => `${medium}:${seq}`).join(' ')}`;
  },
);

law(
  'a torn newest record, as a stick that fills up leaves it, is set aside, told on the record, and never written over',
  async () => {
    const world = await sticks();
    // A record of more than a page, and room for one page.
    const { stdout } = await world.breakglass(
      ...requestArguments(90, 'the primary database is locked out '.repeat(29).trim()),
    );
    keepWords(world.dir, stdout);
    const name = `${String(world.nextSeq()).padStart(8, '0')}.JWS`;
    const held = await heldMint(world, 90, { extra: [] });
    fill(join(world.dir, 'b'), 1);
    held.giveShare();
    const refused = await held.ended;
    assert.equal(refused.status, media, refused.stderr);
    assertNoToken(world, refused);
    const torn = readFileSync(join(world.trailFolder('b'), name));
    assert.ok(torn.length > 0 && torn.length < statSync(join(world.trailFolder('a'), name)).size, 'the record is torn');
    empty(join(world.dir, 'b'));
    const { product } = await ended(world, { extra: [] }, 'open');
    assert.deepEqual(readFileSync(join(world.trailFolder('b'), name.replace('.JWS', '.BAD'))), torn);
    const told = recordsIn(world.trailFolder('a')).find(({ type }) => type === 'recovered');
    assert.equal(told?.sha256, sha256(torn));
    close(world);
    return `${message(refused)} · mended ${product.mended.map(({ medium, seq }) => `${medium}:${seq}`).join(' ')}`;
  },
);

law('a token that /dev/full does not take is on the record, and the message says that nobody has it', async () => {
  const world = await newWorld();
  const shell = 'exec "$@" >/dev/full';
  const lost = await run(world.dir, ['sh', '-c', shell, 'sh', ...commandLine(...world.mintArguments(1))]);
  assert.equal(lost.status, media, lost.stderr);
  assert.match(lost.stderr, /the token is issued and on the record, and nobody got it/);
  await world.mintsAndAudits(2);
  world.close();
  return message(lost);
});

/** A world whose media are file systems of their own, on devices that the kernel calls removable. */
async function sticks(names = ['a', 'b']) {
  const world = await newWorld();
  for (const name of names) {
    const content = join(world.dir, `content-${name}`);
    cpSync(join(world.dir, name === 'c' ? 'b' : name), content, { recursive: true });
    stick(world, name, content);
    rmSync(content, { recursive: true });
  }
  if (names.includes('c')) {
    // A third medium has a name of its own.
    const file = join(world.dir, 'c/BGTRAIL/MEDIUM.JSN');
    const label = JSON.parse(execFileSync('cat', [file], { encoding: 'utf8' }));
    writeFileSync(
      file,
      `${JSON.stringify({ created: label.created, label: 'c', medium: Buffer.alloc(16, 7).toString('base64url'), trust: label.trust, v: 1 })}\n`,
    );
  }
  return world;
}

/** Mounts a stick of 4 MiB at `name` with this content. */
function stick({ dir }, name, content) {
  const path = join(dir, name);
  mkdirSync(path, { recursive: true });
  mount('-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path);
  cpSync(content, path, { recursive: true });
  const { dev } = statSync(path);
  const facts = `/sys/dev/block/${dev >> 8}:${dev & 0xff}`;
  mkdirSync(facts, { recursive: true });
  writeFileSync(join(facts, 'removable'), '1\n');
}

function mount(...args) {
  execFileSync('mount', args);
}

function unmount(path, ...args) {
  execFileSync('umount', [...args, path]);
}

/** Fills the file system up but for `pages` pages. */
function fill(path, pages = 0) {
  const ballast = join(path, 'BALLAST');
  assert.throws(() => writeFileSync(ballast, Buffer.alloc(5 * 1024 * 1024)), { code: 'ENOSPC' });
  if (pages > 0) truncateSync(ballast, statSync(ballast).size - pages * 4096);
}

function empty(path) {
  rmSync(join(path, 'BALLAST'));
}

async function ended(world, options, after = 'close') {
  const result = await world.mintsAndAudits(2, options);
  if (after === 'close') close(world);
  return result;
}

function close(world) {
  const mounted = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  for (const path of mounted.filter((at) => at.startsWith(`${world.dir}/`)).reverse()) unmount(path, '-l');
  world.close();
}

function assertNoToken(world, { stdout, stderr }) {
  assert.deepEqual(tokensIn(stdout + stderr), []);
  assert.deepEqual(tokensInFile(join(world.dir, 'token')), []);
  assert.ok(!existsSync(join(world.dir, 'token')));
}

function message({ stderr }) {
  return stderr
    .split('\n')
    .find((line) => line.startsWith('breakglass: '))
    ?.slice('breakglass: '.length)
    .slice(0, 160);
}

function treeOf(dir) {
  return readdirSync(dir, { recursive: true })
    .sort()
    .map((path) => `${path} ${statSync(join(dir, path)).isFile() ? statSync(join(dir, path)).size : ''}`);
}
