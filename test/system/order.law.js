// P1 in the order of system calls.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { law } from './law.js';
import { assertWriteOnce, durableAt, releasedAt, trace } from './syscalls.js';
import { commandLine, initArguments, newWorld, tokensIn, tokensInFile } from './world.js';

for (const [where, options] of [
  ['standard output', {}],
  ['standard output as JSON', { json: true }],
  ['--out', { out: 'token' }],
]) {
  law(
    `a token goes to ${where} after its record is created, written, flushed, closed, its folder flushed and it is read back on both media`,
    async () => {
      const world = await newWorld();
      const name = `${String(world.nextSeq()).padStart(8, '0')}.JWS`;
      const folders = ['a', 'b'].map(world.trailFolder);
      const seen = await trace(world.dir, commandLine(...world.mintArguments(1, options)));
      assert.equal(seen.status, 0, seen.stderr);
      const out = options.out && join(world.dir, options.out);
      const tokens = out ? tokensInFile(out) : tokensIn(seen.stdout);
      assert.equal(new Set(tokens).size, 1);
      const released = releasedAt(seen.calls, { stdout: seen.files.stdout, out });
      const durable = folders.map((folder) => durableAt(seen.calls, folder, name));
      assert.ok(
        durable.every((at) => at >= 0),
        `the protocol is complete: ${durable}`,
      );
      assert.ok(
        durable.every((at) => at < released),
        `durable at ${durable}, released at ${released}`,
      );
      assertWriteOnce(seen.calls, folders);
      const killed = seen.calls.findIndex(
        ({ name: call, path, args }) =>
          call === 'openat' && path === join(world.dir, 'inc-1.kill.jws') && args.includes('O_CREAT'),
      );
      assert.ok(Math.max(...durable) < killed && killed < released, `the kill file is made at ${killed}`);
      world.close();
      return `durable at call ${Math.max(...durable)}, released at call ${released}`;
    },
  );
}

law(
  'nothing on a medium is ever opened for writing when it exists, cut, renamed or removed: init, refused mint, audit-check',
  async () => {
    const world = await newWorld();
    const folders = ['a', 'b', 'new/a', 'new/b'].map((medium) => join(world.dir, medium));
    for (const args of [
      initArguments('another', 'new'),
      world.mintArguments(1, { shares: ['alice'] }),
      ['audit-check', 'a', 'b', '--trust', 'out/trust.jws'],
    ]) {
      const seen = await trace(world.dir, commandLine(...args));
      assertWriteOnce(seen.calls, folders);
    }
    world.close();
  },
);
