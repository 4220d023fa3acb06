import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { formatBase64url, sha256 } from '../../../src/base/bytes.ts';
import { openUseLog, type UseLog, type UseLogEvent, type UseLogOptions } from '../../../src/guard/use-log/use-log.ts';
import { loadPublicKey } from '../../../src/key/public.ts';
import { openUseLine } from '../../../src/use/use-line.ts';
import type { Use } from '../../../src/use/use-record.ts';
import { refusalOf } from '../../machine/fixture.ts';
import { aUse, read, trustId } from '../../use/fixture.ts';
import { FaultyDisk, failing } from './faulty-disk.ts';

let dir: string;
let disk: FaultyDisk;
let events: UseLogEvent[];
const path = () => join(dir, 'uses.jws');
const tokenOf = (n: number): Use['token'] => {
  const { token } = aUse(1);
  return token && { ...token, jti: formatBase64url(sha256(`token ${n}`).subarray(0, 16)) };
};
const denial = (n: number, token: Use['token'] = tokenOf(1)) =>
  aUse(n, { outcome: 'denied', code: 'TOKEN_EXPIRED', token });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'breakglass-uses-'));
  disk = new FaultyDisk();
  events = [];
});

function open(options: Partial<UseLogOptions> = {}): Promise<UseLog> {
  return openUseLog({
    path: path(),
    name: 'db',
    trustId,
    audience: null,
    clock: { now: () => 1_770_000_000 },
    disk,
    onEvent: (event) => events.push(event),
    ...options,
  });
}

/** All files of the log with this stem, read under the key of the log. */
function readBack(log: UseLog, stem = 'uses') {
  const names = readdirSync(dir).filter((name) => new RegExp(`^${stem}(-[\\d.]+)?\\.jws$`).test(name));
  const files = Object.fromEntries(names.map((name) => [name, readFileSync(join(dir, name))]));
  return { names, ...read(files, [loadPublicKey(log.publicJwk, 'the guard')]) };
}

function typesIn(name: string): string[] {
  const lines = readFileSync(join(dir, name))
    .toString()
    .split(/(?<=\n)/);
  return lines.map((line) => openUseLine(Buffer.from(line), name).record.type);
}

describe('a use log', () => {
  test('begins with genesis and opened, records what is waited for, and ends with closed', async () => {
    const log = await open();
    await log.record(aUse(1));
    expect(typesIn('uses.jws')).toEqual(['genesis', 'opened', 'uses']);
    log.note(denial(2));
    await log.close();
    expect(readBack(log)).toMatchObject({ codes: [], routes: ['/rows/1', '/rows/2'] });
    expect(readBack(log).logs[0]).toMatchObject({
      closed: true,
      keyKnown: true,
      genesis: { name: 'db', trust: trustId },
    });
    expect(readdirSync(join(dir, 'uses.jws.lock', 'lock'))).toEqual([]);
  });

  test('has a key of its own that nobody else may read, and keeps it', async () => {
    const log = await open();
    await log.close();
    expect(statSync(`${path()}.key`).mode & 0o777).toBe(0o600);
    const again = await open();
    expect(again.publicJwk).toEqual(log.publicJwk);
    await again.close();
  });

  test('goes on with the chain when it is opened again', async () => {
    const first = await open();
    await first.record(aUse(1));
    await first.close();
    const second = await open();
    await second.record(aUse(2));
    await second.close();
    expect(readBack(second)).toMatchObject({ codes: [], routes: ['/rows/1', '/rows/2'] });
    expect(typesIn('uses.jws')).toEqual(['genesis', 'opened', 'uses', 'closed', 'opened', 'uses', 'closed']);
  });

  test('resolves a use only after its line was flushed', async () => {
    const log = await open();
    disk.calls.length = 0;
    await log.record(aUse(1));
    expect(disk.calls).toEqual(['write', 'flush']);
    expect(readBack(log).routes).toEqual(['/rows/1']);
    await log.close();
  });

  test('signs and flushes once for all that comes in one turn, and at most 512 a record', async () => {
    const log = await open();
    disk.calls.length = 0;
    await Promise.all(Array.from({ length: 1200 }, (_, n) => log.record(aUse(n))));
    expect(disk.calls).toEqual(['write', 'flush', 'write', 'flush', 'write', 'flush']);
    expect(readBack(log).routes).toHaveLength(1200);
    await log.close();
  });

  test('splits what would be longer than a line may be', async () => {
    const log = await open();
    const long = 'x'.repeat(256);
    const named = { incident: 'i'.repeat(64), subject: 's'.repeat(64), role: 'r'.repeat(64) };
    const token = { ...aUse(1).token, ...named } as ReturnType<typeof aUse>['token'];
    const members = { token, method: long, route: long, client: long, scope: 's'.repeat(64), action: 'a'.repeat(64) };
    await Promise.all(Array.from({ length: 600 }, (_, n) => log.record(aUse(n, members))));
    await log.close();
    expect(readBack(log)).toMatchObject({ codes: [] });
    expect(readBack(log).routes).toHaveLength(600);
  });

  test('refuses a use of another shape alone, not those beside it', async () => {
    const log = await open();
    const [bad, good] = await Promise.allSettled([log.record(aUse(1, { route: 'with space' })), log.record(aUse(2))]);
    expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled']);
    await log.close();
    expect(readBack(log).routes).toEqual(['/rows/2']);
  });

  test('records nothing any more once it is closed', async () => {
    const log = await open();
    await log.close();
    expect(await refusalOf(log.record(aUse(1)))).toMatchObject({ code: 'USE_LOG_FAILED' });
    expect(log.state().writable).toBe(false);
  });

  test('a listener that throws disturbs nothing', async () => {
    disk.plan = failing('write', 1, { code: 'ENOSPC' });
    const log = await open({
      onEvent: () => {
        throw new Error('the listener');
      },
    });
    await log.record(aUse(1));
    await log.close();
  });
});

