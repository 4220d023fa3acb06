import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { digestWords } from '../../src/base/words.ts';
import {
  beginning,
  buildTrail,
  changeByte,
  digestOf,
  fixedEd25519,
  plainTypes,
  TrailBuilder,
  testPolicy,
} from './build.ts';
import { gravely, judge } from './judge.ts';

let trail: TrailBuilder;
beforeAll(async () => {
  trail = await buildTrail(16);
});

const without = <T>(items: readonly T[], index: number) => items.filter((_, at) => at !== index);

test('a trail with every type of record has nothing to find', async () => {
  const long = await buildTrail(14);
  const request = long.request({ kind: 'rotate.keys', lifetimeSeconds: null });
  await long.begun(request);
  await long.change('rotate', { request });
  await long.mint();
  await long.released();
  await long.reset();
  await long.change('policy');
  await long.mint({ drill: true });
  for (const type of plainTypes) await long.plain(type);
  const result = await judge(long, long.files);
  expect(result.findings).toEqual([]);
  expect(result.records).toBe(long.files.length);
  expect(result.head).toEqual({ seq: long.seq - 1, sha256: long.prev });
  expect(result.headCeremony?.seq).toBe(20);
  expect(result.facts.trust).toEqual({ version: 3, sha256: long.trust.sha256 });
});

