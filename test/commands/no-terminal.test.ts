import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { json, openScenes, recordsOn } from './scene.ts';

let scenes: Awaited<ReturnType<typeof openScenes>>;
beforeAll(async () => {
  scenes = await openScenes();
});
afterAll(() => scenes.remove());

describe('without a terminal every flag that is missing is named at once, and nothing is done', () => {
  const commands: readonly [what: string, args: readonly string[], missing: readonly string[]][] = [
    ['init', ['init', '--state', 'new'], ['--name', '--issuer', '--policy', '--threshold', '--custodian', '--medium']],
    [
      'init with shown cards',
      [
        ...['init', '--state', 'new', '--name', 'x', '--issuer', 'x', '--policy', 'policy.toml', '--threshold', '2'],
        ...['--custodian', 'alice', '--custodian', 'bob', '--medium', 'a', '--card-dir', 'bob=cards'],
      ],
      ['--card-dir alice=DIR'],
    ],
    ['request', ['request', '--trust', 'out/trust.jws'], ['--incident', '--subject', '--circumstance', '--reason']],
    ['mint', ['mint', '--state', 'state'], ['--request', '--share', '--confirm', '--clock', '--head']],
    [
      'mint without a request file',
      ['mint', '--state', 'state', '--incident', 'inc-1', '--confirm', 'x'],
      ['--subject', '--role', '--circumstance', '--reason', '--share', '--clock', '--head'],
    ],
    ['share check', ['share', 'check', '--trust', 'out/trust.jws'], ['--share']],
  ];
  test.each(commands)('%s', async (_what, args, missing) => {
    const scene = scenes.origin.copy();
    const run = await scene.run([...args, '--json']);
    expect(run.status).toBe(2);
    const { errors } = json(run) as { errors: { code: string; rule: string; hint: string }[] };
    expect(errors.map(({ rule }) => rule)).toEqual(missing);
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['NO_TERMINAL']));
    expect(run.stderr).toContain('Nothing was done.');
    expect(recordsOn(scene, 'a')).toHaveLength(1);
    expect(existsSync(scene.path('new', 'trust'))).toBe(false);
  });
});

describe('a command line that makes no sense is refused with status 2', () => {
  test.each([
    ['an unknown command', ['mnit']],
    ['an unknown flag', ['mint', '--force']],
    ['a flag without its value', ['mint', '--request']],
    ['a missing argument', ['verify']],
    ['one argument too many', ['policy', 'check', 'a', 'b']],
    ['an unknown subcommand', ['trust', 'remove']],
    ['a subcommand that is left out', ['rotate']],
    ['a time that is none', ['verify', 'x', '--at', 'noon', '--trust', 'out/trust.jws']],
    [
      'a duration that is none',
      [
        'request',
        '--trust',
        'out/trust.jws',
        '--lifetime',
        'long',
        '--incident',
        'i',
        '--subject',
        'dana',
        '--circumstance',
        'outage',
        '--reason',
        'x'.repeat(30),
      ],
    ],
  ])('%s', async (_what, args) => {
    const run = await scenes.origin.copy().run(args);
    expect(run.status).toBe(2);
    expect(run.stdout).toBe('');
    expect(run.stderr).toMatch(/^breakglass: [^\n]+\nhint: [^\n]+\n$/);
  });
});

test('a command that is nearly right is suggested', async () => {
  const run = await scenes.origin.run(['audit-chek']);
  expect(run.stderr).toContain("unknown command 'audit-chek' (Did you mean audit-check?)");
});

test('help and version go to standard output, with status 0', async () => {
  const scene = scenes.origin;
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(await scene.run(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  for (const args of [[], ['--help'], ['mint', '--help'], ['trust', '--help'], ['help', 'init']]) {
    const run = await scene.run(args);
    expect({ args, status: run.status, stderr: run.stderr }).toEqual({ args, status: 0, stderr: '' });
    expect(run.stdout).toContain('Usage: breakglass');
  }
});
