import { beforeAll, describe, expect, test } from 'vitest';
import { formatBase64url } from '../../src/base/bytes.ts';
import { BreakglassError, type ErrorCode } from '../../src/base/errors.ts';
import { deriveKey, ed25519JwkOf, type SigningKey } from '../../src/key/derive.ts';
import {
  acceptTrust,
  activeKey,
  checkTrustSuccession,
  keyOrigin,
  openTrust,
  sealTrust,
  type Trust,
  trustFingerprint,
} from '../../src/trust/trust-file.ts';
import type { TrustPayload } from '../../src/trust/trust-schema.ts';
import { type Fixture, makeFixture } from '../token/fixture.ts';
import { forgeTrust } from './fixture.ts';

let fixture: Fixture;
let payload: TrustPayload;
/** A second and a third key that could be a root, of other seeds. */
let newRoot: SigningKey;
let otherRoot: SigningKey;
/** Version 2 of the fixture's trust, with the same root. */
let second: TrustPayload;

beforeAll(async () => {
  fixture = await makeFixture('ES256');
  payload = fixture.trust.payload;
  [newRoot, otherRoot] = await Promise.all([rootOf(1), rootOf(2)]);
  second = { ...payload, id: fixture.trust.id, version: 2, previous: fixture.trust.sha256 };
});

function rootOf(fill: number): Promise<SigningKey> {
  const origin = { trustName: payload.name, nonce: Buffer.alloc(16, 7) };
  return deriveKey(new Uint8Array(16).fill(fill), origin, { role: 'root', alg: 'Ed25519', epoch: 0 });
}

function codeOf(action: () => unknown): ErrorCode | 'accepted' {
  try {
    action();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    return error.code;
  }
}

type Change<T> = (value: T) => T;
const keysOf = (change: Change<TrustPayload['keys']>) => (from: TrustPayload) => ({ ...from, keys: change(from.keys) });
/** Changes the key of this use and epoch. */
const keyOf = (use: string, epoch: number, change: (key: TrustPayload['keys'][number]) => object) =>
  keysOf((keys) => keys.map((key) => (key.use === use && key.epoch === epoch ? { ...key, ...change(key) } : key)));
const setOf = (change: (set: TrustPayload['sets'][number]) => object) => (from: TrustPayload) => ({
  ...from,
  sets: from.sets.map((set) => ({ ...set, ...change(set) })),
});
const sharesOf = (change: (share: TrustPayload['sets'][number]['shares'][number], n: number) => object) =>
  setOf(({ shares }) => ({ shares: shares.map((share, n) => ({ ...share, ...change(share, n) })) }));
const roleOf = (change: object) => (from: TrustPayload) => {
  const { 'db-admin': role } = from.policy.roles;
  return { ...from, policy: { ...from.policy, roles: { 'db-admin': { ...role, ...change } } } };
};

