import { Unreadable } from './kernel-file.ts';
import { coreDumps, swapsOnDisk } from './preflight-memory.ts';
import { defaultRoutes, interfacesUp, radiosOn } from './preflight-network.ts';
import {
  codeVariables,
  foreignOptions,
  openToPtrace,
  sessionVariables,
  setVariables,
  tracers,
} from './preflight-process.ts';

/** One fact about the machine that a policy with `preflight = "require"` insists on. */
export interface Check {
  /** An identifier: the same in records, on the screen and in docs/assurance.md. */
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
  /** How to make it pass; empty when it does. */
  readonly hint: string;
}

/** Where the facts are read from; a test plants its own trees. */
export interface PreflightSources {
  /** `/proc` */
  readonly procRoot: string;
  /** `/sys` */
  readonly sysRoot: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `process.execArgv` */
  readonly execArgv: readonly string[];
}

/** What keeps a check from passing, and what to do about it. */
export interface Problem {
  readonly what: string;
  readonly fix: string;
}

type Search = (sources: PreflightSources) => readonly Problem[];

const checks: readonly { readonly name: string; readonly good: string; readonly search: Search }[] = [
  { name: 'network-down', good: 'no network interface is up', search: interfacesUp },
  { name: 'no-default-route', good: 'there is no default route', search: defaultRoutes },
  { name: 'radios-off', good: 'no radio is on', search: radiosOn },
  { name: 'no-swap', good: 'memory is not swapped to a disk', search: swapsOnDisk },
  { name: 'no-core-dumps', good: 'a crash leaves no core dump', search: coreDumps },
  {
    name: 'no-node-options',
    good: 'no variable loads foreign code',
    search: ({ env }) => setVariables(env, codeVariables),
  },
  { name: 'no-inspector', good: 'no debugger, profiler or preloaded module', search: foreignOptions },
  { name: 'not-traced', good: 'no process traces this one', search: tracers },
  { name: 'ptrace-restricted', good: 'processes of the same user cannot attach', search: openToPtrace },
  {
    name: 'local-session',
    good: 'the session is at this machine',
    search: ({ env }) => setVariables(env, sessionVariables),
  },
];

/**
 * Looks at the machine before any custodian is asked for a share. Only files under the two roots are read: no socket, no
 * child process. What cannot be read has not passed.
 */
export function runPreflight(sources: PreflightSources): Check[] {
  return checks.map(({ name, good, search }) => {
    const problems = searchReadable(search, sources);
    if (problems.length === 0) return { name, ok: true, message: good, hint: '' };
    return { name, ok: false, message: joined(problems, 'what'), hint: joined(problems, 'fix') };
  });
}

function searchReadable(search: Search, sources: PreflightSources): readonly Problem[] {
  try {
    return search(sources);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return [{ what: `${error.message} cannot be read`, fix: 'mount /proc and /sys, then run the same command again' }];
  }
}

function joined(problems: readonly Problem[], member: keyof Problem): string {
  return [...new Set(problems.map((problem) => problem[member]))].join('; ');
}
