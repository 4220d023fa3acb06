import { readFileSync } from 'node:fs';
import { isFreeText } from '../base/text.ts';
import type { Clock } from '../base/time.ts';

/** The clock of the machine: right only as far as people have confirmed it. */
export const systemClock: Clock = { now: () => Math.floor(Date.now() / 1000) };

/** Which boot of which machine this is, and for how many seconds it has run: they show a clock that was set back. */
export interface MachineFacts {
  readonly boot: string;
  readonly uptime: number;
}

/** From /proc; `unknown` and 0 where it does not say. */
export function machineFacts(procRoot = '/proc'): MachineFacts {
  const boot = readLine(`${procRoot}/sys/kernel/random/boot_id`);
  const uptime = Math.floor(Number.parseFloat(readLine(`${procRoot}/uptime`)));
  return { boot: isFreeText(boot) ? boot : 'unknown', uptime: Number.isSafeInteger(uptime) && uptime > 0 ? uptime : 0 };
}

/** Whole milliseconds since this process started; does not jump when somebody sets the clock. */
export function monotonicMilliseconds(): number {
  return Math.round(process.uptime() * 1000);
}

function readLine(path: string): string {
  try {
    return readFileSync(path, 'latin1').split('\n', 1)[0] ?? '';
  } catch {
    return '';
  }
}