/** One fault each; the signature is good. `law` is what the refusal says. */
const faults: readonly [fault: string, change: (from: TrustPayload) => unknown, law: string][] = [
  ['an id in version 1', (from) => ({ ...from, id: 'ab'.repeat(32) }), 'version, id and previous do not go together'],
  ['a previous in version 1', (from) => ({ ...from, previous: 'ab'.repeat(32) }), 'version, id and previous'],
  ['no id in version 2', () => without(second, 'id'), 'version, id and previous'],
  ['a previous of null in version 2', () => ({ ...second, previous: null }), 'version, id and previous'],
  ['version 0', (from) => ({ ...from, version: 0 }), 'version: expected an integer from 1'],
  [
    'two active keys of one use',
    keysOf((keys) => keys.map((key) => ({ ...key, status: 'active' as const }))),
    'exactly one active token key',
  ],
  [
    'no active key of a use',
    keyOf('trail', 2, () => ({ status: 'retired' })),
    'exactly one active trail key, of epoch 2',
  ],
  ['no key of a use at all', keysOf((keys) => keys.filter(({ use }) => use !== 'deny')), 'exactly one active deny key'],
  [
    'an active key of an old epoch',
    keyOf('drill', 2, () => ({ epoch: 1 })),
    'exactly one active drill key, of epoch 2',
  ],
  ['a retired key of an epoch to come', keyOf('token', 1, () => ({ epoch: 3 })), 'epoch 3 is newer than the file'],
  ['one key in two uses', keyOf('deny', 2, () => ({ jwk: ed25519JwkOf(fixture.trail) })), 'a key stands in it twice'],
  ['one key in two epochs', keyOf('token', 1, () => ({ jwk: fixture.token.public.jwk })), 'a key stands in it twice'],
  ['the root among the keys', keyOf('deny', 2, () => ({ jwk: payload.root })), 'a key stands in it twice'],
  [
    'the root as a revoker',
    (from) => ({ ...from, revokers: [{ label: 'erin', jwk: from.root }] }),
    'a key stands in it twice',
  ],
  [
    'a revoker who is an auditor by the same key',
    (from) => ({ ...from, auditors: from.revokers }),
    'a key stands in it twice',
  ],
  [
    'a revoker twice by two keys',
    (from) => ({ ...from, revokers: [...from.revokers, { label: 'erin', jwk: ed25519JwkOf(newRoot) }] }),
    'a revoker stands in it twice',
  ],
  [
    'an auditor twice by two keys',
    (from) => ({
      ...from,
      auditors: [newRoot, otherRoot].map((key) => ({ label: 'grace', jwk: ed25519JwkOf(key) })),
    }),
    'an auditor stands in it twice',
  ],
  [
    'two keys of one use and epoch',
    keysOf((keys) => keys.map((key) => (key.use === 'token' && key.epoch === 1 ? { ...key, epoch: 2 } : key))),
    'a key stands in it twice',
  ],
  [
    'a key of another alg',
    keyOf('token', 2, () => ({ alg: 'Ed25519' })),
    'the token key of epoch 2 is not of its algorithm',
  ],
  [
    'a trail key that is P-256',
    keyOf('trail', 2, () => ({ alg: 'ES256', jwk: fixture.stranger.public.jwk })),
    'the trail key must be Ed25519',
  ],
  [
    'a deny key that is P-256, retired',
    keyOf('deny', 1, () => ({ alg: 'ES256', jwk: fixture.stranger.public.jwk })),
    'the deny key must be Ed25519',
  ],
  [
    'a drill key of another algorithm than the token key',
    keyOf('drill', 2, () => ({ alg: 'Ed25519', jwk: ed25519JwkOf(newRoot) })),
    'the active token and drill keys must be of one algorithm',
  ],
  ['a root that is P-256', (from) => ({ ...from, root: fixture.token.public.jwk }), 'root'],
  ['an alg in a JWK', keyOf('token', 2, ({ jwk }) => ({ jwk: { ...jwk, alg: 'ES256' } })), 'unknown member'],
  ['no active set', setOf(() => ({ status: 'retired' })), 'exactly one active set'],
  [
    'two active sets',
    (from) => ({ ...from, sets: from.sets.flatMap((set) => [set, { ...set, setId: 'fffff' }]) }),
    'exactly one active set',
  ],
  [
    'a set twice',
    (from) => ({ ...from, sets: from.sets.flatMap((set) => [set, { ...set, status: 'retired' }]) }),
    'a set stands in it twice',
  ],
  ['an index twice in a set', sharesOf(() => ({ index: 1 })), 'an index of set 0a1b2 stands in it twice'],
  ['an index of 0', sharesOf((_, index) => ({ index })), 'expected an integer from 1 to 255'],
  [
    'a custodian twice in a set',
    sharesOf(() => ({ custodian: 'alice' })),
    'a custodian of set 0a1b2 stands in it twice',
  ],
  ['a threshold of 1', setOf(() => ({ threshold: 1 })), 'expected an integer from 2 to 16'],
  ['a threshold over the shares', setOf(() => ({ threshold: 4 })), 'set 0a1b2 has fewer shares than its threshold'],
  [
    'a custodian whom the policy does not know',
    sharesOf((share, n) => ({ custodian: n === 0 ? 'mallory' : share.custodian })),
    'custodian mallory is not among the people',
  ],
  [
    'a custodian who is somebody else in the policy',
    sharesOf((share, n) => ({ custodian: n === 0 ? 'dana' : share.custodian })),
    'custodian dana is not among the people',
  ],
  ['a policy that breaks a law', roleOf({ maxLifetime: '61m' }), 'maxLifetime of role db-admin'],
  ['a role that wants more shares than there are', roleOf({ minShares: 4 }), 'needs 4 shares, but there are 3'],
  [
    'a policy without roles',
    (from) => ({ ...from, policy: { ...from.policy, roles: {} } }),
    'the policy names no roles',
  ],
  [
    'a person called constructor',
    (from) => ({ ...from, policy: { ...from.policy, people: { ...from.policy.people, constructor: ['auditor'] } } }),
    'policy.people.constructor',
  ],
  ['an unknown member', (from) => ({ ...from, colour: 'red' }), 'colour: unknown member'],
  ['a member missing', (from) => without(from, 'issuer'), 'issuer: expected'],
  ['an issuer with a space', (from) => ({ ...from, issuer: 'a b' }), 'issuer: expected'],
  ['a name that hides a character', (from) => ({ ...from, name: 'Example\u200bCorp' }), 'name: expected'],
  ['another format version', (from) => ({ ...from, v: 2 }), 'v: expected 1'],
];

