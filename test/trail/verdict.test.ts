import { beforeAll, expect, test } from 'vitest';
import { digestWords } from '../../src/base/words.ts';
import type { Claims } from '../../src/token/claims.ts';
import { type Anchor, watchAnchors } from '../../src/trail/anchors.ts';
import { openCheckpoint } from '../../src/trail/checkpoint.ts';
import { type Finding, finding, findingCodes, findingSeverities, severities } from '../../src/trail/findings.ts';
import { judgeTrail } from '../../src/trail/verdict.ts';
import { buildTrail, digestOf, type TrailBuilder } from './build.ts';
import { judge } from './judge.ts';

let trail: TrailBuilder;
/** Genesis, mint, released, drill, refused, aborted: the last ceremony record is 3. */
beforeAll(async () => {
  trail = await buildTrail(6);
});

async function verdictOf(
  anchors: readonly Anchor[],
  options: { files?: readonly Uint8Array[]; trust?: 'given' | 'found'; findings?: readonly Finding[] } = {},
) {
  const watch = watchAnchors(anchors);
  const tree = watch.tree ? { tree: watch.tree } : {};
  const chain = await judge(trail, options.files ?? trail.files, { onRecord: (file) => watch.see(file), ...tree });
  const { held, findings } = watch.judge(chain);
  const found = [...chain.findings, ...findings, ...(options.findings ?? [])];
  return judgeTrail({ chain, findings: found, anchors: held, trust: options.trust ?? 'given' });
}

const hashAt = (seq: number) => digestOf(trail.files[seq] ?? new Uint8Array());
const stateAt = (seq: number): Anchor => ({ kind: 'auditor-state', point: { seq, sha256: hashAt(seq) } });
const headAt = (seq: number, count = 8): Anchor => ({
  kind: 'head-code',
  typed: digestWords(Buffer.from(hashAt(seq), 'hex'), count).join(' '),
});
const tokenAt = (seq: number, change: (claims: Claims) => Claims = (claims) => claims): Anchor => {
  const record = trail.records[seq];
  if (record?.type !== 'mint.issued' && record?.type !== 'drill') throw new TypeError('not an issuance');
  const [token] = record.tokens;
  if (!token) throw new TypeError('no token');
  return { kind: 'token', claims: change(token.claims), what: 'the token' };
};
const named = (claims: Claims, trailMember: Partial<Claims['breakglass']['trail']>): Claims => ({
  ...claims,
  breakglass: { ...claims.breakglass, trail: { ...claims.breakglass.trail, ...trailMember } },
});
const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code);

test('an anchor at or after the last ceremony record makes it intact; recorder records after it are provisional', async () => {
  for (const anchor of [
    stateAt(3),
    headAt(3),
    headAt(3, 3),
    tokenAt(3),
    { ...stateAt(3), kind: 'high-water' } as Anchor,
  ]) {
    const { verdict, provenThrough, findings } = await verdictOf([anchor]);
    expect([verdict, provenThrough]).toEqual(['intact', 3]);
    expect(findings).toMatchObject([{ code: 'PROVISIONAL', severity: 'note', seq: 4 }]);
  }
  expect(await verdictOf([stateAt(5)])).toEqual({ verdict: 'intact', provenThrough: 5, findings: [] });
});

test('without an anchor nothing is proved; an older one proves what is before it', async () => {
  const none = await verdictOf([]);
  expect(none).toMatchObject({ verdict: 'not-provable', provenThrough: null, findings: [{ code: 'END_NOT_PROVED' }] });
  for (const anchor of [headAt(1), stateAt(1), tokenAt(1)])
    expect(await verdictOf([anchor])).toMatchObject({ verdict: 'not-provable', provenThrough: 1 });
});

test('a cut end is tampering for every anchor that names what was cut', async () => {
  const files = trail.files.slice(0, 3);
  const checkpoint = openCheckpoint(await trail.checkpoint(), trail.trust);
  const anchors: Anchor[] = [
    headAt(3),
    stateAt(3),
    tokenAt(3),
    { kind: 'checkpoint', size: checkpoint.size, root: checkpoint.root, what: 'C', medium: 'AUDIT-A', cosignedBy: [] },
  ];
  for (const anchor of anchors) {
    const { verdict, findings } = await verdictOf([anchor, stateAt(1)], { files });
    expect(verdict).toBe('tampered');
    expect(codes(findings)).toContain('ANCHOR_BEYOND_END');
  }
});

