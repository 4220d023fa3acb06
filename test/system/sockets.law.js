// P8: the offline path opens no socket; P7: it starts no process that could see anything.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { law } from './law.js';
import { rotationArguments } from './rotation.js';
import { trace } from './syscalls.js';
import { commandLine, initArguments, newWorld, requestArguments } from './world.js';

const offline = {
  init: () => initArguments('another', 'new'),
  request: () => requestArguments(99),
  mint: (world) => world.mintArguments(1),
  'mint --out --json': (world) => world.mintArguments(1, { out: 'token', json: true }),
  'mint that finds its media': (world) => world.mintArguments(1, { media: [] }),
  'mint that is refused': (world) => world.mintArguments(1, { shares: ['alice'] }),
  verify: ({ dir }) => [
    'verify',
    readFileSync(join(dir, 'token-of-5'), 'utf8').trim(),
    '--trust',
    'out/trust.jws',
    '--audience',
    'https://db.prod.example.com',
    '--without-revocations',
  ],
  'verify --record-use': ({ dir }) => [
    ...[
      'verify',
      readFileSync(join(dir, 'token-of-5'), 'utf8').trim(),
      '--trust',
      'out/trust.jws',
      '--without-revocations',
    ],
    ...[
      '--audience',
      'https://db.prod.example.com',
      '--record-use',
      'uses.jws',
      '--use-key',
      'uses.key',
      '--state',
      'state',
    ],
  ],
  'mint --revocations': (world) =>
    world.mintArguments(1, { extra: ['--allow-fixed', '--revocations', 'out/revocations.jws'] }),
  'strip current': () => ['strip', 'current', 'token-of-5'],
  proof: () => ['proof', 'GET', 'https://db.prod.example.com/rows', '--token', 'token-of-5'],
  'audit-check': () => ['audit-check', 'a', 'b', '--trust', 'out/trust.jws'],
  'rotate keys': (world) => rotationArguments(world, 'keys'),
  'rotate shares': (world) => rotationArguments(world, 'shares'),
  'rotate seed': (world) => rotationArguments(world, 'seed'),
  'revoke --kill': () => [
    'revoke',
    '--kill',
    'inc-5.kill.jws',
    '--list',
    'out/revocations.jws',
    '--trust',
    'out/trust.jws',
  ],
  'revocations check': () => ['revocations', 'check', 'out/revocations.jws', '--trust', 'out/trust.jws'],
  'people leave': () => ['people', 'leave', 'carol', '--state', 'state'],
  'people list': () => ['people', 'list', '--state', 'state'],
  'media list': () => ['media', 'list', '--state', 'state'],
  'share check --record': () => [
    ...['share', 'check', '--record', '--share', 'cards/alice.share', '--state', 'state'],
    ...['--medium', 'a', '--medium', 'b', '--allow-fixed'],
  ],
  'share check': () => ['share', 'check', '--share', 'cards/alice.share', '--trust', 'out/trust.jws'],
  preflight: () => ['preflight'],
  drill: () => ['drill'],
  'policy check': () => ['policy', 'check', 'policy.toml'],
  'trust show': () => ['trust', 'show', 'out/trust.jws'],
  'trust publish': () => ['trust', 'publish', 'out', '--state', 'state'],
  'trust export': () => ['trust', 'export', 'out/trust.jws', '--jwks', 'keys', '--pem', 'keys'],
};
// A token of the template may be over by now.
const expected = { 'strip current': undefined, 'mint that is refused': 5, 'audit-check': 3, preflight: undefined };

for (const [name, argumentsOf] of Object.entries(offline)) {
  law(`${name} opens no socket and starts no process`, async () => {
    // A trust of its own, so that a mint that looks around does not find the sticks of other tests.
    const world = await newWorld('offline');
    const seen = await trace(world.dir, commandLine(...(await argumentsOf(world))), {
      trace: 'network,process,io_uring_setup,pidfd_getfd',
      threads: 'all',
    });
    const status = name in expected ? expected[name] : 0;
    if (status !== undefined) assert.equal(seen.status, status, seen.stderr);
    assert.ok(
      seen.calls.some((call) => call.name === 'execve'),
      'strace saw the program start',
    );
    const starts = seen.calls.filter(({ name: call }) => call === 'execve' || call === 'execveat');
    assert.equal(starts.length, 1, JSON.stringify(starts));
    const others = seen.calls.filter(({ name: call, args }) => !isOfOneProcess(call, args));
    assert.deepEqual(others, []);
    world.close();
    return `status ${seen.status}`;
  });
}

law('mint at a terminal opens no socket and starts no process, questions and shares included', async () => {
  const world = await newWorld('offline');
  const log = join(world.dir, 'terminal.strace');
  const flags = world
    .mintArguments(1)
    .filter(
      (flag, at, all) =>
        !['--confirm', '--clock', '--head', '--share'].includes(flag) &&
        !['--confirm', '--clock', '--head', '--share'].includes(all[at - 1]),
    );
  const tracing = ['-f', '-qq', '-e', 'trace=network,process', '-o', log];
  const terminal = spawn('strace', [...tracing, ...commandLine(...flags)], {
    cols: 80,
    rows: 24,
    cwd: world.dir,
    env: process.env,
  });
  let shown = '';
  terminal.onData((text) => {
    shown += text;
  });
  const ended = new Promise((resolve) => terminal.onExit(resolve));
  const steps = [
    ['head code', '\r'],
    ['Does a watch say the same', 'y'],
    ['read out these words', 'y'],
    ['0 of 17', '\x03'],
  ];
  for (const [text, key] of steps) {
    await until(() => shown.includes(text), `the terminal shows "${text}", not ${JSON.stringify(shown.slice(-300))}`);
    terminal.write(key);
  }
  await ended;
  const calls = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  assert.ok(
    calls.some((line) => line.includes('execve(')),
    'strace saw the program start',
  );
  const others = calls.filter(
    (line) =>
      /\b(socket|socketpair|connect|bind|sendto|recvfrom|sendmsg|recvmsg)\(/.test(line) ||
      (/\bclone3?\(/.test(line) && !line.includes('CLONE_THREAD')),
  );
  assert.deepEqual(others, []);
  world.close();
  return `${calls.length} calls seen`;
});

async function until(holds, what) {
  const end = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isOfOneProcess(name, args) {
  if (name === 'clone' || name === 'clone3') return args.includes('CLONE_THREAD');
  return ['execve', 'exit', 'exit_group', 'kill', 'tkill', 'tgkill', 'rt_sigqueueinfo'].includes(name);
}