describe('denials', () => {
  test('that nobody waits for go with the next record, or by themselves after a while', async () => {
    const log = await open();
    log.note(denial(1));
    await log.record(aUse(2));
    expect(readBack(log).routes).toEqual(['/rows/2', '/rows/1']);
    log.note(denial(3));
    await expect.poll(() => readBack(log).routes, { timeout: 10_000 }).toContain('/rows/3');
    await log.close();
  });

  test('of what anybody can send are listed twenty a second, and counted', async () => {
    const log = await open();
    const atMs = 1_770_000_000_000;
    for (let n = 0; n < 1000; n++) log.note(aUse(n, { atMs, outcome: 'denied', code: 'TOKEN_SIGNATURE', token: null }));
    log.note(aUse(5000, { atMs: atMs + 1000, outcome: 'denied', code: 'TOKEN_SIGNATURE', token: null }));
    await log.close();
    const { routes, logs } = readBack(log);
    expect(routes).toEqual([...Array.from({ length: 20 }, (_, n) => `/rows/${n}`), '/rows/5000']);
    expect(logs[0]?.omitted).toEqual(new Map([['TOKEN_SIGNATURE', 980]]));
  });

  test('of one token are listed a thousand, then two a second, and counted; those of another are listed all the same', async () => {
    const log = await open();
    const atMs = 1_770_000_000_000;
    const [one, other] = [tokenOf(1), tokenOf(2)];
    const deny = (n: number, token: Use['token'], at: number) =>
      log.note(aUse(n, { atMs: at, outcome: 'denied', code: 'PROOF_MISSING', token }));
    for (let n = 0; n < 3000; n++) deny(n, one, atMs);
    deny(7000, other, atMs);
    for (let n = 8000; n < 8100; n++) deny(n, one, atMs + 5000);
    await log.close();
    const { routes, logs } = readBack(log);
    const listed = [
      ...Array.from({ length: 1000 }, (_, n) => n),
      7000,
      ...Array.from({ length: 10 }, (_, n) => 8000 + n),
    ];
    expect(routes).toEqual(listed.map((n) => `/rows/${n}`));
    expect(logs[0]?.omitted).toEqual(new Map([['PROOF_MISSING', 2090]]));
  });

  test('that cannot be written wait, and beyond a bound they are counted', async () => {
    const log = await open();
    disk.plan = () => ({ code: 'ENOSPC' });
    for (let n = 0; n < 5000; n++) log.note(denial(n, tokenOf(n)));
    await refusalOf(log.record(aUse(9999)));
    expect(log.state()).toMatchObject({ writable: false, waiting: 4096 });
    disk.plan = () => undefined;
    await log.record(aUse(9999));
    await log.close();
    const { routes, logs, codes } = readBack(log);
    expect(codes).toEqual(['USE_OMITTED']);
    expect(routes).toHaveLength(4096 + 1);
    expect(logs[0]?.omitted).toEqual(new Map([['TOKEN_EXPIRED', 904]]));
  });
});

