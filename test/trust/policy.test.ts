import { describe, expect, test } from 'vitest';
import { BreakglassError } from '../../src/base/errors.ts';
import { checkInitPlan, type InitPlan } from '../../src/ceremony/init-plan.ts';
import {
  checkPolicyForSet,
  hasPart,
  policyRole,
  policySeconds,
  type Rule,
  readPolicy,
  rules,
  sharesNeeded,
} from '../../src/trust/policy.ts';
import { parsePolicyFile, startingPolicy } from '../../src/trust/policy-file.ts';
import { checkRequest, type RequestContext, type TokenRequest } from '../../src/trust/request.ts';
import { goodPolicy, goodRequest, noon } from './fixture.ts';

/** What is tried, and the names of the rules that it breaks. */
type Trial = readonly [what: string, broken: () => readonly string[]];

interface Law {
  readonly accepts: readonly Trial[];
  readonly refuses: readonly Trial[];
}

/** The starting policy with one piece of its text replaced. */
function text(from: string, to: string): string {
  if (!startingPolicy.includes(from)) throw new Error(`the starting policy has no ${from}`);
  return startingPolicy.replace(from, to);
}

function rulesOf(toml: string): string[] {
  const result = parsePolicyFile(toml);
  return 'violations' in result ? result.violations.map(({ rule }) => rule) : [];
}

const toml = (from: string, to: string): Trial => [to === '' ? `without ${from}` : to, () => rulesOf(text(from, to))];

const set = (threshold: number, custodians: readonly string[], from = 'copies = 2', to = 'copies = 2'): Trial => [
  `${threshold} of ${custodians.join(', ')} with ${to}`,
  () => checkPolicyForSet(goodPolicy(text(from, to)), { threshold, custodians }).map(({ rule }) => rule),
];

const asked = (
  what: string,
  change: Partial<TokenRequest>,
  context: Partial<RequestContext> = {},
  policy: string = startingPolicy,
): Trial => [
  what,
  () => checkRequest(goodRequest(change), goodPolicy(policy), { ...quorum, ...context }).map(({ rule }) => rule),
];

const quorum: RequestContext = {
  threshold: 3,
  custodians: ['alice', 'bob', 'carol', 'erin', 'frank'],
  issuedAt: [],
  now: noon,
};

const plan = (what: string, change: Partial<InitPlan>): Trial => [
  what,
  () => {
    try {
      checkInitPlan({ ...goodPlan, ...change });
      return [];
    } catch (error) {
      if (!(error instanceof BreakglassError)) throw error;
      return error.details.map(({ name }) => name);
    }
  },
];

const goodPlan: InitPlan = {
  name: 'Example',
  issuer: 'https://breakglass.example.com',
  policy: goodPolicy(),
  threshold: 3,
  custodians: ['alice', 'bob', 'carol'],
  revokers: [],
  alg: 'ES256',
  strength: 128,
  media: ['a', 'b'].map((label) => ({ id: 'A'.repeat(22), label, path: `/${label}`, removable: true })),
  mediaRule: 'removable',
  stateDir: '/state',
  outDir: '/out',
  preflight: { mode: 'record', checks: [] },
  clockSource: 'none',
};

const durationLaw = (from: string, member: string): Law => ({
  accepts: ['0s', '1s', '59m', '24h', '365d'].map((value) => toml(from, `${member} = "${value}"`)),
  refuses: ['-1s', '01m', '1.5h', '90', '1w', '1m ', '1m30s', ''].map((value) => toml(from, `${member} = "${value}"`)),
});

const listLaw = (from: string, member: string): Law => ({
  accepts: [toml(from, `${member} = ["a"]`), toml(from, `${member} = [${numbered(32)}]`)],
  refuses: [
    toml(from, `${member} = []`),
    toml(from, `${member} = [${numbered(33)}]`),
    toml(from, `${member} = ["a", "a"]`),
    toml(from, `${member} = ["A"]`),
    toml(from, `${member} = "a"`),
    toml(from, ''),
  ],
});