test('an anchor that names another record is tampering', async () => {
  const other = { seq: 3, sha256: hashAt(2) };
  const anchors: Anchor[] = [
    { kind: 'auditor-state', point: other },
    { kind: 'high-water', point: other },
    tokenAt(3, (claims) => named(claims, { seq: 1 })),
    tokenAt(3, (claims) => named(claims, { prev: hashAt(0) })),
    tokenAt(3, (claims) => ({ ...claims, exp: claims.exp + 1 })),
  ];
  for (const anchor of anchors) {
    const { verdict, findings } = await verdictOf([anchor]);
    expect([verdict, codes(findings)[0]]).toEqual(['tampered', 'ANCHOR_DIFFERS']);
  }
});

test('a checkpoint on the media shows changes, but never proves the end', async () => {
  const { size, root } = openCheckpoint(await trail.checkpoint(), trail.trust);
  const onMedium: Anchor = {
    kind: 'checkpoint',
    size,
    root,
    what: 'C',
    medium: 'AUDIT-A',
    cosignedBy: [{ auditor: 'grace', time: 1 }],
  };
  const plain = await verdictOf([{ ...onMedium, cosignedBy: [] }]);
  expect(plain).toMatchObject({ verdict: 'not-provable', provenThrough: null });
  expect(await verdictOf([onMedium])).toMatchObject({ verdict: 'not-provable', provenThrough: 5 });
  expect(await verdictOf([{ ...onMedium, medium: null }])).toMatchObject({ verdict: 'intact', provenThrough: 5 });
  const changed = await verdictOf([{ ...onMedium, root: Buffer.alloc(32) }]);
  expect([changed.verdict, codes(changed.findings)[0]]).toEqual(['tampered', 'CHECKPOINT_DIFFERS']);
});

test('a checkpoint cannot be compared with a trail that begins with a restart', async () => {
  const lost = await buildTrail(1);
  await lost.restart({ seq: 9, prev: hashAt(0) });
  const watch = watchAnchors([
    { kind: 'checkpoint', size: 5, root: Buffer.alloc(32), what: 'C', medium: 'A', cosignedBy: [] },
  ]);
  const chain = await judge(lost, lost.files.slice(1), { names: [9], ...(watch.tree ? { tree: watch.tree } : {}) });
  expect(codes(watch.judge(chain).findings)).toEqual(['CHECKPOINT_UNUSED']);
});

test('a trust file that was only found on the media needs all 8 words of a head code, or the auditor’s state', async () => {
  for (const anchor of [headAt(3), stateAt(3)])
    expect((await verdictOf([anchor], { trust: 'found' })).verdict).toBe('intact');
  for (const anchor of [headAt(3, 7), tokenAt(3)]) {
    const { verdict, findings } = await verdictOf([anchor], { trust: 'found' });
    expect([verdict, codes(findings)[0]]).toEqual(['not-provable', 'TRUST_NOT_ANCHORED']);
  }
});

test('the precedence of verdicts is tampered, unreadable, not-provable, intact', async () => {
  const of = async (...found: Finding['code'][]) =>
    (await verdictOf([stateAt(5)], { findings: found.map((code) => finding(code, 'x')) })).verdict;
  expect(await of('RECORD_FORM', 'RECORD_UNREADABLE', 'RECORDER_UNKNOWN', 'ANOMALY')).toBe('tampered');
  expect(await of('RECORD_UNREADABLE', 'RECORDER_UNKNOWN', 'ANOMALY')).toBe('unreadable');
  expect(await of('RECORDER_UNKNOWN', 'ANOMALY')).toBe('not-provable');
  expect(await of('ANOMALY', 'FILE_SET_ASIDE')).toBe('intact');
  for (const code of findingCodes) {
    const severity = findingSeverities[code];
    expect(await of(code)).toBe(severity === 'warning' || severity === 'note' ? 'intact' : severity);
  }
});

test('what is proved ends before the first grave finding', async () => {
  const { provenThrough } = await verdictOf([stateAt(5)], { findings: [finding('COPY_DIFFERS', 'x', { seq: 2 })] });
  expect(provenThrough).toBe(1);
});

test('findings come gravest first, then by place', async () => {
  const findings = [
    finding('ANOMALY', 'x', { seq: 0 }),
    finding('RECORD_FORM', 'x', { seq: 4 }),
    finding('RECORD_FORM', 'x', { seq: 2 }),
  ];
  const sorted = (await verdictOf([stateAt(5)], { findings })).findings;
  expect(sorted.map(({ seq }) => seq)).toEqual([2, 4, 0]);
  expect(severities[0]).toBe('tampered');
});