describe('a disk that fails', () => {
  const faults = [
    ['a full disk, nothing written', 'write', { code: 'ENOSPC' }],
    ['a full disk, a part of a line written', 'write', { code: 'ENOSPC', after: 100 }],
    ['a full disk, all but the line feed written', 'write', { code: 'ENOSPC', after: 1_000_000 }],
    ['a flush that fails', 'flush', { code: 'EIO' }],
  ] as const;

  test.each(faults)('%s: the use is refused, the next one recorded, and the chain is whole', async (_, call, fault) => {
    const log = await open();
    await log.record(aUse(1));
    disk.plan = failing(call, 1, fault);
    const found = await refusalOf(log.record(aUse(2)));
    expect(found).toMatchObject({ code: 'USE_LOG_FAILED' });
    expect(found.message).toContain(`${path()} was not written (${fault.code})`);
    expect(log.state().writable).toBe(false);
    await log.record(aUse(3));
    expect(log.state().writable).toBe(true);
    await log.close();
    const { routes, findings } = readBack(log);
    expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
    expect(routes.filter((route) => route !== '/rows/2')).toEqual(['/rows/1', '/rows/3']);
    expect(events.map(({ type }) => type).filter((type) => type !== 'use-log.recovered')).toEqual([
      'use-log.failed',
      'use-log.writable',
    ]);
  });

  test.each(faults)(
    '%s, again and again, over a restart too: nothing that was resolved is lost',
    async (_, call, fault) => {
      const resolved: string[] = [];
      let log = await open({ maxBytes: 8000 });
      for (let n = 0; n < 60; n++) {
        if (n % 3 === 1)
          disk.plan = failing(call, 1 + (n % 4), { ...fault, ...('after' in fault ? { after: n * 29 } : {}) });
        if (n % 20 === 19) {
          await log.close();
          log = await open({ maxBytes: 8000 });
        }
        const use = aUse(n);
        await log.record(use).then(
          () => resolved.push(use.route),
          () => {},
        );
      }
      disk.plan = () => undefined;
      await log.record(aUse(1000));
      await log.close();
      const { routes, findings } = readBack(log);
      expect(findings.filter(({ severity, code }) => severity !== 'note' && code !== 'USE_LINE_TORN')).toEqual([]);
      expect(resolved.filter((route) => !routes.includes(route))).toEqual([]);
      expect(resolved.length).toBeGreaterThan(10);
    },
  );

  test('from the first moment on: the log opens, is not writable, and begins when there is room', async () => {
    disk.plan = () => ({ code: 'ENOSPC' });
    const log = await open();
    expect(log.state()).toMatchObject({ writable: false, head: null });
    expect(await refusalOf(log.record(aUse(1)))).toMatchObject({ code: 'USE_LOG_FAILED' });
    disk.plan = () => undefined;
    await log.record(aUse(2));
    await log.close();
    expect(readBack(log)).toMatchObject({ codes: [], routes: ['/rows/2'] });
  });

  test('fails a flush: the line is written again elsewhere, so that losing the first one breaks no chain', async () => {
    const log = await open();
    const { size } = statSync(path());
    disk.plan = failing('flush', 1, { code: 'EIO' });
    await refusalOf(log.record(aUse(1)));
    await log.record(aUse(2));
    await log.close();
    expect(typesIn('uses-00000000.jws')).toEqual(['genesis', 'opened', 'uses']);
    expect(typesIn('uses.jws')).toEqual(['uses', 'uses', 'closed']);
    expect(readBack(log)).toMatchObject({ codes: [], routes: ['/rows/1', '/rows/2'] });
    // What such a flush is for: the power goes, and the bytes were never on the disk.
    truncateSync(join(dir, 'uses-00000000.jws'), size);
    expect(readBack(log)).toMatchObject({ codes: [], routes: ['/rows/1', '/rows/2'] });
  });

  test('fails the very first flush: the log has one beginning', async () => {
    disk.plan = failing('flush', 1, { code: 'EIO' });
    const log = await open();
    await log.record(aUse(1));
    await log.close();
    expect(typesIn('uses.jws')).toEqual(['genesis', 'opened', 'uses', 'closed']);
    expect(readBack(log)).toMatchObject({ codes: [], routes: ['/rows/1'] });
  });

  test('and has room again: the log finds out by itself, for a guard that is closed sends it nothing', async () => {
    disk.plan = () => ({ code: 'ENOSPC' });
    const log = await open();
    expect(log.state().writable).toBe(false);
    disk.plan = () => undefined;
    await expect.poll(() => log.state().writable, { timeout: 20_000 }).toBe(true);
    disk.plan = failing('write', 1, { code: 'ENOSPC', after: 10 });
    await refusalOf(log.record(aUse(1)));
    await expect.poll(() => log.state().writable, { timeout: 20_000 }).toBe(true);
    await log.close();
    expect(readBack(log)).toMatchObject({ codes: ['USE_LINE_MENDED'], routes: [] });
    expect(typesIn('uses.jws')).toEqual(['recovered', 'uses', 'closed']);
  });

  test('hangs: requests are refused rather than kept, and it goes on when the disk answers', async () => {
    const log = await open();
    let answer = () => {};
    disk.hanging = new Promise((resolve) => {
      answer = resolve;
    });
    const [first, second] = [
      refusalOf(log.record(aUse(1))),
      Promise.resolve().then(() => refusalOf(log.record(aUse(2)))),
    ];
    expect((await first).message).toContain('does not answer');
    expect((await second).code).toBe('USE_LOG_FAILED');
    expect((await refusalOf(log.record(aUse(3)))).code).toBe('USE_LOG_FAILED');
    expect(log.state().writable).toBe(false);
    disk.hanging = undefined;
    answer();
    await expect.poll(() => log.state().writable, { timeout: 20_000 }).toBe(true);
    await log.record(aUse(4));
    await log.close();
    expect(readBack(log).codes).toEqual([]);
    expect(readBack(log).routes).toEqual(expect.arrayContaining(['/rows/1', '/rows/4']));
    expect(readBack(log).routes).not.toContain('/rows/3');
  });

  test('hangs for ever: the end of the service does not', async () => {
    const log = await open();
    disk.hanging = new Promise(() => {});
    const refused = refusalOf(log.record(aUse(1)));
    await log.close();
    expect((await refused).code).toBe('USE_LOG_FAILED');
  });

  test('tears a line: the file goes away as it is, and the log names what is torn', async () => {
    const log = await open();
    disk.plan = failing('write', 1, { code: 'ENOSPC', after: 77 });
    await refusalOf(log.record(aUse(1)));
    const before = readFileSync(path());
    await log.record(aUse(2));
    await log.close();
    expect(readFileSync(join(dir, 'uses-00000000.jws'))).toEqual(before);
    expect(typesIn('uses.jws')).toEqual(['recovered', 'uses', 'closed']);
    expect(events).toContainEqual({ type: 'use-log.recovered', file: 'uses-00000000.jws', bytes: 77 });
    expect(readBack(log)).toMatchObject({ codes: ['USE_LINE_MENDED'], routes: ['/rows/2'] });
  });
});

