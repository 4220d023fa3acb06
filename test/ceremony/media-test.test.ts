import { describe, expect, test } from 'vitest';
import { BreakglassError } from '../../src/base/errors.ts';
import { type Replugged, testMedium, testRecord } from '../../src/ceremony/media-test.ts';
import { probeName } from '../../src/trail/layout.ts';
import { otherTrustId, plugIn, trustId } from '../medium/fixture.ts';
import { SimulatedDisk } from '../medium/simulated-disk.ts';
import { fixedRandom } from '../trail/build.ts';

function stick() {
  const { disk } = plugIn(['audit-a']);
  return { disk, before: disk.files('audit-a') };
}

function run(
  disk: SimulatedDisk,
  replug: () => Promise<Replugged> = async () => ({ path: '/audit-a', replugged: true }),
) {
  return testMedium('/audit-a', trustId, {
    random: fixedRandom('probe'),
    host: { disk, sysfsRoot: '/nowhere' },
    replug,
  });
}

describe('media test', () => {
  test('writes by the append protocol, reads back after the re-plug, and leaves the stick as it was', async () => {
    const { disk, before } = stick();
    let during: Uint8Array | undefined;
    const tested = await run(disk, async () => {
      during = disk.durableFile('audit-a', probeName);
      return { path: '/audit-a', replugged: true };
    });
    expect(tested).toMatchObject({ label: 'audit-a', replugged: true, error: null, bytes: 262_144 });
    expect(during?.length).toBe(262_144);
    expect(disk.files('audit-a')).toEqual(before);
    expect(testRecord(tested)).toMatchObject({
      type: 'media.tested',
      label: 'audit-a',
      reason: 'good: 262144 bytes written, flushed and read back; unplugged in between',
    });
  });

  test('without a re-plug it says that it proves less', async () => {
    const { disk } = stick();
    const tested = await run(disk, async () => ({ path: '/audit-a', replugged: false }));
    expect(testRecord(tested)).toMatchObject({ reason: expect.stringContaining('proves less') });
  });

  test('a stick that says that it flushed and did not is found by unplugging it', async () => {
    const { disk } = stick();
    disk.lie('audit-a');
    const tested = await run(disk, async () => {
      disk.cutPower('lost');
      return { path: '/audit-a', replugged: true };
    });
    expect(tested.error).toMatchObject({ code: 'MEDIUM_READ_BACK' });
    expect(testRecord(tested)).toMatchObject({ reason: expect.stringMatching(/^failed \(MEDIUM_READ_BACK\): /) });
  });

  test('a stick that changes a byte is found', async () => {
    const { disk, before } = stick();
    const tested = await run(disk, async () => {
      disk.injectFault(1, 'corrupt', 'read');
      return { path: '/audit-a', replugged: true };
    });
    expect(tested.error).toMatchObject({ code: 'MEDIUM_READ_BACK' });
    expect(disk.files('audit-a')).toEqual(before);
  });

  test('a full stick fails, and no probe stays', async () => {
    const { disk, before } = stick();
    disk.injectFault(1, 'ENOSPC', 'write');
    const tested = await run(disk);
    expect(tested.error).toMatchObject({ code: 'MEDIUM_FULL' });
    expect(disk.files('audit-a')).toEqual(before);
  });

  test('a read-only stick fails, and nobody is asked to unplug it', async () => {
    const { disk, before } = stick();
    disk.protect('audit-a');
    const tested = await run(disk, async () => {
      throw new Error('asked');
    });
    expect(tested.error).toMatchObject({ code: 'MEDIUM_READ_ONLY' });
    expect(disk.files('audit-a')).toEqual(before);
  });

  test('a stick that is pulled at any call fails as a stick, never as a bug', async () => {
    const { disk: whole } = stick();
    await run(whole);
    for (let at = 1; at <= whole.log.length; at++) {
      const { disk } = stick();
      disk.injectFault(at, 'pull');
      const outcome = await run(disk).then(
        ({ error }) => error?.code,
        (error: unknown) => (error instanceof BreakglassError ? error.code : error),
      );
      expect(outcome).toMatch(/^(MEDIUM_CHANGED|MEDIUM_NOT_FOUND|IO)$/);
    }
  });

  test('a probe that an interrupted test left is taken away first', async () => {
    const { disk, before } = stick();
    disk.plant('audit-a', [probeName], Buffer.from('old'));
    expect((await run(disk)).error).toBeNull();
    expect(disk.files('audit-a')).toEqual(before);
  });

  test('who leaves at the question leaves no probe, and the test is recorded as not ended', async () => {
    const { disk, before } = stick();
    const tested = await run(disk, async () => {
      throw new BreakglassError('ABORTED', 'stopped by Ctrl-C', { hint: 'again' });
    });
    expect(tested.error).toMatchObject({ code: 'ABORTED' });
    expect(testRecord(tested)).toMatchObject({ reason: 'not ended (ABORTED): it was not read back' });
    expect(disk.files('audit-a')).toEqual(before);
  });

  test('a stick of another trust, a blank one and none at all are refused before anything is written', async () => {
    const { disk } = plugIn(['audit-a'], { trust: otherTrustId });
    const before = disk.files('audit-a');
    await expect(run(disk)).rejects.toMatchObject({ code: 'MEDIUM_FOREIGN' });
    expect(disk.files('audit-a')).toEqual(before);
    const blank = new SimulatedDisk();
    blank.addStick('audit-a');
    await expect(run(blank)).rejects.toMatchObject({ code: 'MEDIUM_NOT_FOUND' });
    await expect(run(new SimulatedDisk())).rejects.toMatchObject({ code: 'MEDIUM_NOT_FOUND' });
  });
});
