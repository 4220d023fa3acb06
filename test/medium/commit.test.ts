import { describe, expect, it } from 'vitest';
import { isBreakglassError } from '../../src/base/errors.ts';
import { commitRecord, type DurableReceipt } from '../../src/medium/commit.ts';
import type { OpenMedium } from '../../src/medium/medium.ts';
import { recordName } from '../../src/trail/layout.ts';
import { pathOf, plugIn, recordOf, reopen, trustId } from './fixture.ts';
import { type Fault, SimulatedCrash, type SimulatedDisk } from './simulated-disk.ts';

const bytes = Buffer.from('the record of this ceremony\n');
const record = recordOf(7, bytes);
const faults: readonly Fault[] = ['ENOSPC', 'EIO', 'EROFS', 'ENOENT', 'short', 'crash', 'pull', 'corrupt'];

async function attempt(media: readonly OpenMedium[], copies: number): Promise<DurableReceipt | Error> {
  try {
    return await commitRecord(media, record, { copies });
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

function countDurable(disk: SimulatedDisk, labels: readonly string[]): number {
  return labels.filter((label) => {
    const found = disk.durableFile(label, ...pathOf(trustId, record.name));
    return found !== undefined && Buffer.compare(found, bytes) === 0;
  }).length;
}

const protocol = (stick: string) =>
  [
    ['create', recordName(7)],
    ['write', recordName(7)],
    ['sync file', recordName(7)],
    ['close file', recordName(7)],
    ['sync directory', ''],
    ['read', recordName(7)],
    ['identify', `BGTRAIL/${trustId.slice(0, 8)}`],
  ].map(([call, name]) => ({ call, stick, name }));

describe('commitRecord', () => {
  it('makes exactly the calls of the protocol, one medium after the other', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    const receipt = await commitRecord(media, record, { copies: 2 });
    expect(disk.log).toEqual([...protocol('audit-a'), ...protocol('audit-b')]);
    expect(receipt).toMatchObject({ seq: 7, sha256: record.sha256 });
    expect(receipt.reached.map(({ label, ok, error }) => ({ label, ok, error }))).toEqual([
      { label: 'audit-a', ok: true, error: null },
      { label: 'audit-b', ok: true, error: null },
    ]);
  });

  for (const [labels, copies] of [
    [['audit-a', 'audit-b'], 1],
    [['audit-a', 'audit-b'], 2],
    [['audit-a', 'audit-b', 'audit-c'], 2],
    [['audit-a', 'audit-b', 'audit-c'], 3],
  ] as const) {
    it(`gives no receipt unless ${copies} of ${labels.length} media hold the record after a power cut, whatever fails at whatever call`, async () => {
      let tried = 0;
      for (const fault of faults) {
        for (let at = 1; ; at++) {
          const { disk, media } = plugIn(labels);
          disk.injectFault(at, fault);
          const outcome = await attempt(media, copies);
          if (disk.faultPending) break;
          tried++;
          disk.cutPower('lost');
          const durable = countDurable(disk, labels);
          if (outcome instanceof Error)
            expect(outcome instanceof SimulatedCrash || isBreakglassError(outcome), `${fault} at ${at}`).toBe(true);
          else expect(durable, `${fault} at ${at}`).toBeGreaterThanOrEqual(copies);
        }
      }
      expect(tried).toBeGreaterThanOrEqual(faults.length * protocol('').length * copies);
    });
  }

  it('gives no receipt for what two faults left behind either', async () => {
    const labels = ['audit-a', 'audit-b', 'audit-c'];
    for (const first of ['EIO', 'short', 'pull'] as const) {
      for (let at = 1; at <= 21; at++) {
        for (let later = at + 1; later <= 22; later++) {
          const { disk, media } = plugIn(labels);
          disk.injectFault(at, first);
          disk.injectFault(later, 'EIO');
          const outcome = await attempt(media, 2);
          disk.cutPower('lost');
          if (!(outcome instanceof Error)) expect(countDurable(disk, labels)).toBeGreaterThanOrEqual(2);
        }
      }
    }
  });

  it('takes a failure of any one step for a failure of that medium', async () => {
    for (const [index, { call }] of protocol('audit-a').entries()) {
      const { disk, media } = plugIn(['audit-a', 'audit-b', 'audit-c']);
      disk.injectFault(index + 1, 'EIO');
      const receipt = await commitRecord(media, record, { copies: 2 });
      expect(
        receipt.reached.map(({ ok }) => ok),
        call,
      ).toEqual([false, true, true]);
    }
  });

  it('flushes a file once: after a failed flush no second one is asked for', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b', 'audit-c']);
    disk.injectFault(1, 'EIO', 'sync file');
    const receipt = await commitRecord(media, record, { copies: 2 });
    const flushes = disk.log.filter(({ call, stick }) => call.startsWith('sync') && stick === 'audit-a');
    expect(flushes.map(({ call }) => call)).toEqual(['sync file']);
    expect(receipt.reached.map(({ ok }) => ok)).toEqual([false, true, true]);
  });

  it('names the stick and the step, and says that no token was issued', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.injectFault(1, 'EIO', 'sync file');
    const error = await attempt(media, 2);
    if (!isBreakglassError(error)) throw new TypeError('no error');
    expect(error.code).toBe('IO');
    expect(error.message).toBe(
      'stick audit-a: flush to media failed (EIO); record 7 is on 0 of the 2 media that must hold it',
    );
    expect(error.hint).toContain('no token was issued');
  });

  it('writes nothing more once the copies cannot be reached', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.injectFault(1, 'ENOSPC');
    expect(await attempt(media, 2)).toMatchObject({ code: 'MEDIUM_FULL' });
    expect(disk.log.some(({ stick }) => stick === 'audit-b')).toBe(false);
  });

  it('goes on with the good ones and never touches a suspect medium again in this run', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b', 'audit-c']);
    disk.injectFault(1, 'EIO');
    await commitRecord(media, record, { copies: 2 });
    disk.log.length = 0;
    const next = await commitRecord(media, recordOf(8, Buffer.from('next\n')), { copies: 2 });
    expect(disk.log.some(({ stick }) => stick === 'audit-a')).toBe(false);
    expect(next.reached[0]).toMatchObject({ label: 'audit-a', ok: false, error: { code: 'IO' } });
  });

  it('refuses a stick that was swapped for another while it wrote', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.swap('audit-a');
    const error = await attempt(media, 2);
    expect(error).toMatchObject({ code: 'MEDIUM_CHANGED' });
  });

  it('refuses a file that reads back different', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.injectFault(1, 'corrupt', 'read');
    expect(await attempt(media, 2)).toMatchObject({ code: 'MEDIUM_READ_BACK' });
  });

  it('overwrites nothing: another file of that name is another run', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.plant('audit-a', pathOf(trustId, record.name), Buffer.from('somebody else\n'));
    expect(await attempt(media, 2)).toMatchObject({ code: 'MEDIUM_IN_USE' });
    expect(disk.durableFile('audit-a', ...pathOf(trustId, record.name))).toEqual(Buffer.from('somebody else\n'));
  });

  it('counts the same bytes, left by a crash, only after flushing them and their name', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.plant('audit-a', pathOf(trustId, record.name), bytes);
    await commitRecord(media, record, { copies: 2 });
    expect(disk.log.filter(({ stick }) => stick === 'audit-a').map(({ call }) => call)).toEqual([
      'create',
      'read',
      'sync existing',
      'sync directory',
      'read',
      'identify',
    ]);
  });

  it('with fewer media than copies writes nothing', async () => {
    const { disk, media } = plugIn(['audit-a']);
    expect(await attempt(media, 2)).toMatchObject({ code: 'MEDIUM_TOO_FEW' });
    expect(disk.log).toEqual([]);
  });

  it.each([
    ['no copies at all', { copies: 0 }, record],
    ['half a copy', { copies: 1.5 }, record],
    ['another hash', { copies: 1 }, { ...record, sha256: '0'.repeat(64) }],
    ['another name', { copies: 1 }, { ...record, name: recordName(8) }],
    ['no bytes', { copies: 1 }, { ...recordOf(7, new Uint8Array()) }],
  ] as const)('takes %s for the bug that it is', async (_, options, bad) => {
    const { disk, media } = plugIn(['audit-a']);
    await expect(commitRecord(media, bad, options)).rejects.toThrow(TypeError);
    expect(disk.log).toEqual([]);
  });

  it('does not count one folder twice', async () => {
    const { media } = plugIn(['audit-a']);
    const [medium] = media;
    if (!medium) throw new TypeError('one stick');
    await expect(commitRecord([medium, medium], record, { copies: 2 })).rejects.toThrow(TypeError);
  });

  it('LIMIT: a stick that says that it flushed and did not is believed', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.lie('audit-a');
    const receipt = await commitRecord(media, record, { copies: 2 });
    expect(receipt.reached.every(({ ok }) => ok)).toBe(true);
    disk.cutPower('lost');
    expect(countDurable(disk, ['audit-a', 'audit-b'])).toBe(1);
  });

  it('LIMIT: after a failed flush, another run without unplugging the stick is told by the kernel that all is well', async () => {
    const { disk, media } = plugIn(['audit-a', 'audit-b']);
    disk.injectFault(1, 'EIO', 'sync file');
    expect(await attempt(media, 2)).toMatchObject({ code: 'IO' });
    const receipt = await commitRecord(reopen(disk, ['audit-a', 'audit-b']), record, { copies: 2 });
    expect(receipt.reached.every(({ ok }) => ok)).toBe(true);
    disk.cutPower('lost');
    expect(countDurable(disk, ['audit-a', 'audit-b'])).toBe(1);
  });
});
