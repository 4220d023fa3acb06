// The oracles see what they are for: each is shown a program, or a log, that breaks the law.
import assert from 'node:assert/strict';
import { law } from './law.js';
import { assertNoSecondFlush, assertWriteOnce, durableAt, readCalls, releasedAt, trace } from './syscalls.js';
import { newFolder } from './world.js';

const folder = '/stick/BGTRAIL/01234567';
const path = `${folder}/00000001.JWS`;
const protocol = [
  'openat(AT_FDCWD</w>, "/proc/self/fd/20/00000001.JWS", O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW|O_CLOEXEC, 0644) = 18<PATH>',
  'write(18<PATH>, "eyJ"..., 10) = 10',
  'fsync(18<PATH>) = 0',
  'close(18<PATH>) = 0',
  'fsync(20<FOLDER>) = 0',
  'openat(AT_FDCWD</w>, "/proc/self/fd/20/00000001.JWS", O_RDONLY|O_NOFOLLOW|O_CLOEXEC) = 18<PATH>',
  'read(18<PATH>, "eyJ"..., 10) = 10',
];
const release = 'write(1</w/stdout>, "eyJ"..., 900) = 900';

law(
  'the oracle of the order accepts the whole protocol, and nothing of which one step is missing, failed or short',
  () => {
    assert.equal(durableAt(log(protocol), folder, '00000001.JWS'), protocol.length - 1);
    for (const step of protocol) {
      const others = protocol.filter((line) => line !== step);
      assert.equal(durableAt(log(others), folder, '00000001.JWS'), -1, `without ${step}`);
      const failed = protocol.map((line) =>
        line === step ? line.replace(/= .*$/, '= -1 EIO (Input/output error) (INJECTED)') : line,
      );
      assert.equal(durableAt(log(failed), folder, '00000001.JWS'), -1, `failed ${step}`);
    }
    const short = protocol.map((line) => (line.startsWith('read') ? line.replace('= 10', '= 9') : line));
    assert.equal(durableAt(log(short), folder, '00000001.JWS'), -1);
  },
);

law('the oracle of the order sees a token that leaves before the last step', () => {
  const early = log([...protocol.slice(0, -1), release, ...protocol.slice(-1)]);
  assert.ok(releasedAt(early, { stdout: '/w/stdout' }) < durableAt(early, folder, '00000001.JWS'));
  const late = log([...protocol, release]);
  assert.ok(releasedAt(late, { stdout: '/w/stdout' }) > durableAt(late, folder, '00000001.JWS'));
});

law('the oracle of write-once sees a file that is opened again for writing, cut, renamed or removed', () => {
  for (const line of [
    'openat(AT_FDCWD</w>, "/proc/self/fd/20/00000001.JWS", O_WRONLY|O_CLOEXEC) = 18<PATH>',
    'openat(AT_FDCWD</w>, "PATH", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 18<PATH>',
    'ftruncate(18<PATH>, 0) = 0',
    'rename("/w/other", "PATH") = 0',
    'unlink("PATH") = 0',
  ])
    assert.throws(() => assertWriteOnce(log([...protocol, line]), ['/stick']), assert.AssertionError, line);
  assertWriteOnce(log(protocol), ['/stick']);
});

law('the oracle of flushes sees a second one after a failed one', () => {
  const failed = 'fsync(18<PATH>) = -1 EIO (Input/output error) (INJECTED)';
  assert.throws(() => assertNoSecondFlush(log([failed, 'fsync(18<PATH>) = 0']), [folder]), /a second fsync/);
  assertNoSecondFlush(log([failed, 'fsync(20<FOLDER>) = 0']), [folder]);
});

law('the oracle of sockets sees a connection and a child process of a program that makes them', async () => {
  const dir = newFolder('oracle');
  const source =
    'require("net").connect(9, "127.0.0.1").on("error", () => {}); require("child_process").spawnSync("true")';
  const { calls } = await trace(dir, [process.execPath, '-e', source], { trace: 'network,process', threads: 'all' });
  const names = new Set(calls.map(({ name }) => name));
  assert.ok(names.has('socket') && names.has('connect'), [...names].join(' '));
  assert.equal(calls.filter(({ name, result }) => name === 'execve' && result === 0).length, 2);
});

function log(lines) {
  const text = lines.map((line) => `100 ${line.replaceAll('PATH', path).replaceAll('FOLDER', folder)}`).join('\n');
  return readCalls(text);
}