function without<T extends object>(value: T, name: keyof T): Partial<T> {
  const { [name]: _, ...rest } = value;
  return rest as Partial<T>;
}

describe('a trust file', () => {
  test('that breaks no law opens; its id is the hash of its version 1', async () => {
    const bytes = await forgeTrust(payload, fixture.root);
    expect(bytes).toEqual(Buffer.from(fixture.trust.bytes));
    const trust = openTrust(await forgeTrust(second, fixture.root));
    expect([openTrust(bytes).id, trust.id]).toEqual([fixture.trust.id, fixture.trust.id]);
    expect(trustFingerprint(trust)).toEqual(trustFingerprint(fixture.trust));
    expect(trust.sha256).not.toBe(trust.id);
  });

  test('may want every share of its set', async () => {
    const bytes = await forgeTrust(setOf(() => ({ threshold: 3 }))(payload), fixture.root);
    expect(openTrust(bytes).set.threshold).toBe(3);
  });

  test.each(faults)('with %s is refused, for that', async (_, change, law) => {
    const bytes = await forgeTrust(change(payload), fixture.root);
    expect(() => openTrust(bytes)).toThrow(law);
    expect(['TRUST_INVALID', 'FORMAT']).toContain(codeOf(() => openTrust(bytes)));
  });

  test('that breaks a law is not sealed either', async () => {
    await expect(sealTrust({ ...payload, previous: 'ab'.repeat(32) }, fixture.root)).rejects.toMatchObject({
      code: 'TRUST_INVALID',
    });
  });

  test('with a key of small order is refused', async () => {
    const x = formatBase64url(Buffer.alloc(32));
    const bytes = await forgeTrust(
      { ...payload, auditors: [{ label: 'grace', jwk: { crv: 'Ed25519', kty: 'OKP', x } }] },
      fixture.root,
    );
    expect(codeOf(() => openTrust(bytes))).toBe('KEY_REFUSED');
  });

  test('signed by another root is refused, whichever kid it claims', async () => {
    const claimed = { ...otherRoot, kid: fixture.root.kid };
    for (const signer of [otherRoot, claimed]) {
      const bytes = await forgeTrust(payload, signer);
      expect(() => openTrust(bytes)).toThrow('not signed by its own root key');
    }
  });

  test('signed with an alg of tokens is refused', async () => {
    const bytes = await forgeTrust(payload, { ...fixture.root, alg: 'Ed25519' });
    expect(() => openTrust(bytes)).toThrow('not signed with EdDSA');
  });
});

describe('the lines of a trust file', () => {
  const line = () => Buffer.from(fixture.trust.bytes).toString('latin1');
  const forms: readonly [fault: string, text: () => string, code: ErrorCode][] = [
    ['nothing', () => '', 'TRUST_INVALID'],
    ['a line feed alone', () => '\n', 'JWS_NOT_COMPACT'],
    ['no final line feed', () => line().trimEnd(), 'TRUST_INVALID'],
    ['a carriage return', () => line().replace('\n', '\r\n'), 'JWS_NOT_CANONICAL'],
    ['an empty line after', () => `${line()}\n`, 'JWS_NOT_COMPACT'],
    ['an empty line before', () => `\n${line()}`, 'JWS_NOT_COMPACT'],
    ['a space after', () => line().replace('\n', ' \n'), 'JWS_NOT_CANONICAL'],
    ['a BOM', () => `\u00ef\u00bb\u00bf${line()}`, 'JWS_NOT_CANONICAL'],
    ['padding', () => line().replace('\n', '=\n'), 'JWS_NOT_CANONICAL'],
    ['the same line twice', () => line().repeat(2), 'TRUST_INVALID'],
    ['the same line three times', () => line().repeat(3), 'TRUST_INVALID'],
    ['a changed signature', () => `${line().slice(0, -20)}AAAA${line().slice(-16)}`, 'TRUST_INVALID'],
  ];
  test.each(forms)('are refused with %s', (_, text, code) => {
    expect(codeOf(() => openTrust(Buffer.from(text(), 'latin1')))).toBe(code);
  });

  test('are two at most, of the same payload and by two keys', async () => {
    const changed = { ...second, root: ed25519JwkOf(newRoot) };
    const good = await forgeTrust(changed, newRoot, fixture.root);
    expect(codeOf(() => openTrust(good))).toBe('accepted');
    const otherPayload = await forgeTrust({ ...changed, version: 3 }, fixture.root);
    const [own = '', previous = ''] = good.toString().split('\n');
    for (const [text, law] of [
      [`${own}\n${otherPayload}`, 'not two signatures of the same thing'],
      [`${own}\n${own}\n`, 'not two signatures of the same thing'],
      [`${previous}\n${own}\n`, 'not signed by its own root key'],
      [`${own}\n${previous}\n${previous}\n`, 'one line, or two'],
    ] as const)
      expect(() => openTrust(Buffer.from(text))).toThrow(law);
  });

  test('are one in version 1: no root was before', async () => {
    const bytes = await forgeTrust(payload, fixture.root, otherRoot);
    expect(() => openTrust(bytes)).toThrow('version 1 has one line');
  });
});

