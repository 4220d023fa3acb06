import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import type { JwsSigner } from '../../src/base/jws.ts';
import { denyEntrySha256, mergeRevocations, readRevocations } from '../../src/revocation/list.ts';
import { type DenyEntry, type Statement, sealStatement } from '../../src/revocation/statement.ts';
import type { Claims } from '../../src/token/claims.ts';
import {
  audience,
  denial,
  exampleClaims,
  type Fixture,
  makeFixture,
  midnight,
  statement,
  zeroId,
} from '../token/fixture.ts';

let fixture: Fixture;
let token: { readonly claims: Claims; readonly kid: string };
beforeAll(async () => {
  fixture = await makeFixture('Ed25519');
  token = { claims: exampleClaims(fixture), kid: fixture.token.kid };
});

const file = (...lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''));
const line = (change: Partial<Statement>, signer: JwsSigner = fixture.revoker) =>
  sealStatement(statement(fixture, change), signer);
const denying = (...deny: readonly DenyEntry[]) => line({ deny: [...deny] });
const allowing = (...entries: readonly DenyEntry[]) => line({ allow: entries.map(denyEntrySha256) }, fixture.root);
const denies = async (...entries: readonly DenyEntry[]) =>
  readRevocations(file(await denying(...entries)), fixture.trust).denials.find(token);

const everything = denial({ kind: 'all', value: null });

