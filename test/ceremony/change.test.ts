import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditCheck } from '../../src/ceremony/audit-check.ts';
import { fingerprintOfDigest, headWordCount } from '../../src/key/fingerprint.ts';
import { openState } from '../../src/machine/state.ts';
import { readRevocations } from '../../src/revocation/list.ts';
import { verifyToken } from '../../src/token/verify.ts';
import { startingPolicy } from '../../src/trust/policy-file.ts';
import { acceptTrust, openTrust, type Trust } from '../../src/trust/trust-file.ts';
import { goodPolicy, noon } from '../trust/fixture.ts';
import {
  type ChangeOutcome,
  changeIn,
  copyOf,
  custodians,
  initialized,
  mintIn,
  recordsOn,
  type Scene,
  scratch,
  trustOf,
} from './fixture.ts';

const { dir, remove } = scratch('change');
let origin: Scene;
beforeAll(async () => {
  origin = await initialized(dir);
});
afterAll(remove);

const five = { threshold: 3, custodians };

const withCards = (scene: Scene, { newCards }: ChangeOutcome): Scene => ({ ...scene, cards: newCards });

function judge(scene: Scene, token: string, trust: Trust, minute: number) {
  const list = readRevocations(readFileSync(join(scene.outDir, 'revocations.jws')), trust);
  return verifyToken(token, {
    trust,
    now: noon + 60 * minute,
    audience: 'https://db.prod.example.com',
    mode: 'production',
    revocations: { state: 'checked', list },
  });
}

/** What an auditor says who has version 1 and the newest head code. */
async function audited(scene: Scene, headSha256: string) {
  const head = fingerprintOfDigest(headSha256, headWordCount).words.join(' ');
  const trust = openTrust(readFileSync(join(scene.stateDir, 'trust', 'T0000001.TXT')));
  return auditCheck({ paths: scene.media, trust, head, state: undefined, seen: [] });
}

async function expectIntact(scene: Scene, outcome: ChangeOutcome): Promise<void> {
  expect(outcome.error).toBeUndefined();
  const { verdict, findings } = await audited(scene, outcome.changed?.record.sha256 ?? '');
  const grave = findings.filter(({ severity }) => severity !== 'note' && severity !== 'warning');
  expect([verdict, grave]).toEqual(['intact', []]);
}

describe('new keys', () => {
  test('end every token of before, wherever old or new trust is known, and the cards stay', async () => {
    const scene = copyOf(origin);
    const before = trustOf(scene);
    const { tokens } = await mintIn(scene);
    const outcome = await changeIn(scene, { kind: 'rotate.keys' });
    await expectIntact(scene, outcome);
    expect(outcome.panels[0]?.rows).toContainEqual([
      'tokens in use',
      expect.stringContaining('1 END BY THIS: dana (inc-1)'),
    ]);
    const after = openTrust(readFileSync(join(scene.outDir, 'trust.jws')));
    expect(acceptTrust(before, after).payload).toMatchObject({ version: 2, epoch: 2, previous: before.sha256 });
    expect(() => judge(scene, tokens[0] ?? '', before, 11)).toThrow(expect.objectContaining({ code: 'TOKEN_REVOKED' }));
    expect(() => judge(scene, tokens[0] ?? '', after, 11)).toThrow(
      expect.objectContaining({ code: 'TOKEN_KEY_RETIRED' }),
    );
    const next = await mintIn(scene, { minute: 12 });
    expect(judge(scene, next.tokens[0] ?? '', after, 13).claims.breakglass.epoch).toBe(2);
  });
});

