import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isBreakglassError, systemErrorCode } from '../../src/base/errors.ts';
import { appendFile } from '../../src/medium/append.ts';
import { checkMedia } from '../../src/medium/check-media.ts';
import { commitRecord } from '../../src/medium/commit.ts';
import { createMedium } from '../../src/medium/create.ts';
import { type OpenMedium, openMedium } from '../../src/medium/medium.ts';
import { applyMend } from '../../src/medium/mend.ts';
import { realDisk } from '../../src/medium/real-disk.ts';
import { planMend } from '../../src/medium/reconcile.ts';
import { recordName } from '../../src/trail/layout.ts';
import { buildTrail } from '../trail/build.ts';
import { created, mediumId, mendOptions, recordOf, trustId } from './fixture.ts';

let root: string;
const opened: { close(): void }[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bg-media-'));
});
afterEach(() => {
  for (const held of opened.splice(0)) held.close();
  rmSync(root, { recursive: true });
});

const host = (trust: string) => ({
  disk: realDisk,
  sysfsRoot: '/sys',
  trustId: trust,
  now: created,
  readme: 'how to check this\n',
});

function make(label: string, trust = trustId): OpenMedium {
  mkdirSync(join(root, label));
  const medium = createMedium(join(root, label), { ...host(trust), id: mediumId(label), label });
  opened.push(medium);
  return medium;
}

function open(label: string, trust = trustId): OpenMedium {
  const medium = openMedium(join(root, label), host(trust));
  opened.push(medium);
  return medium;
}

const folder = (label: string, ...names: string[]) => join(root, label, 'BGTRAIL', trustId.slice(0, 8), ...names);
const descriptors = () => readdirSync('/proc/self/fd').length;

function systemCodeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    return systemErrorCode(error) ?? systemErrorCode(error instanceof Error ? error.cause : undefined);
  }
  return undefined;
}

