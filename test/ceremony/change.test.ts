import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditCheck } from '../../src/ceremony/audit-check.ts';
import type { Dealer } from '../../src/ceremony/dealer.ts';
import { sandboxDealer } from '../../src/ceremony/drill-people.ts';
import { importSigningKey } from '../../src/key/derive.ts';
import { fingerprintOfDigest, headWordCount } from '../../src/key/fingerprint.ts';
import { newRevokerKey } from '../../src/machine/personal-key.ts';
import { openState } from '../../src/machine/state.ts';
import { denyEntrySha256, readRevocations } from '../../src/revocation/list.ts';
import { sealStatement } from '../../src/revocation/statement.ts';
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
      retireAuditors: [],
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

describe('auditors', () => {
  const change = { kind: 'policy', policy: goodPolicy(), addRevokers: [], retireRevokers: [] } as const;
  const grace = { label: 'grace', jwk: newRevokerKey().jwk };
  const other = { label: 'grace', jwk: newRevokerKey().jwk };
  const keysOf = (scene: Scene) => trustOf(scene).auditors.map(({ label, public: { jwk } }) => ({ label, jwk }));

  test('come, change their key and go by a quorum', async () => {
    const scene = copyOf(origin);
    const steps = [
      { addAuditors: [grace], retireAuditors: [], left: [grace] },
      { addAuditors: [other], retireAuditors: ['grace'], left: [other] },
      { addAuditors: [], retireAuditors: ['grace'], left: [] },
    ];
    for (const { left, ...people } of steps) {
      const outcome = await changeIn(scene, { ...change, ...people });
      await expectIntact(scene, outcome);
      expect(keysOf(scene)).toEqual(left);
    }
  });

  test.each([
    ['who is one already', { addAuditors: [grace, other], retireAuditors: [] }, /grace is named twice/],
    ['who is none and goes', { addAuditors: [], retireAuditors: ['grace'] }, /grace is no auditor/],
  ])('%s: nothing is asked of anybody', async (_, people, message) => {
    const scene = copyOf(origin);
    const { error } = await changeIn(scene, { ...change, ...people });
    expect(error).toMatchObject({ code: 'POLICY_INVALID', message: expect.stringMatching(message) });
    expect(trustOf(scene).payload.version).toBe(1);
  });
});

