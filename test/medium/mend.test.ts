import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { formatBase64url, sha256, sha256Hex } from '../../src/base/bytes.ts';
import { ed25519JwkOf } from '../../src/key/derive.ts';
import { commitRecord } from '../../src/medium/commit.ts';
import { openBlank } from '../../src/medium/create.ts';
import type { OpenMedium } from '../../src/medium/medium.ts';
import { applyMend, type MendResult } from '../../src/medium/mend.ts';
import { type MendOptions, type MendPlan, planMend } from '../../src/medium/reconcile.ts';
import { checkpointName, recordName, trustName } from '../../src/trail/layout.ts';
import { buildTrail, changeByte, fixedEd25519, TrailBuilder } from '../trail/build.ts';
import { fill, hostOf, mediumId, mendOptions, openLocal, plugIn, recordOf, recordsOf, reopen } from './fixture.ts';
import { SimulatedCrash, type SimulatedDisk } from './simulated-disk.ts';

const length = 10;
/** genesis, then ten records in all. */
let trail: TrailBuilder;
/** The same up to record 5; then a recorder's record at 6 and nothing more. */
let recorderSide: TrailBuilder;
/** The same up to record 5; then an issuance at 6, later than any of `trail`. */
let ceremonySide: TrailBuilder;
let foreignTrail: TrailBuilder;

beforeAll(async () => {
  trail = await buildTrail(length);
  await trail.mint();
  recorderSide = await buildTrail(6);
  await recorderSide.plain('review', { time: '2026-03-01T00:00:00Z' });
  ceremonySide = await buildTrail(6);
  ceremonySide.now += 1_000_000;
  await ceremonySide.mint();
  foreignTrail = await buildTrail(3, { name: 'Another trust', seed: 'another' });
});

const end = () => trail.files.length;
const head = () => ({ seq: end() - 1, sha256: sha256Hex(trail.files.at(-1) ?? '') });

interface Setup {
  readonly disk: SimulatedDisk;
  readonly media: readonly OpenMedium[];
  readonly labels: readonly string[];
}

/** Sticks with these records each. */
function sticks(...contents: readonly ReadonlyMap<string, Uint8Array>[]): Setup {
  const labels = ['audit-a', 'audit-b', 'audit-c'].slice(0, contents.length);
  const { disk, media } = plugIn(labels, { trust: trail.trust.id });
  for (const [index, files] of contents.entries()) fill(disk, labels[index] ?? '', trail.trust.id, files);
  return { disk, media, labels };
}

function addLocal(disk: SimulatedDisk, files: ReadonlyMap<string, Uint8Array>) {
  disk.addStick('local');
  disk.plant('local', ['trail', 'X'], new Uint8Array());
  disk.remove('local', ['trail', 'X']);
  for (const [name, bytes] of files) disk.plant('local', ['trail', name], bytes);
  return openLocal(disk);
}

const all = () => recordsOf(trail, 0, end());
const upTo = (seq: number) => recordsOf(trail, 0, seq);
const folderOf = (disk: SimulatedDisk, label: string) =>
  new Map(
    [...disk.files(label)].flatMap(([path, hex]) => {
      const prefix = `BGTRAIL/${trail.trust.id.slice(0, 8)}/`;
      return path.startsWith(prefix) ? [[path.slice(prefix.length), hex] as const] : [];
    }),
  );

function plan({ media }: Setup, more: Partial<MendOptions> = {}): MendPlan {
  return planMend(mendOptions(trail, media, more));
}

function mend({ disk }: Setup, made: MendPlan): MendResult {
  return applyMend(made, hostOf(disk, trail.trust.id));
}

/** After mending, a new run must find nothing to do but what only a record can end. */
function expectWhole({ disk, labels }: Setup, more: Partial<MendOptions> = {}): void {
  disk.cutPower('lost');
  const again = planMend(mendOptions(trail, reopen(disk, labels, trail.trust.id), more));
  const undone = again.actions.filter(({ copies, setAside }) => copies.length + setAside.length > 0);
  expect(undone).toEqual([]);
  expect(again.base).toEqual(head());
  for (const label of labels)
    for (const [name, bytes] of all()) expect(folderOf(disk, label).get(name)).toBe(Buffer.from(bytes).toString('hex'));
}