describe('new cards', () => {
  test('work from then on, and the old ones are refused by name', async () => {
    const scene = copyOf(origin);
    const plan = { threshold: 2, custodians: ['alice', 'bob', 'erin'] };
    const outcome = await changeIn(scene, { kind: 'rotate.shares', deal: plan }, { destroyed: ['alice', 'carol'] });
    await expectIntact(scene, outcome);
    expect(recordsOn(scene.media[1] ?? '').map(({ type }) => type)).toEqual([
      'genesis',
      'rotate.begun',
      'rotate',
      'share.checked',
      'share.checked',
    ]);
    const old = await mintIn(scene, { minute: 11, cards: ['alice'] });
    expect(old.refusals).toEqual(['SHARE_RETIRED_SET']);
    const now = withCards(scene, outcome);
    const next = await mintIn(now, { minute: 12, cards: ['alice', 'erin'] });
    expect(next.minted?.custodians).toEqual(['alice', 'erin']);
    // Same seed, same epoch: what was in use stays in use.
    expect(trustOf(scene).payload.epoch).toBe(1);
  });

  test('that were not dealt to the end are void, are named so, and the old ones still work', async () => {
    const scene = copyOf(origin);
    const dealt: string[] = [];
    const dealer = {
      shareFiles: [],
      begin: async () => {},
      deal: async ({ custodian }: { custodian: string }) => {
        dealt.push(custodian);
        if (dealt.length === 2) throw Object.assign(new Error('power'), { code: 'EIO' });
        return 'read-back' as const;
      },
      undo: () => {},
    };
    const broken = await changeIn(scene, { kind: 'rotate.shares', deal: five }, { dealer });
    expect([broken.changed, dealt.length]).toEqual([undefined, 2]);
    expect((await mintIn(scene, { minute: 11 })).tokens).toHaveLength(1);
    const again = await changeIn(scene, { kind: 'rotate.shares', deal: five }, { minute: 12 });
    await expectIntact(scene, again);
    expect(trustOf(scene).payload.sets.map(({ status }) => status)).toEqual(['retired', 'abandoned', 'active']);
  });
});

describe('a new seed', () => {
  test('has new keys, new cards and both roots behind it; nothing of before opens anything', async () => {
    const scene = copyOf(origin);
    const before = trustOf(scene);
    const { tokens } = await mintIn(scene);
    const outcome = await changeIn(scene, { kind: 'rotate.seed', deal: five, strength: 256 });
    await expectIntact(scene, outcome);
    const after = trustOf(scene);
    expect(acceptTrust(before, after).root.kid).not.toBe(before.root.kid);
    expect(Buffer.from(after.bytes).toString('latin1').split('\n')).toHaveLength(3);
    expect(after.set.strength).toBe(256);
    for (const trust of [before, after]) expect(() => judge(scene, tokens[0] ?? '', trust, 11)).toThrow();
    expect((await mintIn(scene, { minute: 11, cards: ['alice'] })).refusals).toEqual(['SHARE_RETIRED_SET']);
    const next = await mintIn(withCards(scene, outcome), { minute: 12 });
    expect(judge(scene, next.tokens[0] ?? '', after, 13).claims.breakglass.epoch).toBe(2);
  });
});

describe('a new policy', () => {
  test('is in force at once, and its panel says what it ends', async () => {
    const scene = copyOf(origin);
    const { tokens } = await mintIn(scene);
    const policy = goodPolicy(startingPolicy.replaceAll('"15m"', '"5m"'));
    const outcome = await changeIn(scene, {
      kind: 'policy',
      policy,
      addRevokers: [],
      retireRevokers: [],
      addAuditors: [],
    });
    await expectIntact(scene, outcome);
    expect(outcome.panels[0]?.rows).toEqual(
      expect.arrayContaining([
        ['roles.db-admin.maxLifetime', '15m → 5m'],
        ['tokens in use', expect.stringContaining('1 END BY THIS')],
      ]),
    );
    expect(() => judge(scene, tokens[0] ?? '', trustOf(scene), 11)).toThrow(
      expect.objectContaining({ code: 'TOKEN_OVER_POLICY' }),
    );
  });
});

describe('a machine', () => {
  test('that slept through a change accepts it from the media and goes on under it', async () => {
    const scene = copyOf(origin);
    const asleep = copyOf(scene);
    const outcome = await changeIn(scene, { kind: 'rotate.keys' });
    expect(outcome.error).toBeUndefined();
    const late = { ...asleep, media: scene.media };
    const minted = await mintIn(late, { minute: 12 });
    expect(minted.minted?.claims[0]?.breakglass.epoch).toBe(2);
    expect(openState(late.stateDir).trust.sha256).toBe(trustOf(scene).sha256);
    expect(readdirSync(join(late.stateDir, 'trust'))).toEqual(['T0000001.TXT', 'T0000002.TXT']);
  });
});