describe('a trust file is accepted over the pinned one', () => {
  let pinned: Trust;
  const opened = async (change: Partial<TrustPayload>, ...signers: readonly SigningKey[]) =>
    openTrust(await forgeTrust({ ...second, ...change }, ...signers));
  beforeAll(async () => {
    pinned = openTrust(await forgeTrust(second, fixture.root));
  });

  test('when it is the same file, or a higher version by the pinned root', async () => {
    const third = await opened({ version: 3, previous: pinned.sha256 }, fixture.root);
    expect([acceptTrust(pinned, pinned), acceptTrust(pinned, third)]).toEqual([pinned, third]);
    expect(codeOf(() => checkTrustSuccession(pinned, third))).toBe('accepted');
  });

  test('after a gap of versions too, but that is no succession', async () => {
    const ninth = await opened({ version: 9, previous: 'ab'.repeat(32) }, fixture.root);
    expect(acceptTrust(pinned, ninth)).toBe(ninth);
    expect(() => checkTrustSuccession(pinned, ninth)).toThrow('version 9 does not follow version 2');
  });

  test('but not when it is of another trust', async () => {
    const other = await opened({ id: 'ab'.repeat(32), version: 3 }, fixture.root);
    expect(codeOf(() => acceptTrust(pinned, other))).toBe('TRUST_OTHER');
  });

  test('but not when it is a lower version', () => {
    expect(codeOf(() => acceptTrust(pinned, fixture.trust))).toBe('TRUST_OLDER');
  });

  test('but not when it is a fork of the same version', async () => {
    const fork = await opened({ issuedAt: '2025-12-31T00:00:01Z' }, fixture.root);
    expect(() => acceptTrust(pinned, fork)).toThrow('two different files of version 2');
  });

  test('with a new root only when the root before has signed it too', async () => {
    const change = { version: 3, previous: pinned.sha256, root: ed25519JwkOf(newRoot) };
    const good = await opened(change, newRoot, fixture.root);
    expect(acceptTrust(pinned, good)).toBe(good);
    for (const signers of [[newRoot], [newRoot, otherRoot], [newRoot, { ...otherRoot, kid: fixture.root.kid }]]) {
      const bad = await opened(change, ...signers);
      expect(() => acceptTrust(pinned, bad)).toThrow('not signed by the root key of the pinned version 2');
    }
  });

  test('over a change of the root only in order', async () => {
    const third = await opened(
      { version: 3, previous: pinned.sha256, root: ed25519JwkOf(newRoot) },
      newRoot,
      fixture.root,
    );
    const fourth = await opened({ version: 4, previous: third.sha256, root: ed25519JwkOf(newRoot) }, newRoot);
    expect(() => acceptTrust(pinned, fourth)).toThrow('not signed by the root key of the pinned version 2');
    expect(acceptTrust(acceptTrust(pinned, third), fourth)).toBe(fourth);
  });

  test('without a second line while the root is the same: nothing would prove that line', async () => {
    const padded = await opened({ version: 3, previous: pinned.sha256 }, fixture.root, otherRoot);
    expect(() => acceptTrust(pinned, padded)).toThrow('its root has not changed');
  });

  test('LIMIT: the second line of a file that is pinned first is believed unseen', async () => {
    const first = await opened({ version: 3, root: ed25519JwkOf(newRoot) }, newRoot, otherRoot);
    expect(first.payload.version).toBe(3);
  });

  test('but not with another name or issuer', async () => {
    for (const change of [{ name: 'Another name' }, { issuer: 'https://other.example' }]) {
      const next = await opened({ version: 3, previous: pinned.sha256, ...change }, fixture.root);
      expect(() => acceptTrust(pinned, next)).toThrow('neither ever changes');
    }
  });

  test('and follows it only by its hash', async () => {
    const next = await opened({ version: 3, previous: fixture.trust.sha256 }, fixture.root);
    expect(codeOf(() => acceptTrust(pinned, next))).toBe('accepted');
    expect(() => checkTrustSuccession(pinned, next)).toThrow('does not follow version 2');
  });
});

test('the active key of a use is the one, and keys are derived from name and nonce', () => {
  expect(activeKey(fixture.trust, 'token').public.kid).toBe(fixture.token.kid);
  expect(activeKey(fixture.trust, 'deny').public.kid).toBe(fixture.deny.kid);
  expect(keyOrigin(payload)).toEqual({ trustName: payload.name, nonce: Buffer.alloc(16, 7) });
});
