import { expect } from 'vitest';
import { runShell } from './program.ts';
import type { Scene } from './scene.ts';

/** One command of a transcript and what it must do. */
interface Step {
  readonly line: number;
  readonly command: string;
  readonly status: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/** What may stand for a part of an expected line: `<name>`. */
const placeholders: Readonly<Record<string, string>> = {
  time: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ',
  hex: '[0-9a-f]{64}',
  hex8: '[0-9a-f]{8}',
  id: '[\\w-]{22}',
  kid: '[\\w-]{43}',
  set: '[0-9a-f]{5}',
  n: '\\d+',
  word: '[a-z]{3,8}',
  words: '[a-z]{3,8}(?: [a-z]{3,8}){2,11}',
  token: '[\\w-]+\\.[\\w-]+\\.[\\w-]+',
  any: '.*',
};

/** Any number of lines. */
const anyLines = '...';

/**
 * Runs a transcript in `scene`. A line `$ command` is run by a shell; behind it stand its standard output (`> `), its standard
 * error (`2> `) and its status (`? `), which is 0 where none is said. Every other line is for people.
 */
export async function runTranscript(scene: Scene, text: string): Promise<void> {
  for (const step of parseTranscript(text)) {
    const run = await runShell(scene.program, scene.dir, step.command);
    const told = `line ${step.line}: ${step.command}\n${run.stdout}${run.stderr}`;
    expect(run.status, told).toBe(step.status);
    expectLines(run.stdout, step.stdout, `standard output of ${told}`, scene.dir);
    expectLines(run.stderr, step.stderr, `standard error of ${told}`, scene.dir);
  }
}

function parseTranscript(text: string): Step[] {
  const steps: (Step & { stdout: string[]; stderr: string[]; status: number; command: string })[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [, mark, rest = ''] = /^(\$|>|2>|\?)(?: (.*))?$/.exec(line) ?? [];
    if (mark === '$') steps.push({ line: index + 1, command: rest, status: 0, stdout: [], stderr: [] });
    const step = steps.at(-1);
    if (!step) continue;
    // A command may be long: it goes on behind a backslash, indented.
    if (mark === undefined && step.command.endsWith('\\')) step.command = `${step.command.slice(0, -1)}${line.trim()}`;
    if (mark === '>') step.stdout.push(rest);
    if (mark === '2>') step.stderr.push(rest);
    if (mark === '?') step.status = Number(rest);
  }
  return steps;
}

function expectLines(found: string, expected: readonly string[], what: string, dir: string): void {
  const lines = expected.map((line) => (line === anyLines ? '(?:.*\\n)*?' : `${pattern(line)}\\n`));
  expect(found.replaceAll(dir, '<dir>'), what).toMatch(new RegExp(`^${lines.join('')}$`));
}

function pattern(line: string): string {
  return line
    .split(/(<\w+>)/)
    .map((part) => placeholders[part.slice(1, -1)] ?? part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('');
}
