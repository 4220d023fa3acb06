import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What sysfs says about the device under a file system. */
export interface DeviceFacts {
  /** `major:minor` of the file system's device. */
  readonly device: string;
  /** The kernel's name of the whole disk (`sdb`), so that two partitions of one stick are seen as one; null if unknown. */
  readonly disk: string | null;
  /** null: sysfs does not say, as for tmpfs and overlay. */
  readonly removable: boolean | null;
}

/**
 * Looks up `st_dev` below `sysfsRoot` (`/sys`). Removable is a disk whose `removable` is 1, one that hangs on a USB bus (an
 * external SSD says 0), and an SD card. A device-mapper volume (LUKS) is what the disks under it are.
 */
export function describeDevice(device: bigint, { sysfsRoot }: { readonly sysfsRoot: string }): DeviceFacts {
  const name = formatDevice(device);
  return describeDeviceName(name, { sysfsRoot });
}

/** The same by `major:minor`. */
export function describeDeviceName(device: string, { sysfsRoot }: { readonly sysfsRoot: string }): DeviceFacts {
  const folders = wholeDisks(resolve(join(sysfsRoot, 'dev/block', device)));
  const [first] = folders;
  if (first === undefined) return { device, disk: null, removable: null };
  return { device, disk: basename(first), removable: folders.every((folder) => isRemovable(folder, sysfsRoot)) };
}

/** `major:minor` of a Linux `st_dev` (glibc's gnu_dev_major and gnu_dev_minor). */
export function formatDevice(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

const deepestStack = 8;

/** The sysfs folders of the disks that a block device lies on. */
function wholeDisks(folder: string | undefined, depth = 0): readonly string[] {
  if (folder === undefined || depth > deepestStack) return [];
  const lower = entries(join(folder, 'slaves')).map((name) => resolve(join(folder, 'slaves', name)));
  if (lower.length > 0) return lower.flatMap((below) => wholeDisks(below, depth + 1));
  return [read(join(folder, 'partition')) === undefined ? folder : dirname(folder)];
}

function isRemovable(disk: string, sysfsRoot: string): boolean {
  if (read(join(disk, 'removable')) === '1') return true;
  if (read(join(disk, 'device/type')) === 'SD') return true;
  const inside = disk.slice((resolve(sysfsRoot) ?? sysfsRoot).length);
  return inside.split('/').some((component) => /^usb\d*$/.test(component));
}

function resolve(path: string): string | undefined {
  return attempt(() => realpathSync(path));
}

function entries(path: string): readonly string[] {
  return attempt(() => readdirSync(path)) ?? [];
}

function read(path: string): string | undefined {
  return attempt(() => readFileSync(path, 'latin1').trim());
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