describe('the real disk', () => {
  it('makes media, commits a record to them and finds it again', async () => {
    const media = [make('audit-a'), make('audit-b')];
    const bytes = Buffer.from('a record\n');
    expect(checkMedia(media, { copies: 2, allowFixed: true, bytes: bytes.length }).usable).toHaveLength(2);
    const receipt = await commitRecord(media, recordOf(0, bytes), { copies: 2 });
    expect(receipt.reached.map(({ ok }) => ok)).toEqual([true, true]);
    for (const label of ['audit-a', 'audit-b']) {
      expect(readFileSync(folder(label, '00000000.JWS'))).toEqual(bytes);
      expect(readdirSync(join(root, label))).toEqual(['BGTRAIL']);
      expect(open(label).id).toBe(mediumId(label));
    }
  });

  it('leaves no descriptor open, neither after success nor after any refusal', async () => {
    make('audit-a');
    mkdirSync(join(root, 'blank'));
    const before = descriptors();
    openMedium(join(root, 'audit-a'), host(trustId)).close();
    for (const path of ['blank', 'nothing', 'audit-a/BGTRAIL'])
      expect(() => openMedium(join(root, path), host(trustId))).toThrow();
    expect(() => createMedium(join(root, 'audit-a'), { ...host(trustId), id: mediumId('x'), label: 'x' })).toThrow();
    const medium = openMedium(join(root, 'audit-a'), host(trustId));
    appendFile(medium, recordName(0), Buffer.from('one\n'));
    expect(() => appendFile(medium, recordName(0), Buffer.from('two\n'))).toThrow();
    medium.close();
    expect(descriptors()).toBe(before);
  });

  it('writes into the folder that it holds, and sees that another took its place', () => {
    const medium = make('audit-a');
    renameSync(join(root, 'audit-a'), join(root, 'pulled'));
    const other = make('audit-a');
    const error = refusal(() => appendFile(medium, recordName(0), Buffer.from('a record\n')));
    expect(error.code).toBe('MEDIUM_CHANGED');
    expect(existsSync(folder('audit-a', '00000000.JWS'))).toBe(false);
    expect(existsSync(folder('pulled', '00000000.JWS'))).toBe(true);
    expect(other.isInPlace()).toBe(true);
  });

  it('follows no symbolic link and waits for no FIFO', () => {
    const medium = make('audit-a');
    const victim = join(root, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, folder('audit-a', '00000000.JWS'));
    symlinkSync(join(root, 'not-there'), folder('audit-a', '00000001.JWS'));
    execFileSync('mkfifo', [folder('audit-a', '00000002.JWS')]);
    mkdirSync(folder('audit-a', '00000003.JWS'));
    for (const seq of [0, 1, 2, 3]) refusal(() => appendFile(medium, recordName(seq), Buffer.from('a record\n')));
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(existsSync(join(root, 'not-there'))).toBe(false);
  });

  it('does not rename over anything, not even over a dangling link', () => {
    const { folder: held } = make('audit-a');
    writeFileSync(folder('audit-a', 'A'), 'a');
    writeFileSync(folder('audit-a', 'B'), 'b');
    symlinkSync('nowhere', folder('audit-a', 'C'));
    expect(systemCodeOf(() => held.renameExclusive('A', 'B'))).toBe('EEXIST');
    expect(systemCodeOf(() => held.renameExclusive('A', 'C'))).toBe('EEXIST');
    held.renameExclusive('A', 'D');
    expect(readFileSync(folder('audit-a', 'D'), 'utf8')).toBe('a');
    expect(readFileSync(folder('audit-a', 'B'), 'utf8')).toBe('b');
  });

  it('reads at most what it is asked for', () => {
    const { folder: held } = make('audit-a');
    writeFileSync(folder('audit-a', 'LONG'), 'x'.repeat(10_000));
    expect(held.readFile('LONG', 100)).toHaveLength(100);
    expect(held.readFile('LONG', 20_000)).toHaveLength(10_000);
    expect(systemCodeOf(() => held.readFile('NONE', 1))).toBe('ENOENT');
  });

  it('sees before it writes that it may not', () => {
    const medium = make('audit-a');
    chmodSync(folder('audit-a'), 0o500);
    try {
      const look = () => refusal(() => checkMedia([medium], { copies: 1, allowFixed: true, bytes: 1 }));
      expect(asNobody(look).message).toContain('EACCES');
    } finally {
      chmodSync(folder('audit-a'), 0o700);
    }
  });

  it('has the two media of one machine on one device, which only --allow-fixed permits', () => {
    const media = [make('audit-a'), make('audit-b')];
    expect(media[0]?.device).toBe(media[1]?.device);
    const code = refusal(() => checkMedia(media, { copies: 2, allowFixed: false, bytes: 1 })).code;
    expect(['MEDIUM_NOT_REMOVABLE', 'MEDIUM_SAME_DEVICE']).toContain(code);
  });

  it('mends a lagging copy and a torn one', async () => {
    const trail = await buildTrail(6);
    const trust = trail.trust.id;
    const [a, b] = [make('audit-a', trust), make('audit-b', trust)];
    for (const [seq, bytes] of trail.files.entries()) {
      appendFile(a, recordName(seq), bytes);
      if (seq < 3) appendFile(b, recordName(seq), bytes);
    }
    const inB = (name: string) => join(root, 'audit-b', 'BGTRAIL', trust.slice(0, 8), name);
    writeFileSync(inB(recordName(3)), (trail.files[3] ?? Buffer.of()).subarray(0, 50));
    const { notes, failed } = applyMend(planMend(mendOptions(trail, [a, b])), host(trust));
    expect(failed).toEqual([]);
    expect(notes.map(({ type }) => type)).toEqual(['recovered', 'media.mended']);
    for (const [seq, bytes] of trail.files.entries())
      expect(readFileSync(inB(recordName(seq)))).toEqual(Buffer.from(bytes));
    expect(readFileSync(inB('00000003.BAD'))).toHaveLength(50);
    expect(planMend(mendOptions(trail, [a, open('audit-b', trust)])).actions).toMatchObject([
      { copies: [], setAside: [] },
    ]);
  });
});

function refusal(act: () => unknown) {
  try {
    act();
  } catch (error) {
    if (isBreakglassError(error)) return error;
    throw error;
  }
  throw new TypeError('it was not refused');
}

/** Root may write everywhere: as root, this looks as somebody else does. */
function asNobody<T>(look: () => T): T {
  const { seteuid, geteuid } = process;
  if (!seteuid || geteuid?.() !== 0) return look();
  seteuid(65_534);
  try {
    return look();
  } finally {
    seteuid(0);
  }
}
