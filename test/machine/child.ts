import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const machineRoom = fileURLToPath(new URL('../../src/machine/', import.meta.url));

/** A new folder for one test file. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'breakglass-machine-'));
}

/** Bundles TypeScript that stands in src/machine/ for the moment; returns the path of a program for node. */
export function bundleProgram(folder: string, name: string, source: string): string {
  const outfile = join(folder, `${name}.mjs`);
  buildSync({
    stdin: { contents: source, resolveDir: machineRoom, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return outfile;
}

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a shell line; `$NODE` is this node. */
export function startShell(line: string): ChildProcess {
  return spawn('/bin/sh', ['-c', line], { env: { PATH: process.env['PATH'], NODE: process.execPath } });
}

export async function finish(child: ChildProcess): Promise<Run> {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout: await stdout, stderr: await stderr };
}

/** Resolves once the child has printed `text`. */
export async function printed(child: ChildProcess, text: string): Promise<string> {
  let seen = '';
  for (;;) {
    if (seen.includes(text)) return seen;
    const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    seen += chunk.toString();
  }
}

async function collect(stream: AsyncIterable<Buffer> | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