const withoutPeople = startingPolicy.replace(/\[people\]\n(?:.*= \[.*\]\n)+/, '');
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `"x${n}"`).join(', ');
const minShares = (value: number) => `holder = "optional"\nminShares = ${value}`;

const laws: Readonly<Record<Rule, Law>> = {
  copies: {
    accepts: [toml('copies = 2', 'copies = 1'), toml('copies = 2', 'copies = 16')],
    refuses: ['0', '17', '-1', '2.5', '"2"', 'true'].map((value) => toml('copies = 2', `copies = ${value}`)),
  },
  preflight: {
    accepts: [toml('preflight = "record"', 'preflight = "require"')],
    refuses: [toml('preflight = "record"', 'preflight = "sandbox"'), toml('preflight = "record"', '')],
  },
  separation: {
    accepts: [toml('separation = true', 'separation = false'), asked('a subject without a share', { subject: 'dana' })],
    refuses: [
      toml('separation = true', 'separation = "true"'),
      asked(
        'a subject whose share would be needed',
        { subject: 'frank' },
        { custodians: ['alice', 'bob', 'frank'] },
        text('frank = ["custodian"]', 'frank = ["custodian", "responder"]'),
      ),
    ],
  },
  'reason-min-length': {
    accepts: [
      toml('reason.minLength = 20', 'reason.minLength = 0'),
      toml('reason.minLength = 20', 'reason.minLength = 1024'),
      asked('a reason of 20 characters', { reason: 'r'.repeat(20) }),
    ],
    refuses: [
      toml('reason.minLength = 20', 'reason.minLength = 1025'),
      toml('reason.minLength = 20', ''),
      toml('reason.minLength = 20', 'reason = 20'),
      asked('a reason of 19 characters', { reason: 'r'.repeat(19) }),
    ],
  },
  'drill-every': durationLaw('every = "90d"', 'every'),
  'drill-time-to-access': durationLaw('timeToAccess = "15m"', 'timeToAccess'),
  'drill-time-to-kill': durationLaw('timeToKill = "60s"', 'timeToKill'),
  'review-within': durationLaw('within = "72h"', 'within'),
  'review-policy-every': durationLaw('policyEvery = "180d"', 'policyEvery'),
  'review-overdue': {
    accepts: [toml('policyEvery = "180d"', 'policyEvery = "180d", overdue = "extra-share"')],
    refuses: ['"refuse"', '"two-shares"', 'true', '1', '""'].map((value) =>
      toml('policyEvery = "180d"', `policyEvery = "180d", overdue = ${value}`),
    ),
  },
  'limits-cooldown': {
    accepts: [
      ...durationLaw('cooldown = "0s"', 'cooldown').accepts,
      asked('just after an issuance, no cooldown', {}, { issuedAt: [noon] }),
      asked('at the end of the cooldown', {}, { issuedAt: [noon - 600] }, text('cooldown = "0s"', 'cooldown = "10m"')),
    ],
    refuses: [
      ...durationLaw('cooldown = "0s"', 'cooldown').refuses,
      asked('in the cooldown', {}, { issuedAt: [noon - 599] }, text('cooldown = "0s"', 'cooldown = "10m"')),
    ],
  },
  'limits-max-per-day': {
    accepts: [
      toml('maxPerDay = 12', 'maxPerDay = 1'),
      toml('maxPerDay = 12', 'maxPerDay = 1000'),
      asked('the twelfth of a day', {}, { issuedAt: Array(11).fill(noon - 60) }),
      asked('twelve, one of them 24 hours ago', {}, { issuedAt: [noon - 86_400, ...Array(11).fill(noon - 60)] }),
      asked('twelve that are dated after now', {}, { issuedAt: Array(12).fill(noon + 1) }),
      asked('a drill after twelve', { kind: 'drill' }, { issuedAt: Array(12).fill(noon - 60) }),
    ],
    refuses: [
      toml('maxPerDay = 12', 'maxPerDay = 0'),
      toml('maxPerDay = 12', 'maxPerDay = 1001'),
      asked('the thirteenth of this very second', {}, { issuedAt: Array(12).fill(noon) }),
      asked('the thirteenth of a day', {}, { issuedAt: Array(12).fill(noon - 60) }),
      asked('the thirteenth, the first a second short of a day ago', {}, { issuedAt: Array(12).fill(noon - 86_399) }),
    ],
  },
  people: {
    accepts: [toml('bob = ["custodian"]', 'bob = ["custodian", "responder", "commander", "auditor"]')],
    refuses: [
      toml('bob = ["custodian"]', 'bob = []'),
      toml('bob = ["custodian"]', 'bob = ["custodian", "custodian"]'),
      toml('bob = ["custodian"]', 'bob = ["king"]'),
      toml('bob = ["custodian"]', 'bob = "custodian"'),
      toml('bob = ["custodian"]', 'Bob = ["custodian"]'),
      toml('bob = ["custodian"]', '"b ob" = ["custodian"]'),
      ['no people', () => rulesOf(withoutPeople)],
      ['an empty table of people', () => rulesOf(`people = {}\n${withoutPeople}`)],
      ['people that are a number', () => rulesOf(`people = 1\n${withoutPeople}`)],
    ],
  },
  roles: {
    accepts: [['a second role', () => rulesOf(`${startingPolicy}\n${roleText('web-admin')}`)]],
    refuses: [
      ['no roles', () => rulesOf(startingPolicy.slice(0, startingPolicy.indexOf('[roles')))],
      [
        'an empty table of roles',
        () => rulesOf(`${startingPolicy.slice(0, startingPolicy.indexOf('[roles'))}[roles]\n`),
      ],
      ['a role with a bad name', () => rulesOf(`${startingPolicy}\n${roleText('"Web Admin"')}`)],
    ],
  },
  'role-audience': {
    accepts: [toml('audience = "https://db.prod.example.com"', 'audience = "db"')],
    refuses: [
      toml('audience = "https://db.prod.example.com"', ''),
      toml('audience = "https://db.prod.example.com"', 'audience = ""'),
      toml('audience = "https://db.prod.example.com"', 'audience = "a b"'),
      toml('audience = "https://db.prod.example.com"', 'audience = ["a", "b"]'),
    ],
  },
  'role-scopes': listLaw('scopes = ["db:read", "db:write"]', 'scopes'),
  'role-actions': listLaw('actions = ["read", "write", "restart"]', 'actions'),
  'role-circumstances': listLaw('circumstances = ["outage", "data-loss"]', 'circumstances'),
  'role-max-lifetime': {
    accepts: [
      toml('maxLifetime = "15m"', 'maxLifetime = "1s"'),
      toml('maxLifetime = "15m"', 'maxLifetime = "60m"'),
      asked('a lifetime of exactly 15 minutes', { lifetimeSeconds: 900 }),
    ],
    refuses: [
      toml('maxLifetime = "15m"', 'maxLifetime = "0s"'),
      toml('maxLifetime = "15m"', 'maxLifetime = "3601s"'),
      asked('a second more than 15 minutes', { lifetimeSeconds: 901 }),
    ],
  },
  'role-max-duration': {
    accepts: [
      toml('maxDuration = "2h"', 'maxDuration = "15m"'),
      toml('maxDuration = "2h"', 'maxDuration = "24h"'),
      asked('a strip of exactly 2 hours', { durationSeconds: 7200 }),
      asked('a strip as long as one token', { durationSeconds: 900 }),
    ],
    refuses: [
      toml('maxDuration = "2h"', 'maxDuration = "14m"'),
      toml('maxDuration = "2h"', 'maxDuration = "86401s"'),
      asked('a strip of 2 hours and a second', { durationSeconds: 7201 }),
      asked('a strip shorter than one token', { durationSeconds: 899 }),
      asked('a strip of tokens of a minute', { lifetimeSeconds: 60, durationSeconds: 600 }),
    ],
  },
  'role-holder': {
    accepts: [toml('holder = "optional"', 'holder = "required"')],
    refuses: [
      toml('holder = "optional"', 'holder = "none"'),
      asked('no holder key where one is required', {}, {}, text('holder = "optional"', 'holder = "required"')),
    ],
  },
  'role-min-shares': {
    accepts: [
      toml('holder = "optional"', minShares(2)),
      set(3, ['alice', 'bob', 'carol'], 'holder = "optional"', minShares(3)),
      asked('all five custodians', {}, {}, text('holder = "optional"', minShares(5))),
    ],
    refuses: [
      toml('holder = "optional"', minShares(1)),
      toml('holder = "optional"', minShares(256)),
      set(3, ['alice', 'bob', 'carol'], 'holder = "optional"', minShares(2)),
      set(3, ['alice', 'bob', 'carol'], 'holder = "optional"', minShares(4)),
      asked('six of five custodians', {}, {}, text('holder = "optional"', minShares(6))),
    ],
  },
  'unknown-key': {
    accepts: [['nothing but what is declared', () => rulesOf(startingPolicy)]],
    refuses: [
      ['a member', () => rulesOf(`colour = "red"\n${startingPolicy}`)],
      ['a member of a role', () => rulesOf(`${startingPolicy}\ncolour = "red"`)],
      ['a member of a table', () => rulesOf(text('within = "72h"', 'within = "72h", colour = "red"'))],
      ...['constructor', 'toString', '__proto__', 'hasOwnProperty'].map(
        (name): Trial => [`a member called ${name}`, () => rulesOf(`${name} = 1\n${startingPolicy}`)],
      ),
    ],
  },
  toml: {
    accepts: [['the starting policy', () => rulesOf(startingPolicy)]],
    refuses: [
      ['a key named twice', () => rulesOf(text('copies = 2', 'copies = 2\ncopies = 2'))],
      ['text that is not TOML', () => rulesOf('copies 2')],
    ],
  },
  'custodian-unknown': {
    accepts: [set(2, ['alice', 'bob'])],
    refuses: [set(2, ['alice', 'mallory']), set(2, ['alice', 'dana']), set(2, ['alice', 'constructor'])],
  },
  threshold: {
    accepts: [plan('3 of 3', {}), plan('2 of 3', { threshold: 2 })],
    refuses: [1, 4, 17].map((threshold) => plan(`${threshold} of 3`, { threshold })),
  },
  'request-subject': {
    accepts: [asked('a responder', { subject: 'dana' })],
    refuses: ['alice', 'nobody', 'constructor'].map((subject) => asked(subject, { subject })),
  },
  'request-role': {
    accepts: [asked('a role of the policy', { role: 'db-admin' })],
    refuses: ['web-admin', 'constructor'].map((role) => asked(role, { role })),
  },
  'request-circumstance': {
    accepts: [asked('a circumstance of the role', { circumstance: 'data-loss' })],
    refuses: [asked('another circumstance', { circumstance: 'boredom' })],
  },
};

