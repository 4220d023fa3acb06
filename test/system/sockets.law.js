// P8: the offline path opens no socket; P7: it starts no process that could see anything.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { law } from './law.js';
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
  'audit-check': () => ['audit-check', 'a', 'b', '--trust', 'out/trust.jws'],
  'share check': () => ['share', 'check', '--share', 'cards/alice.share', '--trust', 'out/trust.jws'],
  preflight: () => ['preflight'],
  drill: () => ['drill'],
  'policy check': () => ['policy', 'check', 'policy.toml'],
  'trust show': () => ['trust', 'show', 'out/trust.jws'],
  'trust export': () => ['trust', 'export', 'out/trust.jws', '--jwks', 'keys', '--pem', 'keys'],
};
const expected = { 'mint that is refused': 5, 'audit-check': 3, preflight: undefined };

for (const [name, argumentsOf] of Object.entries(offline)) {
  law(`${name} opens no socket and starts no process`, async () => {
    // A trust of its own, so that a mint that looks around does not find the sticks of other tests.
    const world = await newWorld('offline');
    const seen = await trace(world.dir, commandLine(...argumentsOf(world)), {
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

function isOfOneProcess(name, args) {
  if (name === 'clone' || name === 'clone3') return args.includes('CLONE_THREAD');
  return ['execve', 'exit', 'exit_group', 'kill', 'tkill', 'tgkill', 'rt_sigqueueinfo'].includes(name);
}
