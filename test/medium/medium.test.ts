import { describe, expect, it } from 'vitest';
import { isBreakglassError } from '../../src/base/errors.ts';
import { checkMedia } from '../../src/medium/check-media.ts';
import { createMedium, openBlank } from '../../src/medium/create.ts';
import { findMedia, isBlank } from '../../src/medium/find.ts';
import { type OpenMedium, openMedium } from '../../src/medium/medium.ts';
import { hostOf, mediumId, otherTrustId, plugIn, reopen, trustId } from './fixture.ts';
import { SimulatedCrash, SimulatedDisk } from './simulated-disk.ts';

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (isBreakglassError(error)) return error.code;
    throw error;
  }
  return 'none';
}

const stick = (disk: SimulatedDisk, label = 'audit-a') => ({ ...hostOf(disk), id: mediumId(label), label });

describe('createMedium', () => {
  it('writes README.TXT, MEDIUM.JSN in canonical form and the trail folder, durably', () => {
    const { disk } = plugIn(['audit-a']);
    disk.cutPower('lost');
    const label = disk.durableFile('audit-a', 'BGTRAIL', 'MEDIUM.JSN');
    expect(Buffer.from(label ?? []).toString()).toBe(
      `{"created":"2026-02-01T08:00:00Z","label":"audit-a","medium":"${mediumId('audit-a')}","trust":"${trustId}","v":1}\n`,
    );
    expect(Buffer.from(disk.durableFile('audit-a', 'BGTRAIL', 'README.TXT') ?? []).toString()).toBe(
      'how to check this\n',
    );
    expect(reopen(disk, ['audit-a'])[0]).toMatchObject({ id: mediumId('audit-a'), label: 'audit-a', warnings: [] });
  });

  it('leaves a blank medium or a finished one, wherever it crashes and whatever survives the power cut', () => {
    for (const unflushed of ['lost', 'torn', 'kept'] as const) {
      for (let at = 1; ; at++) {
        const disk = new SimulatedDisk();
        disk.addStick('audit-a');
        disk.injectFault(at, 'crash');
        try {
          createMedium('/audit-a', stick(disk));
        } catch (error) {
          expect(error).toBeInstanceOf(SimulatedCrash);
        }
        if (disk.faultPending) break;
        disk.cutPower(unflushed);
        if (isBlank('/audit-a', { disk })) createMedium('/audit-a', stick(disk));
        expect(openMedium('/audit-a', hostOf(disk)).warnings, `${unflushed} at ${at}`).toEqual([]);
      }
    }
  });

  it('refuses a medium of this trust with EXISTS and of another with MEDIUM_FOREIGN, and changes neither', () => {
    const { disk } = plugIn(['audit-a']);
    const before = disk.files('audit-a');
    expect(codeOf(() => createMedium('/audit-a', stick(disk)))).toBe('EXISTS');
    expect(codeOf(() => createMedium('/audit-a', { ...stick(disk), trustId: otherTrustId }))).toBe('MEDIUM_FOREIGN');
    expect(disk.files('audit-a')).toEqual(before);
  });

  it('refuses a folder BGTRAIL that it cannot read, in any case of letters', () => {
    const disk = new SimulatedDisk();
    disk.addStick('audit-a');
    disk.plant('audit-a', ['bgtrail', 'X.TXT'], Buffer.from('x'));
    expect(codeOf(() => createMedium('/audit-a', stick(disk)))).toBe('EXISTS');
  });

  it('names a directory that is not there', () => {
    expect(codeOf(() => createMedium('/audit-a', stick(new SimulatedDisk())))).toBe('MEDIUM_NOT_FOUND');
  });
});