describe('a token is denied', () => {
  test.each([
    ['all', null, undefined],
    ['epoch', 2, 1],
    ['kid', 'token', 'drill'],
    ['jti', 'AQEBAQEBAQEBAQEBAQEBAQ', zeroId],
    ['family', zeroId, 'AQEBAQEBAQEBAQEBAQEBAQ'],
    ['incident', 'inc-2026-001', 'inc-2026-002'],
    ['subject', 'dana', 'db-admin'],
    ['role', 'db-admin', 'dana'],
    ['audience', audience, `${audience}/`],
  ] as const)('by its %s, and not by that of another', async (kind, own, other) => {
    const actual = (value: string | number | null) => (kind === 'kid' && value ? fixture[value as 'token'].kid : value);
    const entry = denial({ kind, value: actual(own) });
    expect(await denies(entry)).toEqual(entry);
    if (other !== undefined) expect(await denies(denial({ kind, value: actual(other) }))).toBeUndefined();
  });

  test('by a newer epoch too: that one and older', async () => {
    expect(await denies(denial({ kind: 'epoch', value: 3 }))).toBeDefined();
  });

  test('by `before` only if it was issued earlier', async () => {
    expect(await denies(denial({ kind: 'all', value: null, before: midnight }))).toBeUndefined();
    expect(await denies(denial({ kind: 'all', value: null, before: midnight + 1 }))).toBeDefined();
  });

  test('by the farthest-reaching of several entries for the same thing, in any order', async () => {
    const [near, far, never] = [midnight - 10, midnight + 10, undefined].map((before) =>
      denial({ kind: 'subject', value: 'dana', ...(before === undefined ? {} : { before }) }),
    ) as [DenyEntry, DenyEntry, DenyEntry];
    expect(await denies(near, far)).toEqual(far);
    expect(await denies(far, near)).toEqual(far);
    expect(await denies(never, near)).toEqual(never);
  });

  test('long after `until`, which only tells a writer what it may drop', async () => {
    expect(await denies(denial({ kind: 'all', value: null, until: 1 }))).toBeDefined();
  });

  test('by the deny key, active or retired, as by a revoker', async () => {
    for (const signer of [fixture.deny, fixture.retiredDeny]) {
      const list = readRevocations(file(await line({ deny: [everything] }, signer)), fixture.trust);
      expect(list.denials.find(token)).toEqual(everything);
    }
  });

  // What a plain reading of the format says, entry by entry; the index must agree with it.
  test('exactly when one entry by itself would deny it', async () => {
    const before = fc.option(fc.integer({ min: midnight - 3, max: midnight + 3 }), { nil: undefined });
    const entries = fc.array(
      fc.oneof(
        fc.tuple(fc.constant('epoch'), fc.integer({ min: 1, max: 6 }), before),
        fc.tuple(fc.constant('subject'), fc.constantFrom('dana', 'alice'), before),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(entries, fc.integer({ min: 1, max: 6 }), async (drawn, epoch) => {
        const deny = drawn.map(([kind, value, limit]) =>
          denial({ kind: kind as 'epoch', value, ...(limit === undefined ? {} : { before: limit }) }),
        );
        const candidate = { ...token, claims: { ...token.claims, breakglass: { ...token.claims.breakglass, epoch } } };
        const expected = deny.some(
          (entry) =>
            midnight < (entry.before ?? Number.POSITIVE_INFINITY) &&
            (entry.kind === 'epoch' ? epoch <= entry.value : entry.value === 'dana'),
        );
        const list = readRevocations(file(await denying(...deny)), fixture.trust);
        expect(list.denials.find(candidate) !== undefined).toBe(expected);
      }),
      { numRuns: 80, seed: 5 },
    );
  });
});

describe('an entry that root allows', () => {
  test('no longer denies, wherever the two lines stand', async () => {
    const lines = [await denying(everything), await allowing(everything)];
    for (const order of [lines, [...lines].reverse()]) {
      const list = readRevocations(file(...order), fixture.trust);
      expect(list.alarms).toEqual([]);
      expect(list.entries).toEqual([]);
      expect(list.denials.find(token)).toBeUndefined();
    }
  });

  test('is allowed alone: the same denial at another time still denies', async () => {
    const again = { ...everything, at: midnight + 1 };
    const list = readRevocations(file(await denying(everything, again), await allowing(everything)), fixture.trust);
    expect(list.denials.find(token)).toEqual(again);
  });
});

describe('a bad line is an alarm, and the good ones around it count:', () => {
  const other = makeFixture('Ed25519', { name: 'Other Corp' });
  const badLines: readonly (readonly [string, () => Promise<string>, string])[] = [
    ['a revoker that allows', () => line({ allow: ['a'.repeat(64)] }, fixture.revoker), 'revoker erin may only deny'],
    ['a deny key that allows', () => line({ allow: ['a'.repeat(64)] }, fixture.deny), 'may only deny'],
    [
      'a revoker that denies and allows',
      () => line({ deny: [everything], allow: ['a'.repeat(64)] }, fixture.revoker),
      'may only deny',
    ],
    ['root that denies', () => line({ deny: [everything] }, fixture.root), 'the root key may only allow'],
    [
      'a signer whom nobody knows',
      () => line({ deny: [everything] }, { ...fixture.stranger, alg: 'EdDSA' }),
      'no root, deny',
    ],
    ['the trail key', () => line({ deny: [everything] }, fixture.trail), 'no root, deny or revoker key'],
    [
      'another trust',
      async () => line({ trust: (await other).trust.id, deny: [everything] }),
      'it is of another trust',
    ],
    [
      'a signature by another key',
      () => line({ deny: [everything] }, { ...fixture.stranger, alg: 'EdDSA', kid: fixture.revoker.kid }),
      'the signature of revoker erin is wrong',
    ],
    ['a line cut short', async () => (await line({ deny: [everything] })).slice(0, -7), 'signature is not 64 bytes'],
    ['a line that lost its head', async () => (await line({ deny: [everything] })).slice(9), 'header'],
    ['two lines run together', async () => `${await line({})}${await line({ iat: 1 })}`, 'not three segments'],
    ['an empty line', async () => '', 'not three segments'],
    ['a Windows line end', async () => `${await line({ deny: [everything] })}\r`, 'not canonical base64url'],
    ['a line of 1 MiB and a byte', async () => 'A'.repeat(1024 * 1024 + 1), 'longer than 1 MiB'],
    ['bytes that are not text', async () => '\u{0}\u{ff}\u{fe}', 'not three segments'],
  ];

  test.each(badLines)('%s', async (_, make, message) => {
    const [first, last] = [
      await line({ iat: midnight - 1 }),
      await denying(denial({ kind: 'subject', value: 'dana' })),
    ];
    const bad = await make();
    const list = readRevocations(file(first, bad, last), fixture.trust);
    expect(list.alarms).toEqual([{ line: 2, message: expect.stringContaining(message) }]);
    expect(list.lines).toEqual([first, last]);
    expect(list.hasLine(sha256Hex(bad))).toBe(false);
    expect(list.denials.find(token)?.kind).toBe('subject');
  });

  test('deep nesting', async () => {
    const payload = Buffer.from(`{"allow":${'['.repeat(100_000)}${']'.repeat(100_000)}}`).toString('base64url');
    const [head, , tail] = (await line({})).split('.');
    const list = readRevocations(file(`${head}.${payload}.${tail}`), fixture.trust);
    expect(list.alarms).toHaveLength(1);
  });
});

describe('a file that was cut', () => {
  test('in its last line keeps the lines before', async () => {
    const [first, last] = [await denying(everything), await line({})];
    const bytes = file(first, last);
    const list = readRevocations(bytes.subarray(0, -9), fixture.trust);
    expect(list.lines).toEqual([first]);
    expect(list.alarms.map(({ line: number }) => number)).toEqual([2, 2]);
    expect(list.denials.find(token)).toBeDefined();
  });

  test('before its last line feed still denies what is signed there, and says so', async () => {
    const list = readRevocations(file(await denying(everything)).subarray(0, -1), fixture.trust);
    expect(list.denials.find(token)).toEqual(everything);
    expect(list.alarms).toEqual([{ line: 1, message: expect.stringContaining('line feed') }]);
  });

  test('to nothing denies nothing and has no newest line', () => {
    const list = readRevocations(new Uint8Array(), fixture.trust);
    expect(list).toMatchObject({ lines: [], alarms: [], newest: null, entries: [] });
    expect(list.denials.find(token)).toBeUndefined();
  });
});

describe('the newest line', () => {
  test('is the one with the greatest iat, wherever it stands', async () => {
    const [old, young] = [await line({ iat: midnight }), await line({ iat: midnight + 1 })];
    expect(readRevocations(file(young, old), fixture.trust).newest).toBe(sha256Hex(young));
    expect(readRevocations(file(old, young), fixture.trust).newest).toBe(sha256Hex(young));
  });

  test('is, among equals, the one with the greatest SHA-256', async () => {
    const lines = [await line({}), await denying(everything), await line({}, fixture.deny)];
    const [greatest] = lines
      .map((each) => sha256Hex(each))
      .sort()
      .reverse();
    expect(readRevocations(file(...lines), fixture.trust).newest).toBe(greatest);
  });
});

describe('merging', () => {
  test('is the union of the lines in order of first appearance, and repairs a missing line feed', () => {
    const merged = mergeRevocations(Buffer.from('a\nb\n\na'), Buffer.from('c\nb\nd'));
    expect(Buffer.from(merged).toString()).toBe('a\nb\nc\nd\n');
    expect(mergeRevocations(new Uint8Array(), new Uint8Array())).toHaveLength(0);
  });

  test('says the same in any order, and twice is the same as once', async () => {
    const entries = ['dana', 'alice', 'bob'].map((value) => denial({ kind: 'subject', value }));
    const lines = [
      fixture.firstLine,
      ...(await Promise.all(entries.map((entry) => denying(entry)))),
      await allowing(...entries.slice(1, 2)),
      'a bad line',
    ];
    const meaning = (bytes: Uint8Array) => {
      const list = readRevocations(bytes, fixture.trust);
      const values = list.entries.map(({ value }) => value);
      return { lines: [...list.lines].sort(), newest: list.newest, values: values.sort() };
    };
    const expected = meaning(file(...lines));
    expect(expected.values).toEqual(['bob', 'dana']);
    const some = fc.shuffledSubarray(lines);
    fc.assert(
      fc.property(some, some, fc.shuffledSubarray(lines, { minLength: lines.length }), (a, b, whole) => {
        const merged = mergeRevocations(mergeRevocations(file(...a), file(...b)), file(...whole));
        expect(meaning(merged)).toEqual(expected);
        expect(Buffer.from(mergeRevocations(merged, merged)).equals(merged)).toBe(true);
      }),
      { numRuns: 50, seed: 6 },
    );
  });
});

test('writing refuses what a reader would skip', async () => {
  const wrong = [
    denial({ kind: 'all', value: 'everything' }),
    denial({ kind: 'epoch', value: '2' }),
    denial({ kind: 'jti', value: 'short' }),
    denial({ kind: 'subject', value: 'Dana' }),
    denial({ kind: 'subject', value: 'dana', reason: '' }),
    denial({ kind: 'subject', value: 'dana', before: 1.5 }),
    denial({ kind: 'subject', value: 'dana', at: 253_402_300_800 }),
    denial({ kind: 'subject', value: 'dana', extra: 1 }),
    denial({ kind: 'trust' as 'all', value: null }),
  ];
  for (const entry of wrong) await expect(denying(entry)).rejects.toMatchObject({ code: 'REVOCATIONS_INVALID' });
  const tooMany = Array.from({ length: 10_000 }, () => everything);
  await expect(denying(...tooMany)).rejects.toThrow('longer than 1 MiB');
});

test('a flood of bad lines is 100 alarms and one that counts the rest', () => {
  const list = readRevocations(Buffer.from('\n'.repeat(5000)), fixture.trust);
  expect(list.alarms).toHaveLength(101);
  expect(list.alarms.at(-1)).toEqual({ line: 5000, message: '4900 more alarms, the last of them in this line' });
});

test('100,000 entries are read, and each is found', async () => {
  const jti = (n: number) => {
    const bytes = Buffer.alloc(16);
    bytes.writeUInt32BE(n);
    return bytes.toString('base64url');
  };
  const lines: string[] = [];
  for (let from = 0; from < 100_000; from += 5000)
    lines.push(await denying(...Array.from({ length: 5000 }, (_, n) => denial({ kind: 'jti', value: jti(from + n) }))));
  const list = readRevocations(file(...lines), fixture.trust);
  expect(list.alarms).toEqual([]);
  expect(list.entries).toHaveLength(100_000);
  for (const n of [0, 1, 49_999, 99_999])
    expect(list.denials.find({ ...token, claims: { ...token.claims, jti: jti(n) } })?.value).toBe(jti(n));
  expect(list.denials.find({ ...token, claims: { ...token.claims, jti: jti(100_000) } })).toBeUndefined();
});

test('LIMIT: an allow counts only while the root that signed it stands in the trust file; after a new root the denial is back', async () => {
  const next = await makeFixture('Ed25519');
  const stranger = { ...next.trust, root: { ...next.trust.root, kid: fixture.stranger.kid } };
  const list = readRevocations(file(await denying(everything), await allowing(everything)), stranger);
  expect(list.denials.find(token)).toEqual(everything);
  expect(list.alarms).toHaveLength(1);
});