describe('a file that is not as it was left', () => {
  async function leave(): Promise<void> {
    const log = await open();
    await log.record(aUse(1));
    await log.close();
  }

  test('with a torn end, as a power cut leaves it: rotated away, named, gone on with', async () => {
    await leave();
    const bytes = readFileSync(path());
    truncateSync(path(), bytes.length - 20);
    const log = await open();
    await log.record(aUse(2));
    await log.close();
    expect(typesIn('uses.jws')).toEqual(['recovered', 'opened', 'uses', 'closed']);
    expect(readBack(log)).toMatchObject({ codes: ['USE_LINE_MENDED'], routes: ['/rows/1', '/rows/2'] });
  });

  test('torn in its very first line: begun anew, and named', async () => {
    writeFileSync(path(), 'eyJhbGciOi');
    const log = await open();
    await log.close();
    expect(typesIn('uses.jws')).toEqual(['genesis', 'recovered', 'opened', 'closed']);
    expect(readFileSync(join(dir, 'uses-00000000.jws')).toString()).toBe('eyJhbGciOi');
    expect(readBack(log).codes).toEqual(['USE_LINE_MENDED']);
  });

  test('a crash between rotation and the next line: the chain goes on behind the rotated file', async () => {
    await leave();
    renameSync(path(), join(dir, 'uses-00000000.jws'));
    truncateSync(join(dir, 'uses-00000000.jws'), statSync(join(dir, 'uses-00000000.jws')).size - 5);
    writeFileSync(path(), '');
    const log = await open();
    await log.close();
    expect(readBack(log)).toMatchObject({ codes: ['USE_LINE_MENDED'], routes: ['/rows/1'] });
  });

  test.each([
    [
      'a last line that was changed',
      () =>
        writeFileSync(
          path(),
          readFileSync(path())
            .toString()
            .replace(/.{9}\n$/, 'AAAAAAAAA\n'),
        ),
    ],
    ['text', () => writeFileSync(path(), 'hello\nworld\n')],
    ['three megabytes of zeros', () => writeFileSync(path(), Buffer.alloc(3 * 1024 * 1024))],
  ])('%s: refused, and nothing is written', async (_, change) => {
    await leave();
    change();
    const before = readFileSync(path());
    expect(await refusalOf(open())).toMatchObject({ code: 'USE_LOG_INVALID' });
    expect(readFileSync(path()).equals(before)).toBe(true);
    expect(readdirSync(dir).sort()).toEqual(['uses.jws', 'uses.jws.key', 'uses.jws.lock']);
  });

  test('of another key, of another trust, of another audience: refused', async () => {
    await leave();
    expect(await refusalOf(open({ keyFile: join(dir, 'other.key') }))).toMatchObject({ code: 'USE_LOG_INVALID' });
    expect(await refusalOf(open({ trustId: 'b'.repeat(64) }))).toMatchObject({ code: 'USE_LOG_INVALID' });
    expect(await refusalOf(open({ audience: 'https://other.example.com' }))).toMatchObject({ code: 'USE_LOG_INVALID' });
  });

  test('a key file that others may read, or that is none, is refused', async () => {
    await leave();
    chmodSync(`${path()}.key`, 0o640);
    expect(await refusalOf(open())).toMatchObject({ code: 'STATE_EXPOSED' });
    chmodSync(`${path()}.key`, 0o600);
    writeFileSync(`${path()}.key`, 'no key');
    expect(await refusalOf(open())).toMatchObject({ code: 'STATE_DAMAGED' });
  });
});