describe('openMedium', () => {
  it('names what is missing: the directory, BGTRAIL, the trail folder', () => {
    const { disk } = plugIn(['audit-a']);
    disk.addStick('blank');
    disk.remove('audit-a', ['BGTRAIL', trustId.slice(0, 8)]);
    expect(codeOf(() => openMedium('/nothing', hostOf(disk)))).toBe('MEDIUM_NOT_FOUND');
    expect(codeOf(() => openMedium('/blank', hostOf(disk)))).toBe('MEDIUM_NOT_FOUND');
    expect(codeOf(() => openMedium('/audit-a', hostOf(disk)))).toBe('TRAIL_MISSING');
  });

  it('refuses the medium of another trust, with its label or without', () => {
    const { disk } = plugIn(['audit-a']);
    expect(codeOf(() => openMedium('/audit-a', hostOf(disk, otherTrustId)))).toBe('MEDIUM_FOREIGN');
    disk.remove('audit-a', ['BGTRAIL', 'MEDIUM.JSN']);
    expect(codeOf(() => openMedium('/audit-a', hostOf(disk, otherTrustId)))).toBe('MEDIUM_FOREIGN');
  });

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['not JSON', 'label: audit-a\n'],
    ['not canonical', '{ "v":1 }\n'],
    ['long', 'x'.repeat(100_000)],
  ])('warns about a MEDIUM.JSN that is %s: it is a label only', (_, text) => {
    const { disk } = plugIn(['audit-a']);
    disk.remove('audit-a', ['BGTRAIL', 'MEDIUM.JSN']);
    if (text !== undefined) disk.plant('audit-a', ['BGTRAIL', 'MEDIUM.JSN'], Buffer.from(text));
    const [medium] = reopen(disk, ['audit-a']);
    expect(medium?.warnings.map(({ code }) => code)).toEqual(['MEDIUM_LABEL_DAMAGED']);
    expect(medium?.label).toBe('unlabelled');
    expect(medium?.id).toMatch(/^[A-Za-z0-9_-]{21}[AQgw]$/);
    expect(reopen(disk, ['audit-a'])[0]?.id).toBe(medium?.id);
  });

  it('knows when its path leads elsewhere', () => {
    const { disk, media } = plugIn(['audit-a']);
    expect(media[0]?.isInPlace()).toBe(true);
    disk.swap('audit-a');
    expect(() => media[0]?.isInPlace()).toThrow();
    createMedium('/audit-a', stick(disk));
    expect(media[0]?.isInPlace()).toBe(false);
  });

  it('keeps the first reason for suspicion', () => {
    const { disk, media } = plugIn(['audit-a']);
    disk.injectFault(1, 'EIO');
    expect(codeOf(() => checkMedia(media, rule))).toBe('IO');
    disk.protect('audit-a');
    expect(codeOf(() => checkMedia(media, rule))).toBe('IO');
    expect(media[0]?.suspect?.code).toBe('IO');
  });
});

const rule = { copies: 1, allowFixed: true, bytes: 2000 };

/** The same medium on a device of which sysfs says something. */
function on(
  medium: OpenMedium | undefined,
  device: string,
  disk: string | null,
  removable: boolean | null,
): OpenMedium {
  if (!medium) throw new TypeError('no stick');
  return { ...medium, device, disk, removable };
}

