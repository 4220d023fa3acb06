// Every system call that mint makes on media, state directory and output after the quorum is complete.
import assert from 'node:assert/strict';
import { join, relative } from 'node:path';
import { trace } from './syscalls.js';
import { commandLine, newWorld } from './world.js';

const tampered = new Set(['openat', 'write', 'fsync', 'fdatasync', 'close', 'read', 'statx', 'rename', 'pwrite64']);

/** Traces a clean mint and returns its calls after the last share was read: `{name, when, target, create}`. */
export async function faultPoints(options) {
  const world = await newWorld();
  const seen = await traceMint(world, options);
  assert.equal(seen.status, 0, seen.stderr);
  const quorum = seen.calls.findLastIndex(({ name, path }) => name === 'close' && path?.endsWith('bob.share'));
  assert.ok(quorum > 0, 'the log shows the last share');
  const counts = new Map();
  const points = [];
  for (const [position, { name, path, args }] of seen.calls.entries()) {
    const when = (counts.get(name) ?? 0) + 1;
    counts.set(name, when);
    if (position <= quorum || !tampered.has(name) || path?.endsWith('SHA256SUMS')) continue;
    const target = describe(world.dir, path, seen.files);
    points.push({ name, when, target, create: args.includes('O_CREAT') });
  }
  world.close();
  return points;
}

/** A mint under strace that sees the paths of the commit and no others, so that its counts are the same every time. */
export function traceMint(world, options = {}, inject = undefined) {
  return trace(world.dir, commandLine(...world.mintArguments(1, options)), { paths: pathsOf(world, options), inject });
}

function pathsOf(world, { out }) {
  const seq = world.nextSeq();
  const pad = (number, width) => String(number).padStart(width, '0');
  const names = [`${pad(seq, 8)}.JWS`, `${pad(seq + 1, 8)}.JWS`, `C${pad(seq + 1, 7)}.TXT`];
  const folders = ['a', 'b'].map(world.trailFolder);
  const state = ['state', 'state/trail', 'state/high-water.json'].map((path) => join(world.dir, path));
  const files = [...folders, join(world.dir, 'state/trail')].flatMap((folder) =>
    names.map((name) => join(folder, name)),
  );
  // openat names a file by the descriptor of its folder.
  const held = Array.from({ length: 12 }, (_, at) => names.map((name) => `/proc/self/fd/${at + 15}/${name}`)).flat();
  // Also the folder that the kill file is flushed in, and where the file goes when that fails.
  const kill = ['inc-1.kill.jws', 'state/kill', 'state/kill/inc-1.kill.jws', ''].map((path) => join(world.dir, path));
  const outputs = [...kill, 'inc-1.kill.jws', '.', ...(out ? [join(world.dir, out), `./${out}`, out] : [])];
  return [...folders, ...files, ...held, ...state, ...outputs, join(world.dir, 'cards/bob.share'), 'cards/bob.share'];
}

export function describe(dir, path, files) {
  if (path === files?.stdout) return 'standard output';
  const inside = relative(dir, path ?? '');
  return (
    inside.replace(/BGTRAIL\/[0-9a-f]{8}/, 'trail').replace(/\.[0-9a-f]{12}\.tmp$/, '.tmp') || 'the current folder'
  );
}