describe('mending', () => {
  it('finds nothing to do when all copies are the same', () => {
    const made = plan(sticks(all(), all()));
    expect(made).toMatchObject({ base: head(), actions: [], anomalies: [], unusable: [] });
    expect(made.entries).toHaveLength(end());
  });

  it('has no base when no copy holds a record', () => {
    expect(plan(sticks(new Map(), new Map()))).toMatchObject({ base: null, actions: [], anomalies: [] });
  });

  it('copies to a lagging stick what it lacks, in order, and says from where to where', () => {
    const setup = sticks(all(), upTo(4));
    const made = plan(setup);
    expect(made.anomalies).toEqual([]);
    expect(mend(setup, made)).toMatchObject({
      notes: [
        { type: 'media.mended', medium: mediumId('audit-b'), label: 'audit-b', from: 4, to: end() - 1, setAside: [] },
      ],
      failed: [],
    });
    expectWhole(setup);
  });

  it('brings a local copy up to date, and media from the local copy', () => {
    const setup = sticks(upTo(3), upTo(3));
    const local = addLocal(setup.disk, all());
    const { notes } = mend(setup, plan(setup, { local }));
    expect(notes.map(({ type }) => type)).toEqual(['media.mended', 'media.mended']);
    expectWhole(setup, { local: openLocal(setup.disk) });

    const other = sticks(all(), all());
    const empty = addLocal(other.disk, new Map());
    expect(mend(other, plan(other, { local: empty })).notes).toEqual([]);
    expectWhole(other, { local: openLocal(other.disk) });
  });

  it('copies trust versions that the trust signed before the records, checkpoints after them, and planted ones never', async () => {
    const setup = sticks(all(), new Map());
    const checkpoint = await trail.checkpoint();
    fill(
      setup.disk,
      'audit-a',
      trail.trust.id,
      new Map([
        [trustName(1), trail.trust.bytes],
        [trustName(2), Buffer.from('planted\n')],
        [checkpointName(end()), checkpoint],
        [checkpointName(3), Buffer.from('planted\n')],
        ['ROOT0001.PEM', Buffer.from('-----\n')],
      ]),
    );
    const [action] = plan(setup).actions;
    expect(action?.copies.map(({ name }) => name)).toEqual([
      'ROOT0001.PEM',
      trustName(1),
      ...all().keys(),
      checkpointName(end()),
    ]);
  });

  it('sets a torn trust version aside where another copy has the true one', () => {
    const setup = sticks(all(), all());
    fill(setup.disk, 'audit-a', trail.trust.id, new Map([[trustName(1), trail.trust.bytes]]));
    fill(setup.disk, 'audit-b', trail.trust.id, new Map([[trustName(1), trail.trust.bytes.slice(0, 40)]]));
    mend(setup, plan(setup));
    expect(folderOf(setup.disk, 'audit-b').get(trustName(1))).toBe(Buffer.from(trail.trust.bytes).toString('hex'));
    expect(folderOf(setup.disk, 'audit-b').has('T0000001.BAD')).toBe(true);
  });

  it('makes a blank medium a copy of everything, told as media.added', () => {
    const setup = sticks(all());
    setup.disk.addStick('audit-n');
    const name = { id: mediumId('audit-n'), label: 'audit-n', trustId: trail.trust.id };
    const blank = openBlank('/audit-n', { ...hostOf(setup.disk, trail.trust.id), ...name });
    const result = mend(setup, plan(setup, { blanks: [blank] }));
    expect(result.notes).toMatchObject([{ type: 'media.added', medium: name.id, label: 'audit-n', removable: null }]);
    expect(result.adopted.map(({ label }) => label)).toEqual(['audit-n']);
    expectWhole({ ...setup, labels: [...setup.labels, 'audit-n'] });
  });
});