function roleText(name: string): string {
  return startingPolicy.slice(startingPolicy.indexOf('[roles')).replace('db-admin', name);
}

describe.each(rules)('the rule %s', (rule) => {
  test.each(laws[rule].accepts)('accepts %s', (_, broken) => {
    expect(broken()).toEqual([]);
  });

  test.each(laws[rule].refuses)('alone refuses %s', (_, broken) => {
    expect([...new Set(broken())]).toEqual([rule]);
  });
});

describe('a policy file', () => {
  test('that is the starting policy is good, and the same table as it will stand in the trust file', () => {
    const { policy } = parsePolicyFile(startingPolicy) as { policy: object };
    expect(readPolicy(JSON.parse(JSON.stringify(policy)))).toEqual({ policy });
    expect(policy).toMatchObject({
      reason: { minLength: 20 },
      drill: { every: '90d', timeToAccess: '15m', timeToKill: '60s' },
      roles: { 'db-admin': { maxLifetime: '15m' } },
    });
    expect(policyRole(goodPolicy(), 'db-admin')).not.toHaveProperty('minShares');
  });

  test('has all its violations reported at once, those of shape and those of law', () => {
    const spoilt = `colour = "red"\n${startingPolicy}`
      .replace('copies = 2', 'copies = 0')
      .replace('preflight = "record"', '')
      .replace('bob = ["custodian"]', 'bob = []')
      .replace('maxLifetime = "15m"', 'maxLifetime = "61m"')
      .replace('actions = ["read", "write", "restart"]', 'actions = ["read", "read"]');
    expect(rulesOf(spoilt).sort()).toEqual([
      'copies',
      'people',
      'preflight',
      'role-actions',
      'role-max-lifetime',
      'unknown-key',
    ]);
  });

  test('that is empty breaks every rule that has a member, each once', () => {
    const { violations } = parsePolicyFile('') as { violations: readonly { rule: Rule }[] };
    expect(violations.map(({ rule }) => rule).sort()).toEqual(
      rules.slice(0, rules.indexOf('role-audience')).toSorted(),
    );
  });

  test('with a key named twice is refused with line and column', () => {
    expect(parsePolicyFile(text('copies = 2', 'copies = 2\n  copies = 3'))).toMatchObject({
      violations: [{ path: 'line 5', message: expect.stringMatching(/^line 5, column \d+: .*redefine/) }],
    });
  });

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'with %s as a person or a role is refused by that name',
    (name) => {
      for (const [member, spoilt] of [
        ['people', text('bob = ["custodian"]', `bob = ["custodian"]\n${name} = ["custodian"]`)],
        ['roles', `${startingPolicy}\n${roleText(name)}`],
      ] as const) {
        expect(parsePolicyFile(spoilt)).toMatchObject({
          violations: expect.arrayContaining([expect.objectContaining({ path: `${member}.${name}` })]),
        });
      }
    },
  );

  test('is refused as a list, a date or deep nesting where a table must be, and nothing else is thrown', () => {
    for (const odd of ['[]', '[["custodian"]]', '2026-01-31', `${'['.repeat(5000)}`, '{}', '""'])
      expect(parsePolicyFile(`people = ${odd}`)).toHaveProperty('violations');
    for (const odd of [null, undefined, 5, 'copies', [], [[]]]) expect(readPolicy(odd)).toHaveProperty('violations');
  });

  test('has each violation told in words: what is missing, what it must be, what is unknown', () => {
    const messageOf = (toml: string) => {
      const { violations } = parsePolicyFile(toml) as { violations: readonly { message: string }[] };
      return violations.map(({ message }) => message);
    };
    expect(messageOf(text('copies = 2', ''))).toEqual(['copies is missing']);
    expect(messageOf(text('copies = 2', 'copies = 0'))).toEqual(['copies must be an integer from 1 to 16']);
    expect(messageOf(`colour = 1\n${startingPolicy}`)).toEqual(['colour is not a member of a policy']);
    expect(messageOf(`people = []\n${withoutPeople}`)).toEqual(['people must be an object']);
    expect(readPolicy(null)).toEqual({ violations: [expect.objectContaining({ path: 'policy' })] });
  });

  test('whose names hold control characters is reported without them', () => {
    const { violations } = parsePolicyFile(`"\\u001b[2J" = 1\n${startingPolicy}`) as {
      violations: readonly { path: string }[];
    };
    expect(violations).toEqual([{ rule: 'unknown-key', path: '?[2J', message: '?[2J is not a member of a policy' }]);
  });
});

describe('a policy is asked', () => {
  const policy = goodPolicy(text('holder = "optional"', minShares(4)));

  test('for shares: the threshold, or what the role wants if that is more', () => {
    expect([2, 5].map((threshold) => sharesNeeded(policy, 'db-admin', threshold))).toEqual([4, 5]);
    expect([sharesNeeded(policy, null, 3), sharesNeeded(policy, 'constructor', 3)]).toEqual([3, 3]);
  });

  test('for the part of a person, who may be called like a member of every object', () => {
    expect([hasPart(policy, 'alice', 'custodian'), hasPart(policy, 'alice', 'responder')]).toEqual([true, false]);
    expect([hasPart(policy, 'constructor', 'custodian'), hasPart(policy, 'nobody', 'auditor')]).toEqual([false, false]);
    expect(policyRole(policy, 'constructor')).toBeUndefined();
  });

  test('for seconds only of a duration that was checked', () => {
    expect(policySeconds('15m')).toBe(900);
    expect(() => policySeconds('15 m')).toThrow(TypeError);
  });
});