test('any changed byte of any record is noticed', async () => {
  const place = fc.record({
    record: fc.nat(trail.files.length - 1),
    offset: fc.nat(),
    mask: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(place, async ({ record, offset, mask }) => {
      const files = [...trail.files];
      const file = files[record] ?? new Uint8Array();
      files[record] = changeByte(file, offset % file.length, mask);
      const { findings } = await judge(trail, files);
      expect(
        findings.some(({ severity, seq }) => severity === 'tampered' || (severity === 'unreadable' && seq === record)),
      ).toBe(true);
    }),
    { numRuns: 100, seed: 7 },
  );
});

test('any removed record is noticed, in a folder and in one file', async () => {
  for (let gone = 0; gone < trail.files.length - 1; gone++) {
    const files = without(trail.files, gone);
    const names = without([...trail.files.keys()], gone);
    const expected = gone === 0 ? expect.arrayContaining(['RECORD_MISSING']) : ['RECORD_MISSING'];
    expect(gravely(await judge(trail, files, { names }))).toEqual(expected);
    expect(gravely(await judge(trail, files, { names: names.map(() => null) }))).toEqual(expected);
  }
});

test('LIMIT: the files alone do not show that their end was cut off', async () => {
  for (let length = 1; length < trail.files.length; length++)
    expect((await judge(trail, trail.files.slice(0, length))).findings).toEqual([]);
});

test('any moved or repeated record is noticed', async () => {
  const moves = fc
    .tuple(fc.nat(trail.files.length - 1), fc.nat(trail.files.length - 1))
    .filter(([from, to]) => from !== to);
  await fc.assert(
    fc.asyncProperty(moves, fc.boolean(), async ([from, to], named) => {
      const moved = without(trail.files, from);
      moved.splice(to, 0, trail.files[from] ?? new Uint8Array());
      const repeated = [...trail.files];
      repeated.splice(to, 0, trail.files[from] ?? new Uint8Array());
      for (const files of [moved, repeated]) {
        const names = files.map((_, index) => (named ? index : null));
        expect((await judge(trail, files, { names })).findings.some(({ severity }) => severity === 'tampered')).toBe(
          true,
        );
      }
    }),
    { numRuns: 40, seed: 7 },
  );
});

test('the check goes on past the first finding', async () => {
  const files = [...trail.files];
  for (const spoilt of [2, 7]) files[spoilt] = changeByte(files[spoilt] ?? new Uint8Array(), 300);
  const { findings, records } = await judge(trail, files);
  expect(findings.map(({ seq }) => seq)).toEqual([2, 7]);
  expect(records).toBe(16);
});

test('no type of record may be signed by the key of another', async () => {
  const { keys, recorder } = trail;
  const { root, token, drill, deny } = keys;
  const others = [root, token, drill, deny, recorder, await fixedEd25519('stranger')];
  const signers = others.map((key) => ({ ...key, alg: 'EdDSA' as const }));
  for (const signer of signers) {
    const forged = await (await TrailBuilder.begin()).genesis({}, signer);
    expect(gravely(await judge(forged, forged.files))).toEqual(['SIGNER_WRONG']);
  }
  for (const signer of [keys.trail, root, deny]) {
    const confused = await (await TrailBuilder.begin()).genesis();
    const { type, ...members } = {
      type: 'media.lost' as const,
      medium: 'A'.repeat(22),
      label: 'x',
      removable: null,
      reason: 'lost',
    };
    await confused.append({ type, ...members }, { signer });
    expect(gravely(await judge(confused, confused.files))).toEqual(['SIGNER_WRONG']);
  }
});

test('a right name on a wrong signature is a wrong signature', async () => {
  const forger = await fixedEd25519('forger');
  const forged = await (await TrailBuilder.begin()).genesis();
  await forged.mint({ signer: { ...forger, kid: forged.keys.trail.kid } });
  await forged.append(
    { type: 'mint.refused', request: null, requestSha256: null, codes: [] },
    { signer: { ...forger, kid: forged.recorder.kid } },
  );
  const { findings, facts, headCeremony } = await judge(forged, forged.files);
  expect(findings.map(({ code, seq }) => [code, seq])).toEqual([
    ['SIGNATURE_WRONG', 1],
    ['SIGNATURE_WRONG', 2],
  ]);
  expect(facts.issuedAt).toEqual([]);
  expect(headCeremony?.seq).toBe(0);
});

test('a recorder that a later ceremony names is a recorder from the beginning; one that none names is not provable', async () => {
  const late = await TrailBuilder.begin();
  const stranger = await fixedEd25519('another machine');
  await late.genesis();
  const refused = { type: 'mint.refused' as const, request: null, requestSha256: null, codes: [] };
  await late.append(refused, { signer: stranger, spoil: { recorder: stranger.kid } });
  expect((await judge(late, late.files)).findings).toMatchObject([
    { code: 'RECORDER_UNKNOWN', severity: 'not-provable', seq: 1 },
  ]);
  await late.mint({ spoil: () => ({ recorder: stranger.public.jwk }) });
  expect((await judge(late, late.files)).findings).toEqual([]);
});

test('a late recorder is held to its signature too', async () => {
  const late = await (await TrailBuilder.begin()).genesis();
  const stranger = await fixedEd25519('another machine');
  const forger = { ...(await fixedEd25519('forger')), kid: stranger.kid };
  const refused = { type: 'mint.refused' as const, request: null, requestSha256: null, codes: [] };
  await late.append(refused, { signer: forger, spoil: { recorder: stranger.kid } });
  await late.mint({ spoil: () => ({ recorder: stranger.public.jwk }) });
  expect((await judge(late, late.files)).findings).toMatchObject([{ code: 'SIGNATURE_WRONG', seq: 1 }]);
});

test('a trail of another trust is foreign', async () => {
  const other = await buildTrail(2, { name: 'Other production' });
  expect(gravely(await judge(trail, other.files))).toEqual(['TRAIL_OTHER']);
});

test('a retired trail key signs nothing any more', async () => {
  const rotated = await buildTrail(3);
  const old = rotated.keys.trail;
  await rotated.change('rotate');
  await rotated.mint({ signer: old });
  expect(gravely(await judge(rotated, rotated.files))).toEqual(['SIGNER_WRONG']);
});

test('a trust version that is not at hand leaves what follows not provable, not tampered', async () => {
  const hidden = await buildTrail(3);
  await hidden.change('rotate', { hide: true });
  await hidden.mint();
  const { findings, facts } = await judge(hidden, hidden.files);
  expect(findings).toMatchObject([{ code: 'TRUST_FILE_MISSING', severity: 'not-provable', seq: 3 }]);
  expect(facts.trust).toBeNull();
});

test('a restart may begin a trail whose earlier files are lost, and follow a gap; both are shown', async () => {
  const lost = await buildTrail(4);
  await lost.restart({ seq: 9, prev: digestOf(Buffer.from('record 8')) });
  const restart = lost.files.at(-1) ?? new Uint8Array();
  for (const [files, names] of [
    [[restart], [9]],
    [lost.files, [0, 1, 2, 3, 9]],
    [lost.files, [null, null, null, null, null]],
  ] as const) {
    const result = await judge(lost, files, { names });
    expect(result.findings).toMatchObject([{ code: 'RESTARTED', severity: 'warning', seq: 9 }]);
    expect(result.headCeremony?.seq).toBe(9);
  }
});

test('a newer format is not provable when it is validly signed, and tampered when it is not', async () => {
  const { sealJws } = await import('../../src/base/jws.ts');
  const newer = { ...trail.complete({ type: 'mint.refused', request: null, requestSha256: null, codes: [] }), v: 2 };
  const seal = async (signer: Parameters<typeof sealJws>[2]) =>
    Buffer.from(`${await sealJws(newer, 'breakglass-record+jws', signer)}\n`);
  const right = await judge(trail, [...trail.files, await seal(trail.recorder)]);
  expect(right.findings).toMatchObject([{ code: 'FORMAT_NEWER', severity: 'not-provable' }]);
  const forger = { ...(await fixedEd25519('forger')), kid: trail.recorder.kid };
  expect(gravely(await judge(trail, [...trail.files, await seal(forger)]))).toEqual(['RECORD_FORM']);
});

test('a cut newest file is torn, anywhere else it is tampered', async () => {
  const [last = new Uint8Array(), ...before] = [...trail.files].reverse();
  const cut = last.subarray(0, last.length / 2);
  expect(gravely(await judge(trail, [...before.reverse(), cut]))).toEqual(['RECORD_TORN']);
  const files = [...trail.files];
  files[4] = files[4]?.subarray(0, 100) ?? new Uint8Array();
  expect(gravely(await judge(trail, files))).toEqual(['RECORD_FORM']);
});

test('hostile bytes in the place of a record are one finding each', async () => {
  const hostile = [
    Buffer.from('\n'),
    Buffer.from('..\n'),
    Buffer.from('a'.repeat(1_100_000).concat('\n')),
    Buffer.from('{"v":1}\n'),
    Buffer.concat([trail.files[1] ?? Buffer.alloc(0), Buffer.from('\n')]),
    Buffer.concat([Buffer.from('\ufeff'), trail.files[1] ?? Buffer.alloc(0)]),
    Buffer.from(`${Buffer.from('[['.repeat(50_000)).toString('base64url')}.e30.AAAA\n`),
  ];
  for (const bytes of hostile) {
    const files = [...trail.files];
    files[1] = bytes;
    expect(gravely(await judge(trail, files))).toEqual(['RECORD_FORM']);
  }
});

test('of one code a hundred findings are kept, and the rest are counted', async () => {
  const files = Array.from({ length: 300 }, () => Buffer.from('x\n'));
  const { findings } = await judge(trail, files);
  expect(findings.filter(({ code }) => code === 'RECORD_FORM')).toHaveLength(100);
  expect(findings.at(-1)).toMatchObject({
    code: 'FINDINGS_CUT',
    message: '200 more findings RECORD_FORM are not listed',
  });
});

test('facts: head codes by 3 to 8 words, used requests, issuances of the last day, families', async () => {
  const { facts, headCeremony } = await judge(trail, trail.files);
  const words = digestWords(Buffer.from(headCeremony?.sha256 ?? '', 'hex'), 8);
  for (let count = 3; count <= 8; count++)
    expect(facts.findHead(words.slice(0, count).join(' '))).toEqual({ seq: headCeremony?.seq });
  expect(facts.findHead(words.slice(0, 2).join(' '))).toBeUndefined();
  expect(facts.findHead([...words.slice(0, 7), 'zoo'].join(' '))).toBeUndefined();
  const minted = trail.records.filter((record) => record.type === 'mint.issued');
  expect(facts.issuedAt).toHaveLength(minted.length);
  for (const record of minted) {
    expect(facts.issuedRequests.has(record.request.id)).toBe(true);
    expect(facts.families.get(record.tokens[0]?.claims.breakglass.family ?? '')).toMatchObject({
      sequence: 1,
      incident: 'inc-2026-0117',
      subject: 'dana',
      role: 'db-admin',
      drill: false,
      circumstance: 'outage',
      holder: null,
    });
  }
  expect(facts.recorders).toEqual(new Set([trail.recorder.kid]));
});

test('issuances of more than a day ago are not among the facts', async () => {
  const slow = await buildTrail(15, { stepSeconds: 86_400 });
  expect((await judge(slow, slow.files)).facts.issuedAt).toEqual([beginning + 14 * 86_400]);
});

test('anomalies, fixed media, failed checks and sandboxes are warnings', async () => {
  const odd = await (await TrailBuilder.begin()).genesis();
  await odd.mint({
    spoil: (record) => ({
      anomalies: [{ code: 'CLOCK_BEFORE_TRAIL', detail: 'the clock is behind', confirmedBy: ['alice', 'bob'] }],
      media: 'media' in record ? record.media.map((medium) => ({ ...medium, removable: false })) : [],
      preflight: { mode: 'sandbox', checks: [{ name: 'network-down', ok: false }] },
    }),
  });
  const { findings } = await judge(odd, odd.files);
  expect(findings.map(({ code, severity }) => [code, severity])).toEqual([
    ['ANOMALY', 'warning'],
    ['MEDIUM_FIXED', 'warning'],
    ['MEDIUM_FIXED', 'warning'],
    ['SANDBOX', 'warning'],
    ['PREFLIGHT_FAILED', 'warning'],
  ]);
});

test('a clock that was set back does not make a later ceremony break the limits', async () => {
  const policy = { ...testPolicy, limits: { cooldown: '1h', maxPerDay: 2 } };
  const odd = await (await TrailBuilder.begin({ policy })).genesis();
  const real = odd.now;
  odd.now += 30 * 86_400;
  for (let count = 0; count < 2; count++) {
    await odd.mint();
    odd.now += 7200;
  }
  odd.now = real + 86_400;
  await odd.mint();
  expect((await judge(odd, odd.files)).findings).toEqual([]);
});

test('a restart that the quorum did not sign changes nothing', async () => {
  const forged = await buildTrail(3);
  const files = [...forged.files];
  await forged.change('rotate');
  forged.keys = { ...forged.keys, trail: { ...(await fixedEd25519('forger')), kid: forged.keys.trail.kid } };
  await forged.restart({ seq: 3, prev: digestOf(files[2] ?? new Uint8Array()) });
  const { findings, facts } = await judge(forged, [...files, forged.files.at(-1) ?? new Uint8Array()]);
  expect(findings).toMatchObject([{ code: 'SIGNATURE_WRONG', seq: 3 }]);
  expect(facts.trust?.version).toBe(1);
});

test('a restart does not go back to an older trust version', async () => {
  const trail = await buildTrail(2);
  const [old, keys] = [trail.trust, trail.keys];
  await trail.change('rotate');
  trail.trust = old;
  trail.keys = keys;
  await trail.restart({ seq: 3, prev: trail.prev ?? '' });
  expect(gravely(await judge(trail, trail.files))).toEqual(['TRUST_SUCCESSION']);
});