describe('a torn newest record', () => {
  const half = (seq: number) => trail.files[seq]?.slice(0, 200) ?? new Uint8Array();

  it('is set aside, hashed and told of, and its number is used again', () => {
    const torn = new Map([...upTo(end() - 1), [recordName(end() - 1), half(end() - 1)]]);
    const setup = sticks(torn, upTo(end() - 1));
    const made = plan(setup, { highWater: { seq: end() - 2, sha256: null } });
    expect(made.base?.seq).toBe(end() - 2);
    expect(made.anomalies).toEqual([]);
    const name = `${String(end() - 1).padStart(8, '0')}.BAD`;
    expect(mend(setup, made).notes).toEqual([
      {
        type: 'recovered',
        medium: mediumId('audit-a'),
        label: 'audit-a',
        name,
        bytes: 200,
        sha256: sha256Hex(half(end() - 1)),
        torn: end() - 1,
      },
    ]);
    setup.disk.cutPower('lost');
    expect(folderOf(setup.disk, 'audit-a').get(name)).toBe(Buffer.from(half(end() - 1)).toString('hex'));
  });

  it.each([
    ['no bytes', 0],
    ['all but the last line feed', -1],
  ])('may have %s', (_, cut) => {
    const file = trail.files[end() - 1]?.slice(0, cut) ?? new Uint8Array();
    const setup = sticks(new Map([...upTo(end() - 1), [recordName(end() - 1), file]]), all());
    expect(mend(setup, plan(setup)).notes.map(({ type }) => type)).toEqual(['recovered', 'media.mended']);
    expectWhole(setup);
  });

  it('at or below the high-water mark is a cut tail', () => {
    const torn = new Map([...upTo(end() - 1), [recordName(end() - 1), half(end() - 1)]]);
    const made = plan(sticks(torn, upTo(end() - 1)), { highWater: head() });
    expect(made.anomalies.map(({ code }) => code)).toEqual(['TRAIL_CUT', 'RECORD_DAMAGED']);
    expect(made.actions.flatMap(({ notes }) => notes.map(({ type }) => type))).toEqual(['media.mended']);
  });

  it('below an anchor is a cut tail too', () => {
    const torn = new Map([...upTo(end() - 1), [recordName(end() - 1), half(end() - 1)]]);
    const made = plan(sticks(torn), { anchors: [{ seq: end() + 3, sha256: null }] });
    expect(made.anomalies.map(({ code }) => code)).toContain('TRAIL_CUT');
  });

  it('takes the next free name, and refuses only that stick when none is left', () => {
    const torn = new Map([...upTo(3), [recordName(3), half(3)]]);
    for (const suffix of ['BAD', 'BA2', 'BA3', 'BA4', 'BA5', 'BA6', 'BA7', 'BA8'])
      torn.set(`00000003.${suffix}`, half(3));
    const setup = sticks(torn, upTo(3));
    expect(plan(setup).actions.flatMap(({ setAside }) => setAside.map(({ as }) => as))).toEqual(['00000003.BA9']);
    torn.set('00000003.BA9', half(3));
    const made = plan(sticks(torn, upTo(3)));
    expect(made.unusable.map(({ place, error }) => [place.what, error.code])).toEqual([
      ['stick audit-a', 'TRAIL_DAMAGED'],
    ]);
    expect(made.base?.seq).toBe(2);
  });
});

