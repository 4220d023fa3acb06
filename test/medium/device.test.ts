import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeDevice, formatDevice } from '../../src/medium/device.ts';
import { findMounted } from '../../src/medium/find.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bg-sysfs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function plant(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A disk with one partition; `bus` is where it hangs. */
function plantDisk(
  bus: string,
  name: string,
  removable: '0' | '1',
  numbers: { whole: string; partition: string },
): void {
  plant(`devices/${bus}/block/${name}/removable`, `${removable}\n`);
  plant(`devices/${bus}/block/${name}/${name}1/partition`, '1\n');
  link(numbers.whole, `devices/${bus}/block/${name}`);
  link(numbers.partition, `devices/${bus}/block/${name}/${name}1`);
}

function link(number: string, target: string): void {
  mkdirSync(join(root, 'dev/block'), { recursive: true });
  symlinkSync(join('../..', target), join(root, 'dev/block', number));
}

const usb = 'pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0';
const sata = 'pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0';
const dev = (major: number, minor: number) => (BigInt(major) << 8n) | BigInt(minor);

describe('describeDevice', () => {
  it('calls a partition of a disk with removable = 1 removable', () => {
    plantDisk(sata, 'sdb', '1', { whole: '8:16', partition: '8:17' });
    expect(describeDevice(dev(8, 17), { sysfsRoot: root })).toEqual({ device: '8:17', disk: 'sdb', removable: true });
    expect(describeDevice(dev(8, 16), { sysfsRoot: root })).toEqual({ device: '8:16', disk: 'sdb', removable: true });
  });

  it('calls what hangs on a USB bus removable although the kernel says 0', () => {
    plantDisk(usb, 'sdc', '0', { whole: '8:32', partition: '8:33' });
    expect(describeDevice(dev(8, 33), { sysfsRoot: root }).removable).toBe(true);
  });

  it('calls an SD card removable and soldered memory fixed', () => {
    for (const [name, type, minor] of [
      ['mmcblk0', 'SD', 1],
      ['mmcblk1', 'MMC', 9],
    ] as const) {
      plantDisk('platform/mmc', name, '0', { whole: `179:${minor - 1}`, partition: `179:${minor}` });
      plant(`devices/platform/mmc/block/${name}/device/type`, `${type}\n`);
    }
    expect(describeDevice(dev(179, 1), { sysfsRoot: root }).removable).toBe(true);
    expect(describeDevice(dev(179, 9), { sysfsRoot: root }).removable).toBe(false);
  });

  it('calls a disk inside the machine fixed', () => {
    plantDisk(sata, 'sda', '0', { whole: '8:0', partition: '8:1' });
    expect(describeDevice(dev(8, 1), { sysfsRoot: root })).toEqual({ device: '8:1', disk: 'sda', removable: false });
  });

  it('judges an encrypted volume by the disks under it, all of them', () => {
    plantDisk(usb, 'sdc', '0', { whole: '8:32', partition: '8:33' });
    plantDisk(sata, 'sda', '0', { whole: '8:0', partition: '8:1' });
    plant('devices/virtual/block/dm-0/removable', '0\n');
    link('253:0', 'devices/virtual/block/dm-0');
    mkdirSync(join(root, 'devices/virtual/block/dm-0/slaves'));
    const slave = (name: string, target: string) =>
      symlinkSync(join(root, target), join(root, 'devices/virtual/block/dm-0/slaves', name));
    slave('sdc1', `devices/${usb}/block/sdc/sdc1`);
    expect(describeDevice(dev(253, 0), { sysfsRoot: root })).toEqual({ device: '253:0', disk: 'sdc', removable: true });
    slave('sda1', `devices/${sata}/block/sda/sda1`);
    expect(describeDevice(dev(253, 0), { sysfsRoot: root }).removable).toBe(false);
  });

  it('does not guess where sysfs says nothing', () => {
    expect(describeDevice(dev(0, 42), { sysfsRoot: root })).toEqual({ device: '0:42', disk: null, removable: null });
    expect(describeDevice(dev(8, 1), { sysfsRoot: join(root, 'nowhere') }).removable).toBe(null);
  });

  it('is not fooled by a sysfs root under a folder called usb', () => {
    root = join(root, 'usb1/sys');
    plantDisk(sata, 'sda', '0', { whole: '8:0', partition: '8:1' });
    expect(describeDevice(dev(8, 1), { sysfsRoot: root }).removable).toBe(false);
    root = dirname(dirname(root));
  });

  it('takes major and minor apart as glibc does', () => {
    expect(formatDevice(0x801n)).toBe('8:1');
    expect(formatDevice((259n & 0xfffn) << 8n)).toBe('259:0');
    expect(formatDevice(0x100000n | (8n << 8n) | 0x05n)).toBe('8:261');
  });
});

describe('findMounted', () => {
  it('lists the mount points of removable devices once, with the octal escapes decoded', () => {
    plantDisk(usb, 'sdc', '0', { whole: '8:32', partition: '8:33' });
    plantDisk(sata, 'sda', '0', { whole: '8:0', partition: '8:1' });
    plant(
      'mountinfo',
      [
        '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
        '23 22 0:21 / /proc rw shared:2 - proc proc rw',
        '40 22 8:33 / /media/dana/AUDIT\\040A\\134 rw,nosuid - vfat /dev/sdc1 rw',
        '41 22 8:33 / /media/dana/AUDIT\\040A\\134 rw,nosuid - vfat /dev/sdc1 rw',
        'nonsense',
        '',
      ].join('\n'),
    );
    expect(findMounted({ mountInfoFile: join(root, 'mountinfo'), sysfsRoot: root })).toEqual(['/media/dana/AUDIT A\\']);
  });
});
