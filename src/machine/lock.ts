import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BreakglassError, systemErrorCode } from '../base/errors.ts';
import { formatTime } from '../base/time.ts';
import { machineFacts } from './clock.ts';
import { ioError, makePrivateDirectory, pause } from './files.ts';
import { checkStateDirectory } from './state-dir.ts';

/** The right to change a state directory. Release it in `finally`; the end of the process releases it too. */
export interface Lock {
  release(): void;
}

/**
 * Claims a state directory for this process. A claim is an empty file in `lock/` whose name says who claims: boot, process
 * and the tick at which it started, which together never come again. So anybody may remove the claim of a process that
 * is gone, whenever, and nothing has to be taken over. Who claims looks for others only after its own claim stands: of
 * two, at least one sees the other. Makes `dir` if need be. Throws `STATE_BUSY`, or `STATE_EXPOSED` when others may write
 * into `dir`.
 *
 * A process in another pid namespace (another container) cannot be seen and counts as gone.
 */
export function lockState(
  dir: string,
  options: { readonly waitMilliseconds: number } = { waitMilliseconds: 500 },
): Lock {
  const folder = join(dir, 'lock');
  makePrivateDirectory(dir);
  checkStateDirectory(dir);
  makePrivateDirectory(folder);
  const mine = claimantOf(process.pid);
  const deadline = performance.now() + options.waitMilliseconds;
  for (;;) {
    const rival = tryClaim(folder, mine);
    if (rival === undefined) return heldLock(join(folder, claimName(mine)));
    if (performance.now() > deadline) throw busy(folder, rival);
    pause(5 + Math.random() * 20);
  }
}

interface Claimant {
  readonly boot: string;
  readonly pid: number;
  /** Clock ticks from boot to the start of the process: field 22 of /proc/PID/stat. */
  readonly started: string;
}

/** Undefined when the claim stands; otherwise it was withdrawn in favour of the living rival. */
function tryClaim(folder: string, mine: Claimant): Claimant | undefined {
  const path = join(folder, claimName(mine));
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (cause) {
    if (systemErrorCode(cause) === 'EEXIST') return mine;
    throw ioError(path, 'was not made', cause);
  }
  const rival = livingRival(folder, mine);
  if (rival) rmSync(path, { force: true });
  return rival;
}

function livingRival(folder: string, mine: Claimant): Claimant | undefined {
  for (const name of readdirSync(folder)) {
    const claimant = parseClaim(name);
    if (!claimant || name === claimName(mine)) continue;
    if (isAlive(claimant, mine.boot)) return claimant;
    rmSync(join(folder, name), { force: true });
  }
  return undefined;
}

function claimName(claimant: Claimant): string {
  return `${claimant.boot}.${claimant.pid}.${claimant.started}`;
}

function parseClaim(name: string): Claimant | undefined {
  const match = /^([a-z0-9-]+)\.(\d+)\.(\d+)$/.exec(name);
  const [, boot, pid, started] = match ?? [];
  return boot && pid && started ? { boot, pid: Number(pid), started } : undefined;
}

function claimantOf(pid: number): Claimant {
  return { boot: machineFacts().boot, pid, started: processStart(pid)?.started ?? '0' };
}

function isAlive(claimant: Claimant, boot: string): boolean {
  if (claimant.boot !== boot) return false;
  const found = processStart(claimant.pid);
  if (found) return found.started === claimant.started && !found.dead;
  try {
    process.kill(claimant.pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) !== 'ESRCH';
  }
}

/** State and start tick of a process from /proc/PID/stat (proc(5)); the command's name in it may hold spaces and brackets. */
function processStart(pid: number): { readonly started: string; readonly dead: boolean } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return state && started ? { started, dead: state === 'Z' || state === 'X' } : undefined;
}

function heldLock(path: string): Lock {
  const release = () => {
    process.off('exit', release);
    rmSync(path, { force: true });
  };
  process.on('exit', release);
  return { release };
}

function busy(folder: string, rival: Claimant): BreakglassError {
  const since = claimTime(join(folder, claimName(rival)));
  return new BreakglassError('STATE_BUSY', `the state directory is in use by process ${rival.pid}${since}`, {
    hint: 'let the other breakglass finish, or end it, and run the same command again. Nothing was done.',
  });
}

function claimTime(path: string): string {
  try {
    return ` since ${formatTime(Math.floor(statSync(path).mtimeMs / 1000))}`;
  } catch {
    return '';
  }
}