describe('copies that differ', () => {
  it('set aside the recorder records of the side without the newest ceremony record', () => {
    const setup = sticks(all(), recordsOf(recorderSide, 0, 7));
    const made = plan(setup);
    expect(made.base).toEqual(head());
    expect(made.anomalies).toEqual([]);
    const lost = sha256Hex(recorderSide.files[6] ?? '');
    expect(mend(setup, made).notes).toMatchObject([
      { label: 'audit-b', from: 6, to: end() - 1, setAside: [{ name: '00000006.BAD', sha256: lost }] },
    ]);
    expectWhole(setup);
  });

  it('with two ceremony records at one place take the newest, keep the other aside, and say so', () => {
    const setup = sticks(all(), recordsOf(ceremonySide, 0, 7));
    const made = plan(setup);
    expect(made.base).toEqual({ seq: 6, sha256: sha256Hex(ceremonySide.files[6] ?? '') });
    const conflicts = made.anomalies.filter(({ code }) => code === 'CONFLICTING_CEREMONY');
    expect(conflicts[0]?.detail).toContain('stick audit-a');
    const kept = sha256Hex(trail.files[end() - 1] ?? '');
    const note = mend(setup, made).notes.find(({ type }) => type === 'media.mended');
    expect(note).toMatchObject({ label: 'audit-a' });
    const aside = note?.type === 'media.mended' ? note.setAside : [];
    expect(aside).toHaveLength(end() - 6);
    expect(aside.map(({ sha256 }) => sha256)).toContain(kept);
    expect(plan({ ...setup, media: reopen(setup.disk, setup.labels, trail.trust.id) })).toMatchObject({
      base: made.base,
      anomalies: [],
    });
  });

  it('take the longer side when neither has a ceremony record of its own', async () => {
    const [short, long] = [await buildTrail(6), await buildTrail(6)];
    await short.plain('review');
    await long.plain('media.lost');
    await long.plain('media.lost');
    const made = plan(sticks(recordsOf(short, 0, 7), recordsOf(long, 0, 8)));
    expect(made.base?.seq).toBe(7);
    expect(made.anomalies).toEqual([]);
  });

  it('come to the same history in whatever order the sticks are plugged in', () => {
    const contents = [all(), recordsOf(ceremonySide, 0, 7), recordsOf(recorderSide, 0, 7)];
    const bases = [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ].map((order) => plan(sticks(...order.map((index) => contents[index] ?? new Map()))).base);
    expect(new Set(bases.map((base) => base?.sha256)).size).toBe(1);
  });

  it('set checkpoints of the losing side aside with its records', async () => {
    const setup = sticks(all(), recordsOf(ceremonySide, 0, 7));
    fill(setup.disk, 'audit-a', trail.trust.id, new Map([[checkpointName(end()), await trail.checkpoint()]]));
    fill(setup.disk, 'audit-b', trail.trust.id, new Map([[checkpointName(7), await ceremonySide.checkpoint()]]));
    mend(setup, plan(setup));
    expect(folderOf(setup.disk, 'audit-a').has(checkpointName(end()))).toBe(false);
    expect(folderOf(setup.disk, 'audit-a').has(checkpointName(7))).toBe(true);
  });

  it('believe no records that nobody of the trust signed, however many and new they are', async () => {
    const forged = await buildTrail(6);
    const forger = await fixedEd25519('a forger');
    forged.now += 10_000_000;
    const review = { type: 'review', incident: 'x', statement: 'e30.e30.AAAA', auditor: 'grace' } as const;
    for (let count = 0; count < 8; count++) await forged.append(review, { signer: forger });
    await forged.mint({ signer: forger });
    const setup = sticks(all(), recordsOf(forged, 0, forged.files.length));
    const made = plan(setup);
    expect(made.base).toEqual(head());
    expect(new Set(made.anomalies.map(({ code }) => code))).toEqual(new Set(['RECORD_UNPROVED']));
    mend(setup, made);
    expectWhole(setup);
  });

  it('believe a recorder that only this machine knows', async () => {
    const own = await fixedEd25519('own recorder');
    const ahead = await buildTrail(6);
    const members = { type: 'review', incident: 'x', statement: 'e30.e30.AAAA', auditor: 'grace' } as const;
    await ahead.append(members, { spoil: { recorder: own.kid }, signer: own });
    const setup = sticks(recordsOf(ahead, 0, 7), recordsOf(ahead, 0, 6));
    expect(plan(setup, { recorders: [ed25519JwkOf(own)] }).base?.seq).toBe(6);
    expect(plan(setup).base?.seq).toBe(5);
  });

  it('believe no recorder that signs in the name of another', async () => {
    const own = await fixedEd25519('own recorder');
    const ahead = await buildTrail(6);
    await ahead.append({ type: 'review', incident: 'x', statement: 'e30.e30.AAAA', auditor: 'grace' }, { signer: own });
    const setup = sticks(recordsOf(ahead, 0, 7), recordsOf(ahead, 0, 6));
    expect(plan(setup, { recorders: [ed25519JwkOf(own)] }).base?.seq).toBe(5);
  });
});

describe('a trust that another machine changed meanwhile', () => {
  it('is followed through the versions on the media, and its records are proved by the new key', async () => {
    const rotated = await buildTrail(4);
    await rotated.change('rotate');
    await rotated.mint();
    const [first, second] = rotated.trustFiles;
    const versions = new Map([
      [trustName(1), first ?? Buffer.of()],
      [trustName(2), second ?? Buffer.of()],
    ]);
    const files = new Map([...recordsOf(rotated, 0, 6), ...versions]);
    const setup = sticks(files, files);
    const local = addLocal(setup.disk, recordsOf(rotated, 0, 4));
    const made = plan(setup, { local });
    expect(made).toMatchObject({ base: { seq: 5 }, anomalies: [] });
    expect(made.history.versions).toHaveLength(2);
    expect(made.actions.map(({ target, setAside }) => [target.kind, setAside])).toEqual([['local', []]]);
  });
});

