import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { words } from '../src/base/words.ts';

const wordList = new Set(words);
const workDir = mkdtempSync(join(tmpdir(), 'breakglass-readme-'));
const binDir = join(workDir, 'bin');

beforeAll(() => {
  execFileSync(process.execPath, ['bin/build.js'], { env: { ...process.env, BREAKGLASS_DIST: join(workDir, 'dist') } });
  mkdirSync(binDir);
  const start = `import { main } from '${join(workDir, 'dist/command/breakglass.js')}';\nprocess.exitCode = await main(process.argv.slice(2));\n`;
  writeFileSync(join(binDir, 'start.mjs'), start);
  writeFileSync(
    join(binDir, 'breakglass'),
    `#!/bin/sh\nexec '${process.execPath}' '${join(binDir, 'start.mjs')}' "$@"\n`,
  );
  chmodSync(join(binDir, 'breakglass'), 0o755);
});

afterAll(() => rmSync(workDir, { recursive: true, force: true }));

interface Step {
  readonly command: string;
  readonly output: string;
}

/** The commands of the README's console blocks, in order, each with what it prints. */
function consoleSteps(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/```console\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...output] = step.split('\n');
        return { command, output: output.join('\n').trim() };
      }),
  );
}

/** What differs from run to run: times, hashes, ids, words of fingerprints, the folder. */
function mask(text: string): string {
  return text
    .replaceAll(`${workDir}/`, '')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, '<time>')
    .replace(/\b\d+ m(?: \d+ s)? left/g, '<duration> left')
    .replace(/\b[0-9a-f]{8,64}\b/g, '<hex>')
    .replace(/[\w-]{22}(?=[, ]|$)/gm, '<id>')
    .split('\n')
    .map((line) => maskWords(line))
    .join('\n')
    .trim();
}

function maskWords(line: string): string {
  const parts = line.split(/ +/);
  const tail = parts.slice(-8);
  return tail.length === 8 && tail.every((word) => wordList.has(word))
    ? `${parts.slice(0, -8).join(' ')} <words>`
    : line;
}

test('every command line of the README works as printed', () => {
  const steps = consoleSteps(readFileSync('README.md', 'utf8'));
  expect(steps.length).toBeGreaterThan(10);
  const env = {
    ...process.env,
    PATH: `${binDir}:${process.env.PATH}`,
    HOME: workDir,
    XDG_STATE_HOME: join(workDir, 'xdg'),
  };
  let variables = '';
  for (const { command, output } of steps) {
    const script = `set -e\n${variables}\n${command}`;
    const run = spawnSync('bash', ['-c', script], {
      cwd: workDir,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect({ command, status: run.status, stderr: run.status === 0 ? '' : run.stderr }).toEqual({
      command,
      status: 0,
      stderr: '',
    });
    expect({ command, output: mask(`${run.stdout}${run.stderr}`) }).toEqual({ command, output: mask(output) });
    if (/^\w+=/.test(command)) variables += `${command}\n`;
  }
});

test('the README names the two commands that set everything up', () => {
  const text = readFileSync('README.md', 'utf8');
  expect(text).toContain('npm ci && npm run drill');
  expect(text).toContain('npm ci && npm test');
});
