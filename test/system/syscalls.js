// Runs a command under strace and reads what it did: the order of system calls is the oracle, because after a failed fsync the
// content still sits in the page cache.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from './world.js';

const fileCalls =
  'open,openat,openat2,creat,read,pread64,readv,write,writev,pwrite64,pwritev,fsync,fdatasync,sync_file_range,msync,close,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,truncate,ftruncate,fallocate,statx,sendfile,copy_file_range,splice,io_uring_setup';

let logs = 0;

/**
 * Runs `argv` under strace. `paths`: only calls on these and on standard output are traced, counted and tampered with; `inject`: an expression of
 * `strace -e inject`. Resolves with what `run` gives and the calls of the main thread, in order.
 */
export async function trace(dir, argv, { trace: calls = fileCalls, paths = [], inject, threads = 'main' } = {}) {
  const log = join(dir, `strace-${++logs}`);
  const ended = await run(dir, ({ stdout }) => {
    const filter = (paths.length > 0 ? [...paths, stdout] : []).flatMap((path) => ['-P', path]);
    const fault = inject ? ['-e', `inject=${inject}`] : [];
    // strace 6.1 loses an injected signal under --seccomp-bpf.
    const fast = inject?.includes('signal=') ? [] : ['--seccomp-bpf'];
    return [
      'strace',
      ...fast,
      '-f',
      '-y',
      '-qq',
      '-s',
      '32',
      '-e',
      `trace=${calls}`,
      ...filter,
      ...fault,
      '-o',
      log,
      ...argv,
    ];
  });
  const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
  return { ...ended, log: text, calls: readCalls(text, threads) };
}

/** The calls of a strace log, the halves of interrupted lines joined. */
export function readCalls(log, threads = 'main') {
  const lines = log
    .split('\n')
    .map((line) => /^(\d+) +(.*)$/.exec(line))
    .filter((match) => match !== null);
  const main = lines[0]?.[1];
  const begun = new Map();
  const calls = [];
  for (const [, pid, text] of lines) {
    if (threads === 'main' && pid !== main) continue;
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text);
    if (unfinished) {
      begun.set(pid, unfinished[1]);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    const call = readCall(resumed ? `${begun.get(pid) ?? ''}${resumed[1]}` : text);
    if (call) calls.push({ pid, ...call });
  }
  // What a kill interrupted was begun and never ended.
  for (const [pid, text] of begun) if (!log.includes(`${pid} <... `)) calls.push({ pid, ...readCall(`${text}) = ?`) });
  return resolveNames(calls);
}

function readCall(text) {
  const match = /^(\w+)\((.*)\) += (-?\d+|\?)(<[^>]*>)?(.*)$/.exec(text);
  if (!match) return undefined;
  const [, name, args = '', result, opened = '', rest = ''] = match;
  const held = /^(\d+)<([^>]*)>/.exec(args);
  const quoted = [...args.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, value]) => value);
  return {
    name,
    args,
    result: result === '?' ? null : Number(result),
    error: /^ (E[A-Z0-9]+)/.exec(rest)?.[1],
    injected: rest.includes('INJECTED'),
    descriptor: held ? Number(held[1]) : undefined,
    path: opened ? opened.slice(1, -1) : (held?.[2] ?? quoted[0]),
    quoted,
  };
}

// `/proc/self/fd/20/NAME` of a call that failed: the path of descriptor 20 is known from other calls.
function resolveNames(calls) {
  const folders = new Map();
  for (const { args, path, name, result } of calls) {
    for (const [, descriptor, folder] of args.matchAll(/(\d+)<(\/[^>]*)>/g)) folders.set(descriptor, folder);
    if (name === 'openat' && result >= 0 && path) folders.set(String(result), path);
  }
  return calls.map((call) => {
    const match = /^\/proc\/self\/fd\/(\d+)\/(.*)$/.exec(call.path ?? '');
    const folder = match ? folders.get(match[1]) : /^AT_FDCWD<([^>]*)>/.exec(call.args)?.[1];
    return folder && call.path ? { ...call, path: resolve(folder, match?.[2] ?? call.path) } : call;
  });
}

/**
 * Where in `calls` the append protocol (design §9) is done for the file `name` of `folder`: created exclusively, written whole, flushed,
 * closed, the folder flushed, opened again and read whole. Returns the position of the last of these calls, or -1.
 */
export function durableAt(calls, folder, name) {
  const path = join(folder, name);
  const steps = [
    ({ name: call, args, path: at, result }) =>
      call === 'openat' &&
      at === path &&
      result >= 0 &&
      ['O_CREAT', 'O_EXCL', 'O_NOFOLLOW'].every((flag) => args.includes(flag)),
    (call) => call.name === 'write' && call.path === path && call.result > 0,
    (call) => call.name === 'fsync' && call.path === path && call.result === 0,
    (call) => call.name === 'close' && call.path === path && call.result === 0,
    (call) => call.name === 'fsync' && call.path === folder && call.result === 0,
    (call) => call.name === 'openat' && call.path === path && call.result >= 0 && call.args.includes('O_RDONLY'),
    (call) => call.name === 'read' && call.path === path && call.result > 0,
  ];
  let at = -1;
  for (const step of steps) {
    at = calls.findIndex((call, position) => position > at && step(call));
    if (at === -1) return -1;
  }
  return sum(calls, 'write', path) === sum(calls.slice(0, at + 1), 'read', path) ? at : -1;
}

function sum(calls, name, path) {
  return calls
    .filter((call) => call.name === name && call.path === path && call.result > 0)
    .reduce((total, { result }) => total + result, 0);
}

/** The first call that lets a token out: a write to standard output that holds one, or the creation of `--out`. */
export function releasedAt(calls, { stdout, out }) {
  return calls.findIndex(
    ({ name, path, args, result }) =>
      (name === 'write' && path === stdout && result !== null && args.includes('eyJ')) ||
      (name === 'openat' && out !== undefined && path === out && args.includes('O_CREAT')),
  );
}

/** Write-once: nothing on the media is opened for writing when it exists, cut, renamed, linked over or removed. */
export function assertWriteOnce(calls, folders) {
  const onMedia = calls.filter(({ path, quoted }) =>
    [path, ...quoted].some((at) => folders.some((folder) => at?.startsWith(folder))),
  );
  for (const { name, args } of onMedia) {
    const line = `${name}(${args})`;
    assert.ok(!/O_TRUNC|O_APPEND|O_RDWR/.test(args), line);
    if (args.includes('O_WRONLY')) assert.match(args, /O_CREAT\|O_EXCL\|O_NOFOLLOW/, line);
    assert.ok(!/^(unlink|rename|link|symlink|truncate|ftruncate|creat|fallocate)/.test(name), line);
  }
}

/** Nothing on a medium is flushed again after its flush failed: the second one would report success (the kernel forgot the pages). */
export function assertNoSecondFlush(calls, folders) {
  const failed = new Set();
  for (const { name, path, result } of calls) {
    if ((name !== 'fsync' && name !== 'fdatasync') || !folders.some((folder) => path?.startsWith(folder))) continue;
    assert.ok(!failed.has(path), `a second ${name} of ${path} after a failed one`);
    if (result === -1) failed.add(path);
  }
}