describe('what looks wrong refuses nothing', () => {
  it('a damaged record in the middle of one stick is set aside, copied again and said', () => {
    const damaged = new Map([...all(), [recordName(4), (trail.files[4] ?? new Uint8Array()).slice(1)]]);
    const setup = sticks(damaged, all());
    const made = plan(setup);
    expect(made.base).toEqual(head());
    expect(made.anomalies).toMatchObject([{ code: 'RECORD_DAMAGED' }]);
    expect(mend(setup, made).notes).toMatchObject([{ label: 'audit-a', from: 4, to: 4 }]);
    expectWhole(setup);
  });

  it('a record with one changed letter is not proved, and set aside where another copy has it right', () => {
    const file = trail.files[4] ?? new Uint8Array();
    const changed = new Map([...all(), [recordName(4), changeByte(file, file.length - 20)]]);
    const setup = sticks(all(), changed);
    const made = plan(setup);
    expect(made.anomalies.map(({ code }) => code)).toEqual(['RECORD_UNPROVED']);
    mend(setup, made);
    expectWhole(setup);
  });

  it('a record that is missing on one stick is copied back', () => {
    const holed = new Map(all());
    holed.delete(recordName(4));
    const setup = sticks(holed, all());
    expect(mend(setup, plan(setup)).notes).toMatchObject([{ label: 'audit-a', from: 4, to: 4, setAside: [] }]);
    expectWhole(setup);
  });

  it('a record that is missing everywhere stays a hole, and nothing after it is given up', () => {
    const holed = new Map(all());
    holed.delete(recordName(4));
    const setup = sticks(holed, holed);
    const made = plan(setup);
    expect(made).toMatchObject({ base: head(), actions: [], anomalies: [{ code: 'TRAIL_HOLE' }] });
  });

  it('a planted record far ahead does not use up the numbers', async () => {
    const far = await buildTrail(3);
    const forger = await fixedEd25519('a forger');
    await far.mint({ spoil: () => ({ seq: 99_999_999 }), signer: forger });
    const setup = sticks(new Map([...upTo(3), [recordName(99_999_999), far.files[3] ?? new Uint8Array()]]));
    const made = plan(setup);
    expect(made.base?.seq).toBe(2);
    expect(made.anomalies.map(({ code }) => code)).toEqual(['RECORD_UNPROVED']);
  });

  it('thousands of spoilt files on one stick make few anomalies and records that can be written', () => {
    const junk = new Map(upTo(5));
    for (let seq = 100; seq < 2600; seq++) junk.set(recordName(seq), Buffer.from(`junk ${seq}`));
    for (let seq = 100; seq < 200; seq++)
      junk.set(`${String(seq).padStart(8, '0')}.BA2`, Buffer.from(`old junk ${seq}`));
    const made = plan(sticks(junk, all()));
    expect(made.base).toEqual(head());
    expect(made.anomalies.length).toBeLessThan(3);
    const notes = made.actions.flatMap((action) => action.notes);
    expect(notes.length).toBeLessThan(5);
    expect(Math.max(...notes.map((note) => JSON.stringify(note).length))).toBeLessThan(200_000);
  });

  it('a high-water mark beyond every copy is a cut tail', () => {
    const made = plan(sticks(upTo(5), upTo(5)), { highWater: head() });
    expect(made.base?.seq).toBe(4);
    expect(made.anomalies).toMatchObject([{ code: 'TRAIL_CUT' }]);
  });

  it('a high-water mark on a record that is not of the history in force is a fork', () => {
    const made = plan(sticks(all(), all()), { highWater: { seq: 5, sha256: '0'.repeat(64) } });
    expect(made).toMatchObject({ base: head(), anomalies: [{ code: 'TRAIL_FORKED' }] });
  });

  it('the stick of another trust is left out, and never written to', () => {
    const setup = sticks(all(), recordsOf(foreignTrail, 0, 3));
    const before = setup.disk.files('audit-b');
    const made = plan(setup);
    expect(made.base).toEqual(head());
    expect(made.unusable.map(({ place, error }) => [place.what, error.code])).toEqual([
      ['stick audit-b', 'TRAIL_FOREIGN'],
    ]);
    expect(setup.media[1]?.suspect?.code).toBe('TRAIL_FOREIGN');
    mend(setup, made);
    expect(setup.disk.files('audit-b')).toEqual(before);
  });

  it('a stick that cannot be read is left out', () => {
    const setup = sticks(all(), all());
    setup.disk.injectFault(1, 'EIO', 'read');
    const made = plan(setup);
    expect(made.base).toEqual(head());
    expect(made.unusable.map(({ error }) => error.code)).toEqual(['IO']);
    expect(made.anomalies.map(({ code }) => code)).toEqual(['COPY_UNUSABLE']);
  });

  it('a stick that fails while it is mended is suspect, and the others are mended', () => {
    const setup = sticks(upTo(3), upTo(4), all());
    const made = plan(setup);
    setup.disk.injectFault(2, 'EIO', 'sync file');
    const { failed, notes } = mend(setup, made);
    expect(failed.map(({ target, error }) => [target.what, error.code])).toEqual([['stick audit-a', 'IO']]);
    expect(notes.map((note) => ('label' in note ? note.label : ''))).toEqual(['audit-b']);
    expect(setup.media[0]?.suspect?.code).toBe('IO');
  });

  it('a source that is pulled meanwhile is replaced by another that holds the same', () => {
    const setup = sticks(all(), all(), upTo(3));
    const made = plan(setup);
    setup.disk.pull('audit-a');
    expect(mend(setup, made).failed).toEqual([]);
  });
});

