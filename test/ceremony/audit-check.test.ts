import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuditOptions, auditCheck } from '../../src/ceremony/audit-check.ts';
import { fingerprintOfDigest } from '../../src/key/fingerprint.ts';
import { auditJson, describeAudit } from '../../src/report/audit.ts';
import { openCheckpoint, sealCosignature } from '../../src/trail/checkpoint.ts';
import { mediumName, mediumRoot, readmeName, recordName } from '../../src/trail/layout.ts';
import { trailReadme } from '../../src/trail/readme.ts';
import { auditorKey, buildTrail, changeByte, digestOf, type TrailBuilder } from '../trail/build.ts';

let root: string;
let trail: TrailBuilder;
let files: ReadonlyMap<string, Uint8Array>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'bg-audit-'));
  trail = await buildTrail(6);
  files = await trail.folder();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
/** Writes a medium with these files of a trail and returns its path. */
function medium(label: string, content: ReadonlyMap<string, Uint8Array> = files, of: TrailBuilder = trail): string {
  const path = join(root, `${label}-${count++}`);
  const folder = join(path, mediumRoot, of.folderName);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(path, mediumRoot, mediumName), `{"label":"${label}"}\n`);
  writeFileSync(join(path, mediumRoot, readmeName), trailReadme(of.trust.id));
  for (const [name, bytes] of content) writeFileSync(join(folder, name), bytes);
  return path;
}

function changed(change: (content: Map<string, Uint8Array>) => void): Map<string, Uint8Array> {
  const content = new Map(files);
  change(content);
  return content;
}

function words(seq: number, wordCount = 8): string {
  return fingerprintOfDigest(digestOf(trail.files[seq] ?? new Uint8Array()), wordCount).words.join(' ');
}

function audit(paths: readonly string[], options: Partial<AuditOptions> = {}) {
  return auditCheck({ paths, trust: trail.trust, head: undefined, state: undefined, seen: [], ...options });
}

const codes = (report: { findings: readonly { code: string }[] }) => report.findings.map(({ code }) => code);

test('two media and the head code: intact, with everything that the JSON promises', async () => {
  const report = await audit([medium('audit-a'), medium('audit-b')], { head: words(3) });
  expect(auditJson(report)).toMatchObject({
    verdict: 'intact',
    records: 6,
    provenThrough: 3,
    head: { seq: 5, sha256: trail.prev },
    headCode: { seq: 3, words: words(3).split(' ') },
    anchors: [{ kind: 'head-code', seq: 3, outside: true }],
    findings: [{ code: 'PROVISIONAL', severity: 'note', seq: 4, medium: null }],
    firstBad: null,
  });
  expect(describeAudit(report)).toMatch(/^INTACT: all 6 records are as they were written/);
});

test('a medium, its BGTRAIL, the trail folder and one file of all records are the same trail', async () => {
  const path = medium('audit-a');
  const all = join(root, 'all.jws');
  writeFileSync(all, Buffer.concat(trail.files));
  for (const one of [path, join(path, mediumRoot), join(path, mediumRoot, trail.folderName), all])
    expect(await audit([one], { head: words(3) })).toMatchObject({ verdict: 'intact', records: 6 });
});

test('the trust file on the media is enough with all words of the head code, and not provable without', async () => {
  const path = medium('audit-a');
  expect(await audit([path], { trust: undefined, head: words(3) })).toMatchObject({ verdict: 'intact' });
  const alone = await audit([path], { trust: undefined });
  expect(alone.verdict).toBe('not-provable');
  expect(codes(alone)).toEqual(['END_NOT_PROVED', 'TRUST_NOT_ANCHORED']);
});

test('the last ceremony record cut off all media: tampered with an anchor, not provable without, proved through an older one', async () => {
  const cut = changed((content) => {
    for (const seq of [3, 4, 5]) content.delete(recordName(seq));
    content.delete('C0000006.TXT');
  });
  const media = [medium('audit-a', cut), medium('audit-b', cut)];
  expect(await audit(media, { head: words(3) })).toMatchObject({ verdict: 'tampered' });
  expect(await audit(media)).toMatchObject({ verdict: 'not-provable', provenThrough: null });
  expect(await audit(media, { head: words(0) })).toMatchObject({ verdict: 'not-provable', provenThrough: 0 });
});