describe('checkMedia', () => {
  it('accepts removable media on different devices and writes nothing', () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    const [a, b] = [on(media[0], '8:17', 'sdb', true), on(media[1], '8:33', 'sdc', true)];
    const before = [disk.files('audit-a'), disk.files('audit-b')];
    expect(checkMedia([a, b], { ...rule, copies: 2, allowFixed: false })).toEqual({ usable: [a, b], refused: [] });
    expect([disk.files('audit-a'), disk.files('audit-b')]).toEqual(before);
  });

  it.each([
    ['fixed', false],
    ['unknown', null],
  ])('refuses a device that is %s unless fixed disks are allowed', (_, removable) => {
    const { media } = plugIn(['audit-a']);
    const medium = on(media[0], '8:1', 'sda', removable);
    expect(codeOf(() => checkMedia([medium], { ...rule, allowFixed: false }))).toBe('MEDIUM_NOT_REMOVABLE');
    expect(checkMedia([medium], rule).usable).toEqual([medium]);
  });

  it.each([
    ['one file system', '8:17', 'sdb'],
    ['two partitions of one stick', '8:18', 'sdb'],
  ])('refuses two media on %s unless fixed disks are allowed', (_, device, disk) => {
    const { media } = plugIn(['audit-a', 'audit-b']);
    const pair = [on(media[0], '8:17', 'sdb', true), on(media[1], device, disk, true)];
    expect(codeOf(() => checkMedia(pair, { ...rule, copies: 2, allowFixed: false }))).toBe('MEDIUM_SAME_DEVICE');
    expect(checkMedia(pair, { ...rule, copies: 2 }).usable).toHaveLength(2);
  });

  it('refuses the same folder twice even when fixed disks are allowed', () => {
    const { disk, media } = plugIn(['audit-a']);
    const twice = [...media, ...reopen(disk, ['audit-a'])];
    expect(codeOf(() => checkMedia(twice, { ...rule, copies: 2 }))).toBe('MEDIUM_SAME_DEVICE');
  });

  it('refuses a read-only stick, a full one, a pulled one and a swapped one', () => {
    const one = (spoil: (disk: SimulatedDisk) => void) => {
      const { disk, media } = plugIn(['audit-a']);
      spoil(disk);
      return codeOf(() => checkMedia(media, rule));
    };
    expect(one((disk) => disk.protect('audit-a'))).toBe('MEDIUM_READ_ONLY');
    expect(one((disk) => disk.leaveFree('audit-a', 1024 * 1024 + rule.bytes - 1))).toBe('MEDIUM_FULL');
    expect(one((disk) => disk.leaveFree('audit-a', 1024 * 1024 + rule.bytes))).toBe('none');
    expect(one((disk) => disk.pull('audit-a'))).toBe('IO');
    expect(one((disk) => disk.swap('audit-a'))).toBe('MEDIUM_CHANGED');
  });

  it('leaves a bad stick out when enough good ones are there', () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b', 'audit-c']);
    disk.protect('audit-b');
    const { usable, refused } = checkMedia(media, { ...rule, copies: 2 });
    expect(usable.map(({ label }) => label)).toEqual(['audit-a', 'audit-c']);
    expect(refused.map(({ medium, error }) => [medium.label, error.code])).toEqual([['audit-b', 'MEDIUM_READ_ONLY']]);
  });

  it('names every failure when too few remain', () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.protect('audit-a');
    disk.leaveFree('audit-b', 0);
    const message = () => checkMedia(media, { ...rule, copies: 2 });
    expect(message).toThrow(/stick audit-a: .*EROFS.*; stick audit-b is full .*; 0 of the 2 media/);
    expect(codeOf(() => checkMedia([], rule))).toBe('MEDIUM_TOO_FEW');
  });

  it('checks blank media by the same law', () => {
    const disk = new SimulatedDisk();
    disk.addStick('audit-a');
    const blank = openBlank('/audit-a', stick(disk));
    expect(checkMedia([blank], rule).usable).toEqual([blank]);
    disk.protect('audit-a');
    expect(codeOf(() => checkMedia([blank], rule))).toBe('MEDIUM_READ_ONLY');
  });
});

describe('findMedia', () => {
  it('finds the media of a trust among directories of any kind', () => {
    const { disk } = plugIn(['audit-a', 'audit-b']);
    plugIn(['other'], { disk, trust: otherTrustId });
    disk.addStick('blank');
    const found = findMedia(['/blank', '/nothing', '/audit-b', '/other', '/audit-a', '/audit-a'], { trustId, disk });
    expect(found.map(({ path, label }) => [path, label])).toEqual([
      ['/audit-b', 'audit-b'],
      ['/audit-a', 'audit-a'],
    ]);
    expect(found[0]?.medium).toBe(mediumId('audit-b'));
  });

  it('tells a blank directory from a medium and from nothing', () => {
    const { disk } = plugIn(['audit-a']);
    disk.addStick('blank');
    expect(isBlank('/blank', { disk })).toBe(true);
    expect(isBlank('/audit-a', { disk })).toBe(false);
    expect(isBlank('/nothing', { disk })).toBe(false);
  });
});
