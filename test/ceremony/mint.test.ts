import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BreakglassError, type ErrorCode } from '../../src/base/errors.ts';
import { formatTime } from '../../src/base/time.ts';
import { fingerprintOfDigest, headWordCount } from '../../src/key/fingerprint.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { verifyToken } from '../../src/token/verify.ts';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { requestFingerprint } from '../../src/trust/request.ts';
import { goodPolicy, noon } from '../trust/fixture.ts';
import {
  type Attempt,
  copyOf,
  initialized,
  mintIn,
  type Outcome,
  recordsOn,
  type Scene,
  scratch,
  trustOf,
} from './fixture.ts';

const { dir, remove } = scratch('mint');
let origin: Scene;
beforeAll(async () => {
  origin = await initialized(dir);
});
afterAll(remove);

const stop = (code: ErrorCode) => async (): Promise<never> => {
  throw new BreakglassError(code, 'somebody stopped', { hint: 'nothing happened' });
};

/** Minted, and on the record of both media as what was minted. */
function expectMinted(scene: Scene, outcome: Outcome): void {
  expect(outcome.error).toBeUndefined();
  expect(outcome.tokens).toHaveLength(outcome.minted?.claims.length ?? 1);
  for (const medium of scene.media) {
    const [issued, released] = recordsOn(medium).slice(-2);
    expect([issued?.seq, released?.type]).toEqual([outcome.minted?.record.seq, 'mint.released']);
  }
}

/** No token, and both media tell of it in their last record. */
function expectRecorded(scene: Scene, outcome: Outcome, record: object): void {
  expect(outcome.tokens).toEqual([]);
  for (const medium of scene.media) expect(recordsOn(medium).at(-1)).toMatchObject(record);
}

/** A trust with a policy of its own. */
const withPolicy = (from: string, to: string, change = {}) =>
  initialized(dir, { policy: goodPolicy(startingPolicy.replace(from, to)), ...change });

describe('a mint', () => {
  test('gives a token that a service accepts, and the record stands on every medium before the token is out', async () => {
    const scene = copyOf(origin);
    let onMedia: string[] = [];
    const outcome = await mintIn(scene, {
      deliver: async () => {
        onMedia = scene.media.map((medium) => recordsOn(medium).at(-1)?.type ?? '');
        return 'stdout';
      },
    });
    expect(onMedia).toEqual(['mint.issued', 'mint.issued']);
    expectMinted(scene, outcome);
    const trust = trustOf(scene);
    const revocations = readFileSync(join(scene.stateDir, 'revocations.jws'));
    const { claims } = verifyToken(outcome.tokens[0] ?? '', {
      trust,
      now: noon + 61,
      audience: 'https://db.prod.example.com',
      mode: 'production',
      revocations: { state: 'checked', list: readRevocations(revocations, trust) },
    });
    expect(claims).toEqual(outcome.minted?.claims[0]);
    expect(outcome.asked).toEqual(['head code', 'clock', 'request', 'share', 'share', 'share']);
    expect(outcome.panels[0]?.fingerprint).toEqual(requestFingerprint(outcome.panels[0]?.request ?? ({} as never)));
  });

  test('holds no signature of a token in its records', async () => {
    const scene = copyOf(origin);
    const { tokens } = await mintIn(scene);
    const signature = tokens[0]?.split('.')[2] ?? '-';
    expect(JSON.stringify(recordsOn(scene.media[0] ?? ''))).not.toContain(signature);
  });

  test('keeps good shares when others are refused, each by name', async () => {
    const scene = copyOf(origin);
    const outcome = await mintIn(scene, { cards: ['alice', 'alice', 'nobody', 'bob', 'carol'] });
    expectMinted(scene, outcome);
    expect(outcome.refusals).toEqual(['SHARE_DUPLICATE', 'SHARE_NOT_A_SHARE']);
    expect(outcome.minted?.custodians).toEqual(['alice', 'bob', 'carol']);
  });

  test('asks for as many shares as the role wants', async () => {
    const scene = await withPolicy('holder = "optional"', 'holder = "optional"\nminShares = 4');
    const short = await mintIn(scene, { cards: ['alice', 'bob', 'carol'] });
    expect([short.tokens, short.asked.filter((what) => what === 'share').length]).toEqual([[], 4]);
    const outcome = await mintIn(scene, { cards: ['alice', 'bob', 'carol', 'erin'] });
    expectMinted(scene, outcome);
    expect(outcome.minted?.custodians).toHaveLength(4);
  });

  test('does not count the share of the person who gets the token, unless the policy lets it', async () => {
    const frank = ['frank = ["custodian"]', 'frank = ["custodian", "responder"]'] as const;
    const attempt: Attempt = { request: { subject: 'frank' }, cards: ['frank', 'alice', 'bob', 'carol'] };
    const separated = await mintIn(await withPolicy(...frank), attempt);
    expect([separated.refusals, separated.minted?.custodians]).toEqual([
      ['SHARE_NOT_COUNTED'],
      ['alice', 'bob', 'carol'],
    ]);
    const loose = goodPolicy(startingPolicy.replace(...frank).replace('separation = true', 'separation = false'));
    const counted = await mintIn(await initialized(dir, { policy: loose }), attempt);
    expect(counted.minted?.custodians).toEqual(['frank', 'alice', 'bob']);
  });
});