describe('two writers on one path', () => {
  test('the second one is refused, and told to take a path of its own', async () => {
    const log = await open();
    const found = await refusalOf(open());
    expect(found.code).toBe('STATE_BUSY');
    expect(found.hint).toContain('a path of its own');
    await log.close();
    await (await open()).close();
  });

  test('one that the lock cannot see, in another container, is noticed before the next line, and no chain breaks', async () => {
    const log = await open();
    await log.record(aUse(1));
    const before = readFileSync(path());
    appendFileSync(path(), 'of somebody else\n');
    expect((await refusalOf(log.record(aUse(2)))).message).toContain('changed by another program');
    expect(readFileSync(path()).length).toBe(before.length + 17);
    writeFileSync(path(), before);
    await log.close();
  });

  test('a log that another program rotates away goes on in a new file', async () => {
    const log = await open();
    await log.record(aUse(1));
    renameSync(path(), join(dir, 'uses-00000000.jws'));
    await log.record(aUse(2));
    await log.close();
    expect(readBack(log)).toMatchObject({ codes: [], routes: ['/rows/1', '/rows/2'] });
  });
});

describe('rotation', () => {
  test('by size, and every file says in its name where it begins', async () => {
    const log = await open({ maxBytes: 3000 });
    for (let n = 0; n < 12; n++) await log.record(aUse(n));
    await log.close();
    const { names, codes, routes } = readBack(log);
    expect(codes).toEqual([]);
    expect(routes).toHaveLength(12);
    expect(names.length).toBeGreaterThan(4);
    for (const name of names.filter((one) => one !== 'uses.jws')) {
      const [first = ''] = readFileSync(join(dir, name))
        .toString()
        .split(/(?<=\n)/);
      expect(name).toBe(`uses-${String(openUseLine(Buffer.from(first), name).record.seq).padStart(8, '0')}.jws`);
      expect(statSync(join(dir, name)).size).toBeLessThanOrEqual(3000);
    }
  });
});

