import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from '../../src/base/canonical.ts';
import { BreakglassError } from '../../src/base/errors.ts';
import { checkTokenRequest } from '../../src/ceremony/mint-checks.ts';
import { matchesWords } from '../../src/key/fingerprint.ts';
import {
  asTokenRequest,
  checkRequest,
  checkRequestAge,
  formatRequest,
  openRequest,
  type Request,
  requestFingerprint,
  requestKinds,
} from '../../src/trust/request.ts';
import { fiveShares, setOf, trustWith } from '../share/fixture.ts';
import { goodPolicy, goodRequest, noon } from './fixture.ts';

const spelled = (change: object) => Buffer.from(`${canonicalJson({ ...goodRequest(), ...change })}\n`);

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof BreakglassError)) throw error;
    return error.code;
  }
}

describe('a request file', () => {
  test('opens to what was formatted, in every kind', () => {
    for (const kind of requestKinds) {
      const request: Request = { ...goodRequest(), kind };
      expect(openRequest(formatRequest(request))).toEqual(request);
    }
  });

  const faults: readonly [string, Uint8Array][] = [
    ['no line feed', spelled({}).subarray(0, -1)],
    ['two line feeds', Buffer.concat([spelled({}), Buffer.from('\n')])],
    ['an unknown member', spelled({ colour: 'red' })],
    ['a kind of its own', spelled({ kind: 'burn' })],
    ['an id of 15 bytes', spelled({ id: 'A'.repeat(20) })],
    ['an id with trailing bits', spelled({ id: `${'A'.repeat(21)}B` })],
    ['a subject in upper case', spelled({ subject: 'Dana' })],
    ['a reason that hides a character', spelled({ reason: 'the identity provider\u202eis down' })],
    ['a reason of two lines', spelled({ reason: 'one\ntwo' })],
    ['an empty reason', spelled({ reason: '' })],
    ['a lifetime over an hour', spelled({ lifetimeSeconds: 3601 })],
    ['a lifetime of nothing', spelled({ lifetimeSeconds: 0 })],
    ['half a second', spelled({ lifetimeSeconds: 0.5 })],
    ['a holder with a private half', spelled({ holder: { crv: 'Ed25519', d: 'A', kty: 'OKP', x: 'A'.repeat(43) } })],
    ['a recipient that is not of age', spelled({ recipient: 'ssh-ed25519 AAAA' })],
    ['a day that does not exist', spelled({ createdAt: '2026-02-30T12:00:00Z' })],
    ['a time zone', spelled({ createdAt: '2026-01-31T12:00:00+01:00' })],
    ['another trust spelled in upper case', spelled({ trust: 'AB'.repeat(32) })],
    ['nothing in it', Buffer.from('')],
    ['a list', Buffer.from('[]\n')],
  ];
  test.each(faults)('with %s is refused', (_, bytes) => {
    expect(codeOf(() => openRequest(bytes))).toBe('FORMAT');
  });

  test('without any one member is refused', () => {
    for (const name of Object.keys(goodRequest())) {
      const { [name as keyof Request]: _, ...rest } = goodRequest();
      expect(codeOf(() => openRequest(Buffer.from(`${canonicalJson(rest)}\n`)))).toBe('FORMAT');
    }
  });
});

describe('the twelve words of a request', () => {
  test('change with every member', () => {
    const changes: readonly Partial<Request>[] = [
      { trust: 'cd'.repeat(32) },
      { kind: 'drill' },
      { id: `${'A'.repeat(21)}Q` },
      { incident: 'inc-2' },
      { subject: 'erin' },
      { role: 'web-admin' },
      { circumstance: 'data-loss' },
      { reason: 'another reason of twenty letters' },
      { lifetimeSeconds: 901 },
      { durationSeconds: 1800 },
      { createdAt: '2026-01-31T12:00:01Z' },
      { parameters: 'ab'.repeat(32) },
    ];
    const all = changes.map((change) => requestFingerprint({ ...goodRequest(), ...change }).words.join(' '));
    expect(new Set([...all, requestFingerprint(goodRequest()).words.join(' ')]).size).toBe(changes.length + 1);
  });

  test('do not match a request of which a character of the reason was changed', () => {
    const words = requestFingerprint(goodRequest()).words.join(' ');
    fc.assert(
      fc.property(fc.nat({ max: 38 }), fc.constantFrom('x', 'y', '0'), (at, letter) => {
        const { reason } = goodRequest();
        const changed = `${reason.slice(0, at)}${letter}${reason.slice(at + 1)}`;
        expect(matchesWords(words, requestFingerprint(goodRequest({ reason: changed })))).toBe(changed === reason);
      }),
      { numRuns: 60, seed: 1 },
    );
  });
});

describe('a request for a token', () => {
  test.each(requestKinds.filter((kind) => kind !== 'mint' && kind !== 'drill'))('is not one of kind %s', (kind) => {
    expect(codeOf(() => asTokenRequest({ ...goodRequest(), kind }))).toBe('REQUEST_INVALID');
  });

  test.each(['incident', 'subject', 'role', 'circumstance', 'lifetimeSeconds'])('has its %s', (name) => {
    expect(codeOf(() => asTokenRequest({ ...goodRequest(), [name]: null }))).toBe('REQUEST_INVALID');
  });

  test('has no parameters of another ceremony', () => {
    expect(codeOf(() => asTokenRequest({ ...goodRequest(), parameters: 'ab'.repeat(32) }))).toBe('REQUEST_INVALID');
  });

  test.each([
    ['now', 0, 'accepted'],
    ['exactly 24 hours ago', 86_400, 'accepted'],
    ['a second more than 24 hours ago', 86_401, 'REQUEST_EXPIRED'],
    ['10 minutes ahead', -600, 'accepted'],
    ['a second more than 10 minutes ahead', -601, 'REQUEST_EXPIRED'],
  ])('of %s is judged by its age', (_, age, code) => {
    expect(codeOf(() => checkRequestAge(goodRequest(), noon + age))).toBe(code);
  });

  test('is for this trust, this kind of ceremony and today', async () => {
    const trust = await trustWith([setOf(fiveShares('request', 'abcde'))]);
    const check = (change: Partial<Request>, wanted: 'mint' | 'drill' = 'mint', now = noon) =>
      codeOf(() => checkTokenRequest({ ...goodRequest({ trust: trust.id }), ...change }, wanted, trust, now));
    expect(check({})).toBe('accepted');
    expect(check({ kind: 'drill' }, 'drill')).toBe('accepted');
    expect(check({ kind: 'drill' })).toBe('REQUEST_INVALID');
    expect(check({}, 'drill')).toBe('REQUEST_INVALID');
    expect(check({ trust: 'ab'.repeat(32) })).toBe('REQUEST_INVALID');
    expect(check({}, 'mint', noon + 90_000)).toBe('REQUEST_EXPIRED');
  });

  test('has every rule that it breaks reported at once', () => {
    const policy = goodPolicy();
    const request = goodRequest({
      subject: 'alice',
      circumstance: 'boredom',
      reason: 'because',
      lifetimeSeconds: 3600,
      durationSeconds: 90_000,
    });
    const context = {
      threshold: 5,
      custodians: ['alice', 'bob', 'carol', 'erin', 'frank'],
      issuedAt: Array(12).fill(noon - 1),
      now: noon,
    };
    expect(checkRequest(request, policy, context).map(({ rule }) => rule)).toEqual([
      'request-subject',
      'request-circumstance',
      'role-max-lifetime',
      'role-max-duration',
      'reason-min-length',
      'separation',
      'limits-max-per-day',
    ]);
  });
});