describe('nobody is asked for a share, nothing is released, and the refusal is on the record:', () => {
  const early: readonly [what: string, code: ErrorCode, codes: readonly string[], attempt: Attempt][] = [
    ['an old request', 'REQUEST_EXPIRED', ['REQUEST_EXPIRED'], { request: { createdAt: '2026-01-30T12:00:59Z' } }],
    [
      'a request from the future',
      'REQUEST_EXPIRED',
      ['REQUEST_EXPIRED'],
      { request: { createdAt: '2026-01-31T12:11:01Z' } },
    ],
    ['another trust', 'REQUEST_INVALID', ['REQUEST_INVALID'], { request: { trust: 'ab'.repeat(32) } }],
    ['a drill request in production', 'REQUEST_INVALID', ['REQUEST_INVALID'], { request: { kind: 'drill' } }],
    ['a production request in a drill', 'REQUEST_INVALID', ['REQUEST_INVALID'], { options: { mode: 'drill' } }],
    [
      'three broken rules at once',
      'POLICY_REFUSED',
      ['request-subject', 'request-circumstance', 'role-max-lifetime'],
      { request: { subject: 'alice', circumstance: 'boredom', lifetimeSeconds: 3600 } },
    ],
    [
      'a failed preflight that the policy requires',
      'PREFLIGHT_FAILED',
      ['PREFLIGHT_FAILED'],
      { options: { preflight: { mode: 'require', checks: [{ name: 'network', ok: false }] } } },
    ],
    [
      'a watch that says otherwise',
      'CLOCK_DIFFERS',
      ['CLOCK_DIFFERS'],
      { people: { confirmClock: stop('CLOCK_DIFFERS') } },
    ],
    [
      'words that differ',
      'REQUEST_CHANGED',
      ['REQUEST_CHANGED'],
      { people: { confirmRequest: stop('REQUEST_CHANGED') } },
    ],
  ];
  test.each(early)('%s', async (_, code, codes, attempt) => {
    const scene = copyOf(origin);
    const outcome = await mintIn(scene, attempt);
    expect(outcome.error).toMatchObject({ code });
    expect(outcome.asked).not.toContain('share');
    expectRecorded(scene, outcome, { type: 'mint.refused', codes, seq: 1 });
  });

  test('a request that a token was issued for before, even in the same minute', async () => {
    const scene = copyOf(origin);
    const { panels } = await mintIn(scene);
    const { id = '' } = panels[0]?.request ?? {};
    const again = await mintIn(scene, { request: { id } });
    expect(again.error).toMatchObject({ code: 'REQUEST_REUSED' });
    expect(again.asked).toEqual([]);
    expectRecorded(scene, again, { type: 'mint.refused', codes: ['REQUEST_REUSED'] });
  });

  test.each([
    ['maxPerDay', 'maxPerDay = 12', 'maxPerDay = 1', 'limits-max-per-day', 24 * 60 - 1, 24 * 60 + 2],
    ['cooldown', 'cooldown = "0s"', 'cooldown = "10m"', 'limits-cooldown', 10, 11],
  ])('an issuance over %s; a drill does not count', async (_, from, to, rule, refusedAt, acceptedAt) => {
    const scene = await withPolicy(from, to);
    expectMinted(scene, await mintIn(scene, { request: { kind: 'drill' }, options: { mode: 'drill' } }));
    expectMinted(scene, await mintIn(scene));
    const refused = await mintIn(scene, { minute: refusedAt });
    expect(refused.error).toMatchObject({ code: 'POLICY_REFUSED' });
    expect(refused.asked).toEqual([]);
    expectRecorded(scene, refused, { type: 'mint.refused', codes: [rule] });
    expectMinted(scene, await mintIn(scene, { minute: acceptedAt }));
  });
});

