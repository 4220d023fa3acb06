import { statSync } from 'node:fs';
import type { MediumTestPorts } from '../../ceremony/media-test.ts';
import { describeDevice } from '../../medium/device.ts';
import type { FoundMedium } from '../../medium/find.ts';
import { realHost } from '../../medium/real-host.ts';
import { awaitOrKey } from '../../terminal/prompts.ts';
import type { Terminal } from '../../terminal/terminal.ts';

type Replug = MediumTestPorts['replug'];

/** Where nobody is asked, the medium stays where it is. */
export const noReplug: Replug = async ({ path }) => ({ path, replugged: false });

/**
 * Asks people to unplug the medium and plug it in again, and sees it go and come back, wherever `find` finds it. A key ends the
 * wait.
 */
export function replugAt(terminal: Terminal, find: () => readonly FoundMedium[]): Replug {
  return async ({ path, label, id }) => {
    const onDisk = diskUnder(path) !== null;
    // A stick that was pulled without unmounting still shows what the kernel has in memory; its device does not show.
    const place = () =>
      find().find((found) => found.medium === id && (!onDisk || diskUnder(found.path) !== null))?.path;
    const unplug = `Unmount the stick ${label}, unplug it, and plug it in again.\nAny key: read back without that.`;
    const left = await awaitOrKey(terminal, unplug, () => (place() === undefined ? 'gone' : undefined));
    if (left === 'key') return { path, replugged: false };
    const back = await awaitOrKey(terminal, 'It is gone. Plug it in and mount it. Any key: give up.', place);
    return back === 'key' ? { path, replugged: false } : { path: back, replugged: true };
  };
}

/** The disk under a path; null when the kernel names none, or names it no more. */
function diskUnder(path: string): string | null {
  try {
    return describeDevice(statSync(path, { bigint: true }).dev, realHost).disk;
  } catch {
    return null;
  }
}
