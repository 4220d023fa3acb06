import { beforeAll, expect, test } from 'vitest';
import { checkCopies, type TrailCopy, type TrailEntry } from '../../src/trail/copies.ts';
import { recordName } from '../../src/trail/layout.ts';
import { openTrustHistory } from '../../src/trail/trust-history.ts';
import { buildTrail, changeByte, digestOf, type TrailBuilder } from './build.ts';
import { gravely } from './judge.ts';

let trail: TrailBuilder;
beforeAll(async () => {
  trail = await buildTrail(6);
});

type Files = ReadonlyMap<number, Uint8Array | string>;

/** A copy in memory; a string in the place of bytes is why they cannot be read. */
function copyOf(label: string, files: Files): TrailCopy {
  return {
    label,
    async *records(): AsyncIterable<TrailEntry> {
      for (const [seq, file] of [...files].sort(([a], [b]) => a - b)) {
        const read = typeof file === 'string' ? { bytes: null, problem: file } : { bytes: file, problem: null };
        yield { name: recordName(seq), seq, ...read };
      }
    },
  };
}

function fileOf(label: string, files: readonly Uint8Array[]): TrailCopy {
  return {
    label,
    async *records() {
      for (const bytes of files) yield { name: null, seq: null, bytes, problem: null };
    },
  };
}

const all = () => new Map<number, Uint8Array | string>(trail.files.entries());
const file = (seq: number) => trail.files[seq] ?? new Uint8Array();

async function check(...copies: TrailCopy[]) {
  return checkCopies(copies, { history: openTrustHistory(trail.trustFiles), anchors: [] });
}

test('copies with the same bytes are judged once and have nothing to find', async () => {
  const { chain, findings } = await check(copyOf('a', all()), copyOf('b', all()), fileOf('c', trail.files));
  expect(findings).toEqual([]);
  expect(chain.records).toBe(6);
});

test('a shorter copy is a warning that names it', async () => {
  const short = all();
  short.delete(4);
  short.delete(5);
  for (const copies of [
    [copyOf('a', all()), copyOf('b', short)],
    [copyOf('b', short), copyOf('a', all())],
  ]) {
    const { chain, findings } = await check(...copies);
    expect(findings).toMatchObject([
      { code: 'COPY_BEHIND', severity: 'warning', seq: 4, medium: 'b', message: 'b is 2 records behind' },
    ]);
    expect(chain.head?.seq).toBe(5);
  }
});

test('a changed record is tampering on the medium that holds it, and the good copy is in force', async () => {
  for (const seq of trail.files.keys()) {
    const spoilt = all().set(seq, changeByte(file(seq), 200));
    for (const copies of [
      [copyOf('a', all()), copyOf('b', spoilt)],
      [copyOf('b', spoilt), copyOf('a', all())],
    ]) {
      const { chain, findings } = await check(...copies);
      expect(chain.findings).toEqual([]);
      expect(gravely({ findings })).toContain('COPY_DIFFERS');
      expect(findings.every((found) => found.medium === 'b')).toBe(true);
      expect(findings).toContainEqual(expect.objectContaining({ code: 'COPY_DIFFERS', seq }));
    }
  }
});

test('a hole in one copy is tampering on that medium', async () => {
  const holed = all();
  holed.delete(2);
  const { chain, findings } = await check(copyOf('a', all()), copyOf('b', holed));
  expect(chain.findings).toEqual([]);
  expect(findings).toContainEqual(expect.objectContaining({ code: 'RECORD_MISSING', seq: 2, medium: 'b' }));
});

test('a file that one copy cannot read is a warning, one that none can read is unreadable', async () => {
  const damaged = () => all().set(3, 'it cannot be read (EIO)');
  const one = await check(copyOf('a', all()), copyOf('b', damaged()));
  expect(one.findings).toMatchObject([{ code: 'COPY_UNREADABLE', severity: 'warning', seq: 3, medium: 'b' }]);
  const both = await check(copyOf('a', damaged()), copyOf('b', damaged()));
  expect(both.findings.map(({ code, medium }) => [code, medium])).toEqual([
    ['RECORD_UNREADABLE', 'a'],
    ['RECORD_UNREADABLE', 'b'],
  ]);
  const alone = await check(copyOf('a', damaged()));
  expect(gravely(alone)).toEqual(['RECORD_UNREADABLE']);
});

/** The trail of `trail` up to `length`, and then something else. */
async function branch(length: number, grow: (other: TrailBuilder) => Promise<unknown>): Promise<Uint8Array[]> {
  const other = await buildTrail(length);
  other.now += 5;
  await grow(other);
  return other.files;
}

test('two histories that the quorum signed are a fork', async () => {
  const files = await branch(1, (other) => other.mint());
  const { chain, findings } = await check(copyOf('a', all()), copyOf('b', new Map(files.entries())));
  expect(gravely({ findings })).toEqual(['COPIES_FORKED']);
  expect(findings[0]).toMatchObject({ seq: 1, medium: 'b' });
  expect(chain.head?.seq).toBe(5);
});

test('where only the recorder went on differently, the copy with the newest ceremony is in force and nothing is tampered', async () => {
  const files = await branch(3, async (other) => {
    for (let count = 0; count < 9; count++) await other.plain('media.lost');
  });
  for (const swapped of [false, true]) {
    const copies = [copyOf('a', all()), copyOf('b', new Map(files.entries()))];
    const { chain, findings } = await check(...(swapped ? copies.reverse() : copies));
    expect(findings).toMatchObject([{ code: 'COPIES_DIVERGE', severity: 'warning', seq: 3, medium: 'b' }]);
    expect(chain.headCeremony?.seq).toBe(3);
  }
});

test('among recorder records the longer copy is in force', async () => {
  const [short, long] = await Promise.all(
    [1, 2].map((length) =>
      branch(4, async (other) => {
        for (let count = 0; count < length; count++) await other.plain('media.lost', { reason: `${length} times` });
      }),
    ),
  );
  const { chain } = await check(fileOf('a', short ?? []), fileOf('b', long ?? []));
  expect(chain.head?.seq).toBe(5);
});

test('an old copy and one that begins with the restart are one trail', async () => {
  const lost = await buildTrail(6);
  await lost.restart({ seq: 9, prev: digestOf(Buffer.from('record 8')) });
  const restart = new Map([[9, lost.files.at(-1) ?? new Uint8Array()]]);
  const { findings } = await check(copyOf('new', restart), copyOf('old', all()));
  expect(findings.map(({ code }) => code).sort()).toEqual(['COPY_BEHIND', 'RESTARTED']);
});

test('lines of one file that are out of order are tampering there', async () => {
  const [first = new Uint8Array(), second = new Uint8Array(), ...rest] = trail.files;
  const { chain, findings } = await check(copyOf('a', all()), fileOf('b', [second, first, ...rest]));
  expect(chain.findings).toEqual([]);
  expect(gravely({ findings })).toContain('COPY_DIFFERS');
});

test('an empty copy is behind, and nothing but empty copies is unreadable', async () => {
  expect((await check(copyOf('a', all()), copyOf('b', new Map()))).findings).toMatchObject([
    { code: 'COPY_BEHIND', medium: 'b' },
  ]);
  expect(gravely(await check(copyOf('a', new Map()), copyOf('b', new Map())))).toEqual(['TRAIL_EMPTY']);
});
