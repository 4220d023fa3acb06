import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { build } from 'esbuild';
import { renderScreen } from './virtual-screen.ts';

export interface PtyOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How long each wait may take; a slow machine must not fail a test. */
  readonly patienceMs?: number;
}

/** A program at a pseudo-terminal. Every wait fails with the screen in its message. */
export interface PtySession {
  readonly pid: number;
  /** Everything that was ever written, escape sequences included. */
  readonly output: string;
  /** What a person sees now. */
  readonly screen: string;
  /** Waits until the screen shows `text`. */
  shows(text: string | RegExp): Promise<void>;
  /** Waits until the output behind the last `prints` holds `text`. */
  prints(text: string | RegExp): Promise<void>;
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  signal(name: NodeJS.Signals): void;
  /** Closes the terminal's other side, as a lost connection does. */
  hangUp(): void;
  /** The exit status once the program has ended, and the signal that ended it, or 0. */
  ended(): Promise<{ readonly status: number; readonly signal: number }>;
}

export const keys = {
  enter: '\r',
  backspace: '\x7f',
  ctrlC: '\x03',
  ctrlD: '\x04',
  ctrlU: '\x15',
  ctrlW: '\x17',
  escape: '\x1b',
  up: '\x1b[A',
  down: '\x1b[B',
  pasteBegins: '\x1b[200~',
  pasteEnds: '\x1b[201~',
} as const;

/** Starts a program at a terminal of 80 × 24. */
export function startPty(program: string, args: readonly string[], options: PtyOptions = {}): PtySession {
  const { patienceMs = 20_000 } = options;
  const size = { cols: options.columns ?? 80, rows: options.rows ?? 24 };
  const pty = spawn(program, [...args], {
    ...size,
    name: 'xterm',
    cwd: options.cwd ?? process.cwd(),
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...options.env },
  });
  let output = '';
  let printed = 0;
  let end: { readonly status: number; readonly signal: number } | undefined;
  pty.onData((data) => {
    output += data;
  });
  pty.onExit(({ exitCode, signal }) => {
    end = { status: exitCode, signal: signal ?? 0 };
  });
  const screen = () => renderScreen(output, size.cols, size.rows);
  const until = async <T>(what: string, found: () => T | undefined): Promise<T> => {
    for (let waited = 0; waited < patienceMs; waited += 10) {
      const result = found();
      if (result !== undefined) return result;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no ${what} within ${patienceMs} ms${end ? ` (ended: ${end.status})` : ''}. Screen:\n${screen()}`);
  };
  return {
    pid: pty.pid,
    get output() {
      return output;
    },
    get screen() {
      return screen();
    },
    shows: async (text) => {
      await until(`${text} on the screen`, () => (find(screen(), text) ? true : undefined));
    },
    prints: async (text) => {
      const match = await until(`${text} in the output`, () => find(output.slice(printed), text));
      printed += match.end;
    },
    type: (typed) => pty.write(typed),
    resize: (cols, rows) => {
      Object.assign(size, { cols, rows });
      pty.resize(cols, rows);
    },
    signal: (name) => pty.kill(name),
    hangUp: () => Reflect.get(pty, 'destroy').call(pty),
    ended: () => until('end', () => end),
  };
}

/** Bundles a TypeScript file to one that Node 20 runs. `remove` deletes it. */
export async function bundle(entry: string): Promise<{ readonly path: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'breakglass-fixture-'));
  const path = join(folder, 'fixture.mjs');
  await build({
    entryPoints: [entry],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function find(text: string, wanted: string | RegExp): { readonly end: number } | undefined {
  if (typeof wanted === 'string') {
    const at = text.indexOf(wanted);
    return at < 0 ? undefined : { end: at + wanted.length };
  }
  const match = wanted.exec(text);
  return match ? { end: match.index + match[0].length } : undefined;
}