describe('what looks wrong is shown, confirmed by each custodian and recorded, and refuses nothing:', () => {
  const codesOf = (outcome: Outcome) => outcome.panels[0]?.anomalies.map(({ code }) => code);
  const fixed = 'MEDIA_FIXED';

  test('a clock before the last ceremony record', async () => {
    const scene = copyOf(origin);
    const outcome = await mintIn(scene, { minute: -60 });
    expectMinted(scene, outcome);
    expect(codesOf(outcome)).toEqual([fixed, 'CLOCK_BEFORE_TRAIL']);
    expect(recordsOn(scene.media[0] ?? '').at(-2)).toMatchObject({
      time: formatTime(noon - 3600),
      anomalies: [{ code: fixed }, { code: 'CLOCK_BEFORE_TRAIL', confirmedBy: ['alice', 'bob', 'carol'] }],
    });
  });

  test('a head code that the trail does not know; one that it knows, or no card, is nothing', async () => {
    const scene = copyOf(origin);
    const genesis = (await mintIn(scene)).minted?.claims[0]?.breakglass.trail.prev ?? '';
    const { words } = fingerprintOfDigest(genesis, headWordCount);
    for (const [typed, codes] of [
      ['zoo zoo zoo', [fixed, 'HEAD_CODE_UNKNOWN']],
      [words.slice(0, 3).join(' '), [fixed]],
      [words.join(' ').toUpperCase(), [fixed]],
      [null, [fixed]],
    ] as const) {
      const outcome = await mintIn(copyOf(scene), { people: { headCode: async () => typed } });
      expect([outcome.error, codesOf(outcome)]).toEqual([undefined, codes]);
    }
  });

  test('a state directory that was rebuilt in this run', async () => {
    const scene = copyOf(origin);
    const anomalies = [{ code: 'STATE_NEW', detail: 'rebuilt' }] as const;
    const outcome = await mintIn(scene, { options: { anomalies } });
    expectMinted(scene, outcome);
    expect(codesOf(outcome)).toEqual(['STATE_NEW', fixed]);
  });
});

describe('an attempt that is broken off is on the record, with what it had reached:', () => {
  const stages: readonly [stage: string, attempt: Attempt, custodians: readonly string[]][] = [
    ['media', { people: { headCode: stop('ABORTED') } }, []],
    ['clock', { people: { confirmClock: stop('ABORTED') } }, []],
    ['confirmation', { people: { confirmRequest: stop('TIMEOUT') } }, []],
    ['shares', { cards: ['alice', 'bob'], people: { refused: stop('TIMEOUT') } }, ['alice', 'bob']],
  ];
  test.each(stages)('%s', async (stage, attempt, custodians) => {
    const scene = copyOf(origin);
    const outcome = await mintIn(scene, attempt);
    expect(outcome.error).toBeInstanceOf(BreakglassError);
    expectRecorded(scene, outcome, { type: 'mint.aborted', stage, custodians });
    expectMinted(scene, await mintIn(scene, { minute: 2 }));
  });

  test('release: the token counts as issued, for its record stands', async () => {
    const scene = copyOf(origin);
    const outcome = await mintIn(scene, { deliver: stop('EXISTS') });
    expect(outcome.error).toMatchObject({ code: 'EXISTS' });
    for (const medium of scene.media)
      expect(recordsOn(medium).slice(-2)).toMatchObject([
        { type: 'mint.issued' },
        { type: 'mint.aborted', stage: 'release' },
      ]);
    const again = await mintIn(scene, { request: { id: outcome.panels[0]?.request.id ?? '' } });
    expect(again.error).toMatchObject({ code: 'REQUEST_REUSED' });
  });
});

describe('without enough media', () => {
  const pending = (scene: Scene) => {
    const folder = join(scene.stateDir, 'pending');
    return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).type as string);
  };

  test('nobody is asked for anything; the refusal waits, and is written first next time', async () => {
    const scene = copyOf(origin);
    const [stick = '', away = `${scene.dir}/away`] = [scene.media[1]];
    renameSync(stick, away);
    const outcome = await mintIn(scene);
    expect([outcome.asked, outcome.tokens, pending(scene)]).toEqual([[], [], ['mint.refused']]);
    expect(recordsOn(scene.media[0] ?? '')).toHaveLength(1);
    renameSync(away, stick);
    expectMinted(scene, await mintIn(scene, { minute: 2 }));
    expect(recordsOn(stick).map(({ type }) => type)).toEqual([
      'genesis',
      'mint.refused',
      'mint.issued',
      'mint.released',
    ]);
    expect(pending(scene)).toEqual([]);
  });

  test('and with a state directory that cannot keep the record either, the reason is still what is told', async () => {
    const scene = copyOf(origin);
    rmSync(scene.media[1] ?? '', { recursive: true });
    rmSync(join(scene.stateDir, 'pending'), { recursive: true });
    writeFileSync(join(scene.stateDir, 'pending'), 'not a folder');
    const outcome = await mintIn(scene);
    expect([outcome.error, outcome.tokens]).toMatchObject([{ code: 'MEDIUM_NOT_FOUND' }, []]);
    expect(outcome.notes.join()).toContain('this attempt is not on the record');
  });
});
