import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { expect, test } from 'vitest';
import { softwareIdentity } from '../../src/machine/program.ts';
import { finish, startShell, temporaryFolder } from './child.ts';

const machineRoom = fileURLToPath(new URL('../../src/machine/', import.meta.url));

test('in development there is a version too, and the sources stand for the program', () => {
  expect(softwareIdentity()).toMatchObject({ version: 'development', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

test('a bundle names the version it was built with, and, without a list of its files, itself, as sha256sum prints it', async () => {
  const outfile = join(temporaryFolder(), 'breakglass.mjs');
  buildSync({
    stdin: {
      contents: `import { softwareIdentity } from './program.ts'; process.stdout.write(JSON.stringify(softwareIdentity()));`,
      resolveDir: machineRoom,
      loader: 'ts',
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    define: { BREAKGLASS_VERSION: '"9.8.7"' },
  });
  const { stdout } = await finish(startShell(`exec "$NODE" ${outfile}`));
  const sha256 = createHash('sha256').update(readFileSync(outfile)).digest('hex');
  expect(JSON.parse(stdout)).toEqual({ version: '9.8.7', sha256 });
});
