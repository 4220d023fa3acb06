import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildCommand } from '../../bin/build-command.js';

/** The command line as it is installed: `bin` holds an executable `breakglass`. */
export interface Program {
  readonly bin: string;
  remove(): void;
}

/** Builds the command into a folder of its own: a test never reads a stale dist/. */
export async function buildProgram(): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'breakglass-program-'));
  await buildCommand(join(folder, 'command'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const start = join(folder, 'start.mjs');
  writeFileSync(
    start,
    "import { main } from './command/breakglass.js';\nprocess.exitCode = await main(process.argv.slice(2));\n",
  );
  writeFileSync(join(bin, 'breakglass'), `#!/bin/sh\nexec '${process.execPath}' '${start}' "$@"\n`);
  chmodSync(join(bin, 'breakglass'), 0o755);
  return { bin, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** What stands on standard input; without it, that is /dev/null: no terminal in any case. */
  readonly input?: string | Uint8Array;
  /** What descriptor 3 gives: passphrases, one a line. */
  readonly passphrases?: string;
}

/** The whole environment of a command in `dir`: nothing of the person who runs the tests gets in. */
export function environment(program: Program, dir: string): Record<string, string> {
  return {
    PATH: `${program.bin}:${process.env['PATH'] ?? ''}`,
    HOME: join(dir, 'home'),
    XDG_STATE_HOME: join(dir, 'home', 'state'),
    TMPDIR: tmpdir(),
    TERM: 'xterm',
    NO_COLOR: '1',
  };
}

/** Runs `breakglass` with these arguments in `dir` and waits for its end. */
export function runProgram(
  program: Program,
  dir: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Run> {
  return runProcess(program, dir, [join(program.bin, 'breakglass'), ...args], options);
}

/** Runs a shell line in `dir` where `breakglass` is on the path. */
export function runShell(program: Program, dir: string, line: string): Promise<Run> {
  return runProcess(program, dir, ['/bin/sh', '-c', line], {});
}

function runProcess(
  program: Program,
  dir: string,
  [file = '', ...args]: readonly string[],
  { input, passphrases }: RunOptions,
): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: dir,
      env: environment(program, dir),
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', passphrases === undefined ? 'ignore' : 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
    feed(child.stdin, input);
    feed(child.stdio[3], passphrases);
  });
}

function feed(stream: unknown, content: string | Uint8Array | undefined): void {
  if (content === undefined || !(stream instanceof Object) || !('end' in stream)) return;
  // A command may refuse before it has read all.
  (stream as NodeJS.WritableStream).on('error', () => {}).end(content);
}
