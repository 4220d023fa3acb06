import { expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { formatTime } from '../../src/base/time.ts';
import type { Claims } from '../../src/token/claims.ts';
import type { Issuance, TrailRecord } from '../../src/trail/record.ts';
import { requestFingerprint } from '../../src/trust/request.ts';
import {
  type BuildOptions,
  buildTrail,
  type MintOptions,
  type Spoiled,
  TrailBuilder,
  testPolicy,
  testQuorum,
} from './build.ts';
import { gravely, judge } from './judge.ts';

/** What is found when a mint with this one fault follows genesis. */
async function faultOf(options: MintOptions | ((trail: TrailBuilder) => MintOptions), build: BuildOptions = {}) {
  const trail = await (await TrailBuilder.begin(build)).genesis();
  await trail.mint(typeof options === 'function' ? options(trail) : options);
  return gravely(await judge(trail, trail.files));
}

function issuance(record: TrailRecord): Issuance {
  if (record.type === 'mint.issued' || record.type === 'drill') return record;
  throw new TypeError('not an issuance');
}

type Spoiler = (record: TrailRecord) => Spoiled;

/** Changes the claims of the first token after they were planned. */
function spoilClaims(change: (claims: Claims) => Claims): Spoiler {
  return (record) => ({
    tokens: issuance(record).tokens.map((token, index) =>
      index === 0 ? { ...token, claims: change(token.claims) } : token,
    ),
  });
}

/** Changes the request in the record, and its fingerprint with it. */
function spoilRequest(members: Partial<Issuance['request']>): Spoiler {
  return (record) => {
    const request = { ...issuance(record).request, ...members };
    return { request, requestSha256: requestFingerprint(request).sha256 };
  };
}

const spoil = (members: Spoiled): MintOptions => ({ spoil: () => members });
const strict = {
  ...testPolicy,
  limits: { cooldown: '1h', maxPerDay: 2 },
  roles: { 'db-admin': { ...testPolicy.roles['db-admin'], minShares: 3 } },
} as typeof testPolicy;

test('an issuance by the policy has nothing to find: single, strip, renewed, more shares than needed', async () => {
  const all = [...testQuorum, { label: 'carol', index: 201 }];
  const trail = await (await TrailBuilder.begin()).genesis();
  await trail.mint({ family: 'A'.repeat(22) });
  await trail.mint({ request: { durationSeconds: 7200 }, custodians: all });
  await trail.mint({ family: 'A'.repeat(22), firstSequence: 2 });
  expect((await judge(trail, trail.files)).findings).toEqual([]);
});

const breaches: readonly (readonly [string, string, MintOptions | ((trail: TrailBuilder) => MintOptions)])[] = [
  ['a request that is not the confirmed one', 'REQUEST_DIFFERS', spoil({ requestSha256: sha256Hex('another') })],
  ['a request of another trust', 'REQUEST_KIND', { spoil: spoilRequest({ trust: sha256Hex('another') }) }],
  ['a drill request for a production token', 'REQUEST_KIND', { spoil: spoilRequest({ kind: 'drill' }) }],
  ['a request without a role', 'REQUEST_KIND', { spoil: spoilRequest({ role: null }) }],
  [
    'a request of the day before yesterday',
    'REQUEST_AGE',
    (trail) => ({ request: { createdAt: formatTime(trail.now - 2 * 86_400) } }),
  ],
  ['a request of tomorrow', 'REQUEST_AGE', (trail) => ({ request: { createdAt: formatTime(trail.now + 86_400) } })],
  ['fewer custodians than the threshold', 'QUORUM POLICY_BROKEN', { custodians: testQuorum.slice(0, 1) }],
  ['a custodian twice', 'QUORUM', { custodians: [...testQuorum, ...testQuorum.slice(0, 1)] }],
  ['a custodian of no set', 'QUORUM', { custodians: [...testQuorum, { label: 'mallory', index: 5 }] }],
  ['a custodian with the share of another', 'QUORUM', { custodians: [...testQuorum, { label: 'carol', index: 17 }] }],
  ['another threshold than the set has', 'QUORUM', spoil({ m: 3 })],
  ['another number of custodians', 'QUORUM', spoil({ n: 4 })],
  ['another policy', 'POLICY_DIFFERS', spoil({ policySha256: sha256Hex('another') })],
  ['a subject who is no responder', 'POLICY_BROKEN', { request: { subject: 'erin' } }],
  ['a circumstance that the role is not for', 'POLICY_BROKEN', { request: { circumstance: 'curiosity' } }],
  ['a reason that is too short', 'POLICY_BROKEN', { request: { reason: 'because' } }],
  [
    'the share of the one who gets the token',
    'POLICY_BROKEN',
    {
      request: { subject: 'carol' },
      custodians: [
        { label: 'alice', index: 17 },
        { label: 'carol', index: 201 },
      ],
    },
  ],
  [
    'a lifetime over the policy',
    'TOKEN_OVER_POLICY TOKEN_DIFFERS',
    { spoil: spoilClaims((claims) => ({ ...claims, exp: claims.exp + 900 })) },
  ],
  ['another subject', 'TOKEN_DIFFERS', { spoil: spoilClaims((claims) => ({ ...claims, sub: 'erin' })) }],
  [
    'another issuer',
    'TOKEN_DIFFERS',
    { spoil: spoilClaims((claims) => ({ ...claims, iss: 'https://else.example.com' })) },
  ],
  [
    'fewer scopes than the role has',
    'TOKEN_DIFFERS',
    { spoil: spoilClaims((claims) => ({ ...claims, scope: 'db:read' })) },
  ],
  [
    'a key that the request does not name',
    'TOKEN_DIFFERS',
    { spoil: spoilClaims((claims) => ({ ...claims, cnf: { jkt: 'A'.repeat(43) } })) },
  ],
  [
    'a shorter life than was asked for',
    'TOKEN_DIFFERS',
    { spoil: spoilClaims((claims) => ({ ...claims, exp: claims.exp - 1 })) },
  ],
  [
    'an iat two hours ahead',
    'TOKEN_DIFFERS',
    {
      spoil: spoilClaims((claims) => ({
        ...claims,
        iat: claims.iat + 7200,
        nbf: claims.nbf + 7200,
        exp: claims.exp + 7200,
      })),
    },
  ],
  ['no token at all', 'TOKEN_DIFFERS', spoil({ tokens: [] })],
  [
    'one token too many',
    'TOKEN_DIFFERS',
    { spoil: (record) => ({ tokens: [...issuance(record).tokens, ...issuance(record).tokens] }) },
  ],
  [
    'another record in the token',
    'TOKEN_DIFFERS',
    {
      spoil: spoilClaims((claims) => ({
        ...claims,
        breakglass: { ...claims.breakglass, trail: { ...claims.breakglass.trail, seq: 7 } },
      })),
    },
  ],
  [
    'a drill token in a production record',
    'TOKEN_DIFFERS',
    { spoil: spoilClaims((claims) => ({ ...claims, breakglass: { ...claims.breakglass, drill: true } })) },
  ],
  [
    'another epoch',
    'TOKEN_DIFFERS',
    { spoil: spoilClaims((claims) => ({ ...claims, breakglass: { ...claims.breakglass, epoch: 2 } })) },
  ],
  ['a family that does not begin with 1', 'FAMILY_SEQUENCE', { firstSequence: 2 }],
];

test.each(breaches)('%s is found (%s)', async (_name, codes, options) => {
  expect(await faultOf(options)).toEqual(codes.split(' '));
});

test.each([
  ['incident', { request: { incident: 'inc-2026-0118' } }],
  ['subject', { request: { subject: 'carol' }, custodians: testQuorum }],
  ['role', { request: { role: 'db-reader' } }],
  ['mode', { drill: true }],
] as const)('a family that goes on for another %s is found, and stays what it began as', async (_name, other) => {
  const { 'db-admin': admin } = testPolicy.roles;
  const policy = { ...testPolicy, roles: { 'db-admin': admin, 'db-reader': admin } } as typeof testPolicy;
  const trail = await (await TrailBuilder.begin({ policy })).genesis();
  const family = 'A'.repeat(22);
  await trail.mint({ family });
  await trail.mint({ family, firstSequence: 2, ...other });
  expect(gravely(await judge(trail, trail.files))).toEqual(['FAMILY_DIFFERS']);
  await trail.mint({ family, firstSequence: 3 });
  const { findings, facts } = await judge(trail, trail.files);
  expect(findings.map(({ code, seq }) => [code, seq])).toEqual([['FAMILY_DIFFERS', 2]]);
  expect(facts.families.get(family)).toMatchObject({ sequence: 3, incident: 'inc-2026-0117', drill: false });
});

test('a request is used once, in another ceremony of another kind too', async () => {
  const trail = await buildTrail(2);
  const [, first] = trail.records;
  const { request } = issuance(first ?? trail.complete({ type: 'review', incident: 'x', statement: '', auditor: '' }));
  await trail.mint({ request: { ...request } });
  expect(gravely(await judge(trail, trail.files))).toEqual(['REQUEST_REUSED']);
});

test('the limits count production only, and the shares that a role wants are counted', async () => {
  const all = [...testQuorum, { label: 'carol', index: 201 }];
  const trail = await (await TrailBuilder.begin({ policy: strict, stepSeconds: 7200 })).genesis();
  for (let count = 0; count < 4; count++) await trail.mint({ drill: true, custodians: all });
  for (let count = 0; count < 2; count++) await trail.mint({ custodians: all });
  expect((await judge(trail, trail.files)).findings).toEqual([]);
  await trail.mint({ custodians: all });
  expect((await judge(trail, trail.files)).findings).toMatchObject([
    { code: 'POLICY_BROKEN', seq: 7, message: expect.stringContaining('limits-max-per-day') },
  ]);
  expect(await faultOf({}, { policy: strict })).toEqual(['POLICY_BROKEN']);
});

test('two issuances within the cooldown are found', async () => {
  const all = [...testQuorum, { label: 'carol', index: 201 }];
  const trail = await (await TrailBuilder.begin({ policy: strict, stepSeconds: 600 })).genesis();
  await trail.mint({ custodians: all });
  await trail.mint({ custodians: all });
  expect((await judge(trail, trail.files)).findings).toMatchObject([
    { message: expect.stringContaining('limits-cooldown') },
  ]);
});

test('genesis says what the trust file of version 1 says', async () => {
  const members = [
    { setId: 'fffff' },
    { m: 3 },
    { n: 9 },
    { strength: 256 },
    { policySha256: sha256Hex('x') },
    { trust: { version: 2, sha256: sha256Hex('x') } },
  ];
  for (const member of members) {
    const trail = await (await TrailBuilder.begin()).genesis(member);
    expect(gravely(await judge(trail, trail.files))).toEqual(['GENESIS_DIFFERS']);
  }
});

test('a trust version follows the one in force, and a rotation that was begun is done once', async () => {
  const trail = await buildTrail(2);
  const request = trail.request({ kind: 'rotate.keys', lifetimeSeconds: null });
  await trail.begun(request);
  await trail.begun(request);
  await trail.change('rotate', { request });
  expect((await judge(trail, trail.files)).findings).toEqual([]);
  const [first] = trail.trustFiles;
  await trail.change('policy', { spoil: { trust: { version: 1, sha256: sha256Hex(first ?? '') } } });
  expect(gravely(await judge(trail, trail.files))).toEqual(['TRUST_SUCCESSION']);
});

test('a ceremony record of another kind of request is found', async () => {
  const trail = await buildTrail(2);
  await trail.change('policy', { request: trail.request({ kind: 'rotate.keys', lifetimeSeconds: null }) });
  expect(gravely(await judge(trail, trail.files))).toEqual(['REQUEST_KIND']);
});

test('a release of what no record issued is a warning: the recorder has no authority', async () => {
  const trail = await buildTrail(2);
  await trail.released({ issued: { seq: 1, sha256: sha256Hex('another') } });
  expect((await judge(trail, trail.files)).findings).toMatchObject([
    { code: 'RELEASE_UNKNOWN', severity: 'warning', seq: 2 },
  ]);
});