describe('a restart', () => {
  it('goes on from where nothing is at hand any more', async () => {
    const fresh = await TrailBuilder.begin();
    await fresh.restart({ seq: 40, prev: sha256Hex('what the anchor says') });
    await fresh.append(
      { type: 'review', incident: 'x', statement: 'e30.e30.AAAA', auditor: 'grace' },
      { spoil: { seq: 41, prev: sha256Hex(fresh.files[0] ?? '') } },
    );
    const files = new Map(fresh.files.map((bytes, index) => [recordName(40 + index), bytes]));
    const setup = sticks(files, new Map([[recordName(40), fresh.files[0] ?? new Uint8Array()]]));
    const made = plan(setup);
    expect(made).toMatchObject({ base: { seq: 41 }, anomalies: [] });
    expect(mend(setup, made).notes).toMatchObject([{ label: 'audit-b', from: 41, to: 41 }]);
  });

  it('takes an old stick that was found again as its beginning', async () => {
    const fresh = await TrailBuilder.begin();
    await fresh.restart({ seq: 40, prev: sha256Hex('what the anchor says') });
    const restarted = new Map([[recordName(40), fresh.files[0] ?? new Uint8Array()]]);
    const made = plan(sticks(upTo(5), restarted));
    expect(made).toMatchObject({ base: { seq: 40 }, anomalies: [] });
    expect(made.entries.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 40]);
  });
});

describe('a crash while a record is committed', () => {
  it('leaves what the next run mends: the record on all media or on none, and its number or the next one free', async () => {
    const seq = end() - 1;
    const record = recordOf(seq, trail.files[seq] ?? Buffer.of());
    for (const unflushed of ['lost', 'torn', 'kept'] as const) {
      for (let at = 1; ; at++) {
        const setup = sticks(upTo(seq), upTo(seq));
        setup.disk.injectFault(at, 'crash');
        const outcome = await commitRecord(setup.media, record, { copies: 2 }).catch((error: unknown) => error);
        if (!(outcome instanceof SimulatedCrash)) break;
        setup.disk.cutPower(unflushed);
        const media = reopen(setup.disk, setup.labels, trail.trust.id);
        const made = planMend(mendOptions(trail, media, { highWater: { seq: seq - 1, sha256: null } }));
        expect(made.anomalies, `${unflushed} at ${at}`).toEqual([]);
        expect([seq - 1, seq]).toContain(made.base?.seq);
        expect(applyMend(made, hostOf(setup.disk, trail.trust.id)).failed).toEqual([]);
        const next = made.base?.seq === seq ? recordOf(seq + 1, Buffer.from('next\n')) : record;
        await commitRecord(media, next, { copies: 2 });
        expect(folderOf(setup.disk, 'audit-a').get(next.name)).toBe(folderOf(setup.disk, 'audit-b').get(next.name));
      }
    }
  });
});

