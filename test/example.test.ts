import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What `npm run build` made, no older than what it was made of. */
function isBuilt(): boolean {
  const built = statSync(`${root}dist/library/guard/index.js`, { throwIfNoEntry: false });
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return built !== undefined && sources.every((name) => statSync(`${root}src/${name}`).mtimeMs <= built.mtimeMs);
}

/** Shows of the guard, end to end: the command as people run it, a service over sockets, and the library as it is installed. */
test('the example service goes through an incident: refused, opened, a thief refused, killed, and complete for the auditor', async () => {
  if (!isBuilt()) throw new Error('dist/ is not what src/ says: npm run build');
  const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'example', '--', '--json'], { cwd: root });
  const { killMs, ...seen } = JSON.parse(stdout) as { killMs: number };
  expect(seen).toEqual({
    v: 1,
    normalUserDenied: true,
    openedScope: true,
    outsideScopeDenied: true,
    stolenTokenDenied: true,
    socketClosed: true,
    deniedAfterKill: true,
    trail: { verdict: 'intact', complete: true },
  });
  expect(killMs).toBeGreaterThan(0);
});