test('a checkpoint that was forgotten on a medium betrays a cut end', async () => {
  const cut = changed((content) => content.delete(recordName(5)));
  const report = await audit([medium('audit-a', cut)], { head: words(3) });
  expect([report.verdict, codes(report)[0]]).toEqual(['tampered', 'ANCHOR_BEYOND_END']);
});

test('the first bad record is named, with its medium', async () => {
  const bad = changed((content) => content.set(recordName(2), changeByte(trail.files[2] ?? new Uint8Array(), 300)));
  const report = await audit([medium('audit-a'), medium('audit-b', bad)], { head: words(3) });
  expect(report.verdict).toBe('tampered');
  expect(describeAudit(report)).toMatch(/^TAMPERED.*\nFirst bad record: 2 \(audit-b\): /);
});

test('the state file is made only after intact, then anchors the next check, and is left alone by a bad one', async () => {
  const path = join(root, 'grace.state');
  const good = medium('audit-a');
  expect(await audit([good], { state: { path, mode: 'new' } })).toMatchObject({
    verdict: 'not-provable',
    state: 'kept',
  });
  expect(existsSync(path)).toBe(false);
  expect(await audit([good], { head: words(3), state: { path, mode: 'new' } })).toMatchObject({
    verdict: 'intact',
    state: 'written',
  });
  const kept = readFileSync(path, 'utf8');
  expect(JSON.parse(kept)).toMatchObject({ trust: trail.trust.id, trustVersion: 1, seq: 3, ceremony: { seq: 3 } });
  expect(await audit([good], { trust: undefined, state: { path, mode: 'update' } })).toMatchObject({
    verdict: 'intact',
  });

  const cut = medium('audit-b', new Map([...files].filter(([name]) => name < '00000003' || name.startsWith('T'))));
  const report = await audit([cut], { state: { path, mode: 'update' } });
  expect([report.verdict, report.state]).toEqual(['tampered', 'kept']);
  expect(readFileSync(path, 'utf8')).toBe(kept);
  await expect(audit([good], { state: { path, mode: 'new' } })).rejects.toMatchObject({ code: 'EXISTS' });
  await expect(audit([good], { state: { path: `${path}.none`, mode: 'update' } })).rejects.toMatchObject({
    code: 'STATE_MISSING',
  });
  writeFileSync(path, kept.replace('"seq":3', '"seq": 3'));
  await expect(audit([good], { state: { path, mode: 'update' } })).rejects.toMatchObject({ code: 'STATE_DAMAGED' });
});

test('a seen token anchors its record; one that the trail did not issue is tampering; a forged one proves nothing', async () => {
  const path = medium('audit-a');
  const [drill = ''] = trail.tokens.get(3) ?? [];
  const seen = (token: string) => ({ seen: [{ what: 'the token', token }] });
  expect(await audit([path], seen(drill))).toMatchObject({ verdict: 'intact', provenThrough: 3 });
  const other = await buildTrail(1);
  other.now += 60;
  await other.mint();
  const [stray = ''] = other.tokens.get(1) ?? [];
  expect(await audit([path], seen(stray))).toMatchObject({
    verdict: 'tampered',
    findings: [{ code: 'ANCHOR_DIFFERS', seq: 1 }, {}],
  });
  for (const token of [`${drill.slice(0, -4)}AAAA`, 'nonsense', ''])
    expect(codes(await audit([path], seen(token)))).toContain('SEEN_TOKEN_UNUSED');
});