describe('the second sink', () => {
  test('a path gets the same lines, over restarts', async () => {
    for (const n of [1, 2]) {
      const log = await open({ secondSink: join(dir, 'copy.jws') });
      await log.record(aUse(n));
      await log.close();
    }
    expect(readFileSync(join(dir, 'copy.jws'))).toEqual(readFileSync(path()));
  });

  test('a path that fails does not hold the first one up, is told once, and gets what it lacks from the files', async () => {
    const folder = join(dir, 'away');
    const log = await open({ secondSink: join(folder, 'copy.jws'), maxBytes: 4000 });
    for (let n = 0; n < 10; n++) await log.record(aUse(n));
    expect(log.state().secondSink).toMatchObject({ behind: 12, error: { code: 'IO' } });
    expect(events.map(({ type }) => type)).toEqual(['use-log.second-sink-failed']);
    await log.close();
    mkdirSync(folder);
    const again = await open({ secondSink: join(folder, 'copy.jws'), maxBytes: 4000 });
    await again.close();
    const files = Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
    const { routes, codes } = read(files, [loadPublicKey(log.publicJwk, 'the guard')]);
    expect([routes.length, codes]).toEqual([10, []]);
  });

  test('a path whose disk fails in the middle of a line is mended there too', async () => {
    const log = await open({ secondSink: join(dir, 'copy.jws') });
    let torn = false;
    disk.plan = (call, file) => {
      if (torn || call !== 'write' || !file.includes('copy')) return undefined;
      torn = true;
      return { code: 'ENOSPC', after: 400 };
    };
    await log.record(aUse(1));
    await expect.poll(() => log.state().secondSink, { timeout: 20_000 }).toEqual({ behind: 0, error: null });
    await log.record(aUse(2));
    await log.close();
    expect(readBack(log).codes).toEqual([]);
    const copy = readBack(log, 'copy');
    expect(copy.routes).toEqual(['/rows/1', '/rows/2']);
    expect(copy.codes.filter((code) => code !== 'USE_LINE_MENDED')).toEqual([]);
    expect(events.map(({ type }) => type)).toEqual(['use-log.second-sink-failed', 'use-log.second-sink-caught-up']);
  });

  test('a function gets each line once, in order, and again when it fails', async () => {
    const got: string[] = [];
    let fails = 2;
    const log = await open({
      secondSink: async (line) => {
        if (fails-- > 0) throw new Error('the bus is down');
        got.push(Buffer.from(line).toString());
      },
    });
    for (let n = 0; n < 5; n++) await log.record(aUse(n));
    await expect.poll(() => log.state().secondSink, { timeout: 20_000 }).toEqual({ behind: 0, error: null });
    await log.close();
    expect(got.join('')).toBe(readFileSync(path()).toString());
  });

  test('a function that never comes back neither stops the log nor its end', async () => {
    const log = await open({ secondSink: () => new Promise<void>(() => {}) });
    await log.record(aUse(1));
    expect(log.state()).toMatchObject({ writable: true, secondSink: { behind: 3, error: null } });
    await log.close();
    expect(readBack(log)).toMatchObject({ codes: [], routes: ['/rows/1'] });
  });
});
