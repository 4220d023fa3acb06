import { describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { openReviews, reviewWarnings } from '../../src/trail/due.ts';
import { auditorKey, beginning, fixedEd25519, TrailBuilder, testPolicy } from './build.ts';
import { judge } from './judge.ts';

const hour = 3600;
const incident = 'inc-2026-0117';

async function minted(policy = testPolicy): Promise<TrailBuilder> {
  const trail = await TrailBuilder.begin({ policy });
  await trail.genesis();
  return trail.mint();
}

const judged = async (trail: TrailBuilder) => {
  const { facts, findings } = await judge(trail, trail.files);
  return { open: facts.debts.map(({ seq }) => seq), codes: findings.map(({ code }) => code), findings };
};

describe('a debt', () => {
  test('is opened by each issuance, and by no drill', async () => {
    const trail = await minted();
    await trail.mint({ drill: true });
    await trail.mint({ request: { incident: 'inc-2' } });
    expect((await judged(trail)).open).toEqual([1, 3]);
  });

  test('is closed by a review of its incident that looked at its issuance, and by nothing else of it', async () => {
    const trail = await minted();
    await trail.mint({ request: { incident: 'inc-2' } });
    await trail.review();
    expect(await judged(trail)).toEqual({ open: [2], codes: [], findings: [] });
  });

  test('of an issuance after the one that was looked at stays open', async () => {
    const trail = await minted();
    const members = await trail.reviewMembers();
    await trail.mint();
    await trail.append({ type: 'review', ...members });
    expect(await judged(trail)).toMatchObject({ open: [2], codes: [] });
  });

  test('is overdue review.within after its issuance, to the second', async () => {
    const trail = await minted();
    const { facts } = await judge(trail, trail.files);
    const due = beginning + 600 + 72 * hour;
    expect(openReviews(facts.debts, testPolicy, due)).toEqual([
      { incident, records: [1], since: '2026-02-01T08:10:00Z', due: '2026-02-04T08:10:00Z', overdue: false },
    ]);
    const late = openReviews(facts.debts, testPolicy, due + 1);
    expect(late[0]?.overdue).toBe(true);
    expect(reviewWarnings(late)).toMatchObject([{ code: 'REVIEW_OVERDUE', seq: 1 }]);
  });

  test('of a policy with a term beyond the year 9999 is never overdue', async () => {
    const trail = await minted();
    const { facts } = await judge(trail, trail.files);
    const slow = { ...testPolicy, review: { ...testPolicy.review, within: '999999999d' } };
    expect(openReviews(facts.debts, slow, 253_402_300_799)[0]).toMatchObject({ due: null, overdue: false });
  });
});

describe('a review that does not hold closes nothing and is found', () => {
  const refused = async (change: (trail: TrailBuilder) => Promise<unknown>) => {
    const trail = await minted();
    await change(trail);
    const { open, findings } = await judged(trail);
    expect(open).toEqual([1]);
    expect(findings.map(({ code, severity, seq }) => [code, severity, seq])).toEqual([
      ['REVIEW_REFUSED', 'warning', 2],
    ]);
    return findings[0]?.message;
  };

  test('no JWS', async () => {
    await refused((trail) => trail.review({}, { spoil: { statement: 'e30.e30.AAAA' } }));
  });
  test('signed by nobody of the trust file', async () => {
    const key = await fixedEd25519('somebody');
    expect(await refused((trail) => trail.review({}, { key }))).toContain('no auditor');
  });
  test('with the kid of an auditor and the signature of another', async () => {
    const forger = { ...(await fixedEd25519('somebody')), kid: auditorKey.kid };
    expect(await refused((trail) => trail.review({}, { key: forger }))).toContain('signature');
  });
  test('of another trust', async () => {
    expect(await refused((trail) => trail.review({ trust: sha256Hex('another') }))).toContain('another trust');
  });
  test('in the name of another auditor', async () => {
    expect(await refused((trail) => trail.review({ auditor: 'heidi' }))).toContain('heidi');
  });
  test('under another incident than its statement', async () => {
    await refused((trail) => trail.review({ incident: 'inc-2' }, { spoil: { incident } }));
  });
  test('of a record that is another one here', async () => {
    await refused((trail) => trail.review({ through: { seq: 1, sha256: sha256Hex('another') } }));
  });
  test('of a record under another number', async () => {
    await refused(async (trail) =>
      trail.review({ through: { seq: 900, sha256: sha256Hex(trail.files[1] ?? new Uint8Array()) } }),
    );
  });
});

test('a review without a use log, and one that concluded misuse, close and stay findings', async () => {
  const trail = await minted();
  await trail.review({ uses: [], conclusion: 'misuse', findings: ['USE_NOT_ISSUED'] });
  const { open, codes, findings } = await judged(trail);
  expect(open).toEqual([]);
  expect(codes).toEqual(['REVIEW_WITHOUT_USES', 'REVIEW_MISUSE']);
  expect(findings[1]?.message).toContain('USE_NOT_ISSUED');
});

test('findings that are not sorted, or stand twice, are refused when a review is sealed', async () => {
  const trail = await minted();
  await expect(trail.reviewMembers({ findings: ['B', 'A'] })).rejects.toMatchObject({ code: 'REVIEW_INVALID' });
  await expect(trail.reviewMembers({ findings: ['A', 'A'] })).rejects.toMatchObject({ code: 'REVIEW_INVALID' });
});

describe('where overdue reviews cost one more share', () => {
  const strict = {
    ...testPolicy,
    separation: false,
    review: { ...testPolicy.review, overdue: 'extra-share' as const },
  };
  const three = [
    { label: 'alice', index: 17 },
    { label: 'bob', index: 99 },
    { label: 'carol', index: 201 },
  ];
  const later = async (
    after: number,
    mint: Parameters<TrailBuilder['mint']>[0] = {},
    policy: typeof testPolicy = strict,
  ) => {
    const trail = await minted(policy);
    trail.now = beginning + 600 + after;
    await trail.mint(mint);
    return (await judged(trail)).codes;
  };

  test('an issuance without it is found', async () => {
    expect(await later(74 * hour)).toEqual(['REVIEW_SHARE_MISSING']);
  });
  test('one with it is not', async () => {
    expect(await later(74 * hour, { custodians: three })).toEqual([]);
  });
  test('one that says why shows the anomaly instead', async () => {
    const spoil = () => ({
      anomalies: [{ code: 'REVIEW_OVERDUE', detail: 'nobody came', confirmedBy: ['alice', 'bob'] }],
    });
    expect(await later(74 * hour, { spoil })).toEqual(['ANOMALY']);
  });
  test('one that may have begun before it was due is not', async () => {
    expect(await later(72 * hour + 1800)).toEqual([]);
  });
  test('nor where nobody else could give one', async () => {
    expect(
      await later(74 * hour, {}, { ...strict, separation: true, roles: strict.roles, people: strict.people }),
    ).toEqual(['REVIEW_SHARE_MISSING']);
    expect(await later(74 * hour, { request: { subject: 'carol' } }, { ...strict, separation: true })).toEqual([]);
  });
  test('nor in a drill, nor under a policy that does not say so', async () => {
    expect(await later(74 * hour, { drill: true })).toEqual([]);
    expect(await later(74 * hour, {}, testPolicy)).toEqual([]);
  });
});
