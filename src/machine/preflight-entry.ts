import type { PreflightEntry } from '../trail/record.ts';
import { type Check, runPreflight } from './preflight.ts';

/** The checks of the machine that we run on. */
export function machinePreflight(): Check[] {
  return [...runPreflight({ procRoot: '/proc', sysRoot: '/sys', env: process.env, execArgv: process.execArgv })];
}

/** What a ceremony record keeps of the checks. */
export function preflightEntry(mode: PreflightEntry['mode'], checks: readonly Check[]): PreflightEntry {
  return { mode, checks: checks.map(({ name, ok }) => ({ name, ok })) };
}