describe('a crash while mending', () => {
  it('anywhere, whatever survives the power cut, is finished by the next run and told of', () => {
    const torn = trail.files[8]?.slice(0, 99) ?? new Uint8Array();
    const lagging = new Map([...recordsOf(recorderSide, 0, 7), [recordName(8), torn]]);
    for (const unflushed of ['lost', 'torn', 'kept'] as const) {
      for (let at = 1; ; at++) {
        const setup = sticks(all(), lagging);
        const made = plan(setup);
        setup.disk.injectFault(at, 'crash');
        let crashed = false;
        try {
          mend(setup, made);
        } catch (error) {
          expect(error).toBeInstanceOf(SimulatedCrash);
          crashed = true;
        }
        if (!crashed) break;
        setup.disk.cutPower(unflushed);
        const media = reopen(setup.disk, setup.labels, trail.trust.id);
        const again = planMend(mendOptions(trail, media));
        const { notes, failed } = applyMend(again, hostOf(setup.disk, trail.trust.id));
        expect(failed, `${unflushed} at ${at}`).toEqual([]);
        const told = notes.flatMap((note) => {
          if (note.type === 'recovered') return [note.sha256];
          return note.type === 'media.mended' ? note.setAside.map(({ sha256 }) => sha256) : [];
        });
        expect(told, `${unflushed} at ${at}`).toContain(sha256Hex(torn));
        expect(told, `${unflushed} at ${at}`).toContain(sha256Hex(recorderSide.files[6] ?? ''));
        expectWhole(setup);
      }
    }
  });

  it('is told of once: what a record names is not named again', async () => {
    const torn = Buffer.from('torn');
    const name = '00000003.BAD';
    const told = await buildTrail(4);
    await told.append({
      type: 'recovered',
      medium: formatBase64url(sha256('audit-a').subarray(0, 16)),
      label: 'audit-a',
      name,
      bytes: 4,
      sha256: sha256Hex(torn),
      torn: 3,
    });
    const files = recordsOf(told, 0, 5);
    const whole = sticks(new Map([...files, [name, torn]]), files);
    expect(plan(whole).actions).toEqual([]);
    const other = sticks(files, new Map([...files, [name, torn]]));
    expect(plan(other).actions.flatMap(({ notes }) => notes)).toMatchObject([{ type: 'recovered', label: 'audit-b' }]);
  });
});

describe('nothing is ever lost', () => {
  it('every file that was on a stick before is there after mending, under its name or aside', () => {
    const contents = [all(), recordsOf(ceremonySide, 0, 7), recordsOf(recorderSide, 0, 7)];
    const setup = sticks(...contents);
    const before = setup.labels.map((label) => [...folderOf(setup.disk, label).values()]);
    mend(setup, plan(setup));
    for (const [index, label] of setup.labels.entries()) {
      const after = new Set(folderOf(setup.disk, label).values());
      for (const content of before[index] ?? []) expect(after.has(content)).toBe(true);
    }
  });

  it('whatever three sticks lack or have spoilt, mending leaves them equal to the longest whole chain', () => {
    const spoil = fc.record({
      length: fc.integer({ min: 0, max: end() }),
      holes: fc.array(fc.integer({ min: 0, max: end() - 1 }), { maxLength: 2 }),
      cuts: fc.array(fc.tuple(fc.integer({ min: 0, max: end() - 1 }), fc.integer({ min: 0, max: 500 })), {
        maxLength: 2,
      }),
    });
    fc.assert(
      fc.property(fc.tuple(spoil, spoil), (spoilt) => {
        const contents = spoilt.map(({ length, holes, cuts }) => {
          const files = upTo(length);
          for (const seq of holes) files.delete(recordName(seq));
          for (const [seq, kept] of cuts)
            if (files.has(recordName(seq)))
              files.set(recordName(seq), (trail.files[seq] ?? Buffer.of()).slice(0, kept));
          return files;
        });
        const setup = sticks(all(), ...contents);
        const before = setup.labels.flatMap((label) => [...folderOf(setup.disk, label).values()]);
        expect(mend(setup, plan(setup)).failed).toEqual([]);
        const after = new Set(setup.labels.flatMap((label) => [...folderOf(setup.disk, label).values()]));
        expect(before.every((content) => after.has(content))).toBe(true);
        expectWhole(setup);
      }),
      { numRuns: 60, seed: 20_260_201 },
    );
  });
});