describe('a decided change', () => {
  const shares = { kind: 'rotate.shares', deal: five } as const;

  /** Deals to the end; then the media are gone when the change is written. */
  const unplugging = (cards: Map<string, Uint8Array>, media: readonly string[]): Dealer => {
    const dealer = sandboxDealer(cards);
    return {
      ...dealer,
      deal: async (card, trust) => {
        const outcome = await dealer.deal(card, trust);
        if (card.number === card.count) for (const path of media) renameSync(path, `${path}.off`);
        return outcome;
      },
    };
  };
  const plugIn = (media: readonly string[]) => {
    for (const path of media) renameSync(`${path}.off`, path);
  };

  test.each([
    ['no medium', (scene: Scene) => scene.media],
    ['one of two media', (scene: Scene) => scene.media.slice(1)],
  ])('that %s could take is finished by the next mint, with the new cards', async (_, gone) => {
    const scene = copyOf(origin);
    const newCards = new Map<string, Uint8Array>();
    const broken = await changeIn(scene, shares, { dealer: unplugging(newCards, gone(scene)) });
    expect(broken.error).toMatchObject({ hint: expect.stringContaining('nobody is asked for a share') });
    plugIn(gone(scene));
    const minted = await mintIn({ ...scene, cards: newCards }, { minute: 12 });
    expect([minted.error, minted.tokens.length]).toEqual([undefined, 1]);
    expect(existsSync(join(scene.stateDir, 'decided.json'))).toBe(false);
    expect(readFileSync(join(scene.outDir, 'trust.jws'))).toEqual(Buffer.from(trustOf(scene).bytes));
  });

  test('is finished by the same command, and nobody is asked for anything', async () => {
    const scene = copyOf(origin);
    const newCards = new Map<string, Uint8Array>();
    const first = await changeIn(scene, shares, { dealer: unplugging(newCards, scene.media) });
    expect(first.changed).toBeUndefined();
    plugIn(scene.media);
    const again = await changeIn(scene, shares, { minute: 12, cards: [] });
    expect([again.changed?.run, again.asked, again.panels]).toEqual(['again', [], []]);
    expect((await mintIn({ ...scene, cards: newCards }, { minute: 13 })).tokens).toHaveLength(1);
  });

  test.each([
    ['is no JSON', () => 'junk'],
    ['has another record in it', (text: string) => text.replace(/"record":"[\w-]+/, '"record":"eyJhbGciOiJFZERTQSJ9')],
    [
      'has a changed signature',
      (text: string) => text.replace(/(.)\\n","seq"/, (_, last) => `${last === 'A' ? 'Q' : 'A'}\\n","seq"`),
    ],
    ['names another place', (text: string) => text.replace(/"seq":\d+/, '"seq":7')],
  ])('that %s writes nothing: it is set aside, shown to everybody, and the old cards mint', async (_, spoil) => {
    const scene = copyOf(origin);
    await changeIn(scene, shares, { dealer: unplugging(new Map(), scene.media) });
    plugIn(scene.media);
    const path = join(scene.stateDir, 'decided.json');
    const text = readFileSync(path, 'utf8');
    const spoilt = spoil(text);
    expect(spoilt).not.toBe(text);
    writeFileSync(path, spoilt);
    const minted = await mintIn(scene, { minute: 12 });
    expect(minted.tokens).toHaveLength(1);
    expect(existsSync(path)).toBe(false);
    expect(recordsOn(scene.media[0] ?? '').map(({ type }) => type)).not.toContain('rotate');
    const told = [...minted.notes, ...(minted.panels[0]?.anomalies ?? []).map(({ code }) => code)];
    expect(told).toContainEqual(expect.stringMatching(/STATE_DAMAGED|is void/));
  });

  test('is void when the trail went on without it, which is said, and the old cards are the cards', async () => {
    const scene = copyOf(origin);
    const elsewhere = { ...copyOf(scene), media: scene.media };
    const dealer = unplugging(new Map(), scene.media);
    await changeIn(scene, shares, { dealer });
    plugIn(scene.media);
    expect((await mintIn(elsewhere, { minute: 12 })).error).toBeUndefined();
    const minted = await mintIn(scene, { minute: 13 });
    expect(minted.tokens).toHaveLength(1);
    expect(minted.notes).toContainEqual(expect.stringContaining('rotate.shares of 2026-01-31T12:10:00Z is void'));
  });
});

describe('a denial', () => {
  const commander = newRevokerKey();

  async function withRevoker(): Promise<Scene> {
    const revokers = [{ label: 'erin', jwk: commander.jwk }];
    return initialized(dir, { revokers });
  }

  async function denied(scene: Scene, incident: string) {
    const key = await importSigningKey(commander.pkcs8, { alg: 'Ed25519', role: 'deny' });
    const entry = { kind: 'incident', value: incident, at: noon + 120, by: 'erin', reason: 'stolen' } as const;
    const { id } = trustOf(scene);
    const line = await sealStatement({ v: 1, trust: id, iat: noon + 120, deny: [entry], allow: [] }, key);
    openState(scene.stateDir).mergeRevocations(Buffer.from(`${line}\n`));
    return entry;
  }

  test('of a revoker who is retired stays, under the deny key', async () => {
    const scene = await withRevoker();
    const { tokens } = await mintIn(scene);
    await denied(scene, 'inc-1');
    const change = {
      kind: 'policy',
      policy: goodPolicy(),
      addRevokers: [],
      addAuditors: [],
      retireAuditors: [],
    } as const;
    const outcome = await changeIn(scene, { ...change, retireRevokers: ['erin'] });
    await expectIntact(scene, outcome);
    const trust = trustOf(scene);
    expect(trust.revokers).toEqual([]);
    expect(() => judge(scene, tokens[0] ?? '', trust, 11)).toThrow(expect.objectContaining({ code: 'TOKEN_REVOKED' }));
  });

  test('is lifted by a quorum only, on the record, and stays lifted after a new seed', async () => {
    const scene = await withRevoker();
    const { tokens } = await mintIn(scene);
    const entry = await denied(scene, 'inc-1');
    const stranger = await changeIn(
      scene,
      { kind: 'revocations.reset', entries: [entry] },
      { cards: ['alice', 'bob'] },
    );
    expect(stranger.changed).toBeUndefined();
    const outcome = await changeIn(scene, { kind: 'revocations.reset', entries: [entry] }, { minute: 11 });
    await expectIntact(scene, outcome);
    expect(recordsOn(scene.media[0] ?? '').find(({ type }) => type === 'revocations.reset')).toMatchObject({
      allow: [denyEntrySha256(entry)],
    });
    expect(judge(scene, tokens[0] ?? '', trustOf(scene), 12).claims.breakglass.incident).toBe('inc-1');
    const seed = await changeIn(scene, { kind: 'rotate.seed', deal: five, strength: 128 }, { minute: 13 });
    expect(seed.error).toBeUndefined();
    const { entries } = readRevocations(readFileSync(join(scene.outDir, 'revocations.jws')), trustOf(scene));
    expect(entries.map(({ kind }) => kind)).toEqual(['epoch']);
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