test('an auditor’s cosignature is named, and a checkpoint that is spoilt is only unused', async () => {
  const bytes = files.get('C0000006.TXT') ?? new Uint8Array();
  const line = await sealCosignature(
    openCheckpoint(bytes, trail.trust),
    { label: 'grace', key: auditorKey },
    1_770_000_000,
  );
  const report = await audit(
    [
      medium(
        'audit-a',
        changed((content) => content.set('W0000006.001', line)),
      ),
    ],
    { head: words(3) },
  );
  expect(report.anchors[1]?.what).toBe('checkpoint C0000006.TXT on audit-a, cosigned by grace');
  const spoilt = await audit(
    [
      medium(
        'audit-a',
        changed((content) => content.set('C0000006.TXT', changeByte(bytes, 90))),
      ),
    ],
    { head: words(3) },
  );
  expect([spoilt.verdict, codes(spoilt)[0]]).toEqual(['intact', 'CHECKPOINT_UNUSED']);
});

test('a planted trust file is tampering; a signed one that no record names is a warning', async () => {
  const planted = changed((content) => content.set('T0000002.TXT', files.get('T0000001.TXT') ?? new Uint8Array()));
  expect(codes(await audit([medium('audit-a', planted)], { head: words(3) }))[0]).toBe('TRUST_FILE_REFUSED');
  const ahead = await buildTrail(6);
  await ahead.change('rotate');
  const unfinished = changed((content) => content.set('T0000002.TXT', ahead.trust.bytes));
  const report = await audit([medium('audit-a', unfinished)], { head: words(3) });
  expect([report.verdict, codes(report)[0]]).toEqual(['intact', 'TRUST_NOT_IN_FORCE']);
});

test('strange names and links are warnings, set-aside files a note; nothing behind a link is read', async () => {
  const path = medium(
    'audit-a',
    changed((content) => content.set('NOTES.DOC', Buffer.from('hello')).set('00000002.BAD', Buffer.from('x'))),
  );
  symlinkSync('/etc/hostname', join(path, mediumRoot, trail.folderName, recordName(6)));
  const report = await audit([path], { head: words(3) });
  expect(report.findings.filter(({ severity }) => severity !== 'note').map(({ message }) => message)).toEqual([
    '00000006.JWS on audit-a is no file of a trail',
    'NOTES.DOC on audit-a is no file of a trail',
  ]);
  expect(codes(report)).toContain('FILE_SET_ASIDE');
  expect(report.verdict).toBe('intact');
});

test('what cannot be opened at all is an error, each its own', async () => {
  const other = await buildTrail(1, { name: 'Other' });
  const empty = join(root, 'empty');
  mkdirSync(empty);
  await expect(audit([join(root, 'nowhere')])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(audit([empty])).rejects.toMatchObject({ code: 'TRAIL_MISSING' });
  await expect(audit([medium('audit-o', await other.folder(), other)])).rejects.toMatchObject({
    code: 'TRAIL_FOREIGN',
  });
  await expect(audit([medium('audit-a')], { head: 'abandon xyzzy zoo' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  const noTrust = changed((content) => content.delete('T0000001.TXT'));
  await expect(audit([medium('audit-a', noTrust)], { trust: undefined })).rejects.toMatchObject({
    code: 'TRUST_MISSING',
  });
  const swapped = medium('audit-a');
  symlinkSync(join(swapped, mediumRoot), join(empty, mediumRoot));
  await expect(audit([empty])).rejects.toMatchObject({ code: 'TRAIL_MISSING' });
});

test('hostile bytes in one file: a long line, no line end, nothing at all', async () => {
  const all = join(root, 'hostile.jws');
  const judgeBytes = async (bytes: Uint8Array) => {
    writeFileSync(all, bytes);
    return audit([all], { head: words(0) });
  };
  const [first = new Uint8Array(), ...rest] = trail.files;
  const long = Buffer.alloc(3 * 1024 * 1024, 0x41);
  const report = await judgeBytes(Buffer.concat([first, long, Buffer.from('\n'), ...rest]));
  expect(report).toMatchObject({ verdict: 'tampered', records: 7 });
  expect(await judgeBytes(Buffer.concat([...trail.files, Buffer.from('abc')]))).toMatchObject({
    verdict: 'unreadable',
    records: 7,
  });
  expect(await judgeBytes(new Uint8Array())).toMatchObject({ verdict: 'tampered', records: 0 });
});
