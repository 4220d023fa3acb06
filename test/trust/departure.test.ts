import { describe, expect, test } from 'vitest';
import { type BegunDeal, type DepartureFacts, judgeDeparture, knownLabels } from '../../src/trust/departure.ts';
import { adviseDeparture, combiningGroups } from '../../src/trust/departure-advice.ts';
import { missingVersions, setsOfEarlierSeeds, setsOfLiveSeed } from '../../src/trust/seed-sets.ts';
import type { ShareSet, TrustPayload } from '../../src/trust/trust-schema.ts';
import { TrailBuilder } from '../trail/build.ts';

const base = (await TrailBuilder.begin()).trust.payload;
const five = ['alice', 'bob', 'carol', 'dave', 'erin'];

function set(setId: string, status: ShareSet['status'], custodians: readonly string[], threshold = 3): ShareSet {
  const shares = custodians.map((custodian, n) => ({ custodian, index: n + 1, commitment: 'ab'.repeat(32) }));
  return { setId, nonce: 'A'.repeat(22), threshold, strength: 128, status, shares };
}

interface Version {
  readonly sets: readonly ShareSet[];
  readonly version?: number;
  readonly seed?: string;
  readonly people?: TrustPayload['policy']['people'];
  readonly revokers?: readonly string[];
  readonly minShares?: number;
}

/** Trust versions in order; their custodians are those of the active set unless `people` says otherwise. */
function versions(...all: readonly [Version, ...Version[]]): [TrustPayload, ...TrustPayload[]] {
  const made = all.map((each, index): TrustPayload => {
    const active = each.sets.find(({ status }) => status === 'active')?.shares ?? [];
    const custodians = Object.fromEntries(active.map(({ custodian }) => [custodian, ['custodian' as const]]));
    const role = base.policy.roles['db-admin'];
    if (!role) throw new Error('the test policy has the role');
    return {
      ...base,
      version: each.version ?? index + 1,
      nonce: (each.seed ?? 'one').padEnd(22, 'A'),
      sets: [...each.sets],
      revokers: (each.revokers ?? ['rita']).map((label) => ({ label, jwk: base.root })),
      policy: {
        ...base.policy,
        people: { ...custodians, dana: ['responder'], ...each.people },
        roles: { 'db-admin': { ...role, ...(each.minShares === undefined ? {} : { minShares: each.minShares }) } },
      },
    };
  });
  const [first, ...later] = made;
  if (!first) throw new Error('one version at least');
  return [first, ...later];
}

function leave(
  trust: DepartureFacts['versions'],
  leaving: DepartureFacts['leaving'],
  more: Partial<DepartureFacts> = {},
) {
  const departure = judgeDeparture({ versions: trust, leaving, begun: [], tokenHolders: [], doubts: [], ...more });
  return { ...departure, groups: combiningGroups(departure), ...adviseDeparture(departure) };
}

const simple = versions({ sets: [set('aaaaa', 'active', five)] });

describe('custodians', () => {
  test('one of five leaves: the shares are dealt again among the others, and the policy forgets them in the same ceremony', () => {
    const result = leave(simple, ['bob']);
    expect(result).toMatchObject({ needs: 'shares', decided: true, groups: [], nearlyOpen: [] });
    expect(result.run).toEqual([
      'breakglass rotate shares --custodian alice --custodian carol --custodian dave --custodian erin --threshold 3 --policy FILE',
    ]);
  });

  test('two of five leave at once: one card short, told with its numbers', () => {
    const result = leave(simple, ['bob', 'erin']);
    expect(result).toMatchObject({ needs: 'shares', groups: [] });
    expect(result.why.join('\n')).toContain(
      'bob and erin will have left with 2 of the 3 cards of the active set aaaaa',
    );
    expect(result.why.join('\n')).toContain('all 3 of them are needed');
  });

  test('M of five leave at once: they have the key, and a new seed is needed while they can still give shares', () => {
    const result = leave(simple, ['bob', 'erin', 'alice']);
    expect(result).toMatchObject({ needs: 'seed', groups: [['alice', 'bob', 'erin']] });
    expect(result.run).toEqual([
      'breakglass rotate seed --custodian carol --custodian dave --custodian NEW --threshold 3 --policy FILE',
    ]);
    expect(result.why.join('\n')).toContain('while bob, erin and alice can still give a share, with 1 new custodian');
  });

  /** bob left, then carol; each time the shares were dealt again. dave is the third. */
  const year = versions(
    { sets: [set('aaaaa', 'active', five)] },
    { sets: [set('aaaaa', 'retired', five), set('bbbbb', 'active', ['alice', 'carol', 'dave', 'erin', 'frank'])] },
    {
      sets: [
        set('aaaaa', 'retired', five),
        set('bbbbb', 'retired', ['alice', 'carol', 'dave', 'erin', 'frank']),
        set('ccccc', 'active', ['alice', 'dave', 'erin', 'frank', 'grace']),
      ],
    },
  );

  test('M leave over a year across two rotations: each alone is harmless, together they open a retired set', () => {
    expect(leave([year[0]], ['bob']).needs).toBe('shares');
    const [first, second] = year;
    expect(leave(second ? [first, second] : [first], ['carol'])).toMatchObject({ needs: 'shares', groups: [] });
    const third = leave(year, ['dave']);
    expect(third).toMatchObject({ needs: 'seed', groups: [['bob', 'carol', 'dave']], decided: true });
    expect(third.why.join('\n')).toContain('3 cards of the retired set aaaaa: these cards make the key again');
    expect(third.why.join('\n')).not.toContain('before');
  });

  test('a group that was complete before is told as that, whoever leaves now', () => {
    const result = leave(year, ['dana']);
    expect(result.needs).toBe('nothing');
    const over = versions(
      { sets: [set('aaaaa', 'active', five)] },
      { sets: [set('aaaaa', 'retired', five), set('bbbbb', 'active', ['alice', 'bob', 'x', 'y'])] },
    );
    const now = leave(over, ['x']);
    expect(now).toMatchObject({ needs: 'seed', groups: [['carol', 'dave', 'erin']] });
    expect(now.why.join('\n')).toContain('This was so before');
  });

  test('a seed rotation in between makes the old sets harmless', () => {
    const renewed = versions(
      { sets: [set('aaaaa', 'active', five)] },
      { sets: [set('aaaaa', 'retired', five), set('bbbbb', 'active', ['alice', 'carol', 'dave', 'erin'])] },
      {
        seed: 'two',
        sets: [
          set('aaaaa', 'retired', five),
          set('bbbbb', 'retired', ['alice', 'carol', 'dave', 'erin']),
          set('ccccc', 'active', ['alice', 'dave', 'erin', 'frank']),
        ],
      },
    );
    const result = leave(renewed, ['dave']);
    expect(result).toMatchObject({ needs: 'shares', groups: [], decided: true, harmless: ['aaaaa', 'bbbbb'] });
    expect(setsOfEarlierSeeds(renewed).map(({ setId }) => setId)).toEqual(['aaaaa', 'bbbbb']);
  });

  test('an abandoned re-deal counts: its cards may exist', () => {
    const odd = ['alice', 'bob', 'xena', 'yves'];
    const abandoned = versions(
      { sets: [set('aaaaa', 'active', five)] },
      {
        sets: [set('aaaaa', 'retired', five), set('ddddd', 'abandoned', odd, 2), set('bbbbb', 'active', five)],
      },
    );
    expect(leave(abandoned, ['bob'])).toMatchObject({ needs: 'seed', groups: [['bob', 'xena', 'yves']] });
    expect(leave(abandoned, ['bob']).why.join('\n')).toContain('any 2 of these cards');
  });

  test('an abandoned re-deal is of the seed before the version that lists it first', () => {
    const abandoned = versions(
      { sets: [set('aaaaa', 'active', five)] },
      {
        seed: 'two',
        sets: [
          set('aaaaa', 'retired', five),
          set('ddddd', 'abandoned', ['x', 'y', 'bob'], 2),
          set('bbbbb', 'active', five),
        ],
      },
    );
    expect(leave(abandoned, ['bob'])).toMatchObject({ needs: 'shares', groups: [], decided: true });
    const [first, second] = abandoned;
    const later = second && { ...second, version: 3, sets: second.sets.map((each) => ({ ...each })) };
    expect(leave(later ? [first, second, later] : [first], ['bob'])).toMatchObject({ needs: 'shares', groups: [] });
  });

  test('a re-deal that only a record tells of counts too, and its holders are dealt anew', () => {
    const begun: BegunDeal[] = [{ setId: 'eeeee', threshold: 2, custodians: ['alice', 'xena'] }];
    expect(leave(simple, ['xena'], { begun })).toMatchObject({ needs: 'shares', groups: [] });
    expect(leave(simple, ['alice'], { begun })).toMatchObject({ needs: 'seed', groups: [['alice', 'xena']] });
    const finished = [{ setId: 'aaaaa', threshold: 2, custodians: ['q', 'r'] }];
    expect(leave(simple, ['bob'], { begun: finished })).toMatchObject({ needs: 'shares', groups: [] });
  });

  test('a person who returned does not count as departed, until they leave again', () => {
    const returned = versions(
      { sets: [set('aaaaa', 'active', five)] },
      { sets: [set('aaaaa', 'retired', five), set('bbbbb', 'active', ['alice', 'dave', 'erin', 'frank'])] },
      {
        sets: [
          set('aaaaa', 'retired', five),
          set('bbbbb', 'retired', ['alice', 'dave', 'erin', 'frank']),
          set('ccccc', 'active', ['alice', 'bob', 'erin', 'frank']),
        ],
      },
    );
    expect(leave(returned, ['frank'])).toMatchObject({ needs: 'shares', groups: [] });
    expect(leave(returned, ['bob'])).toMatchObject({ needs: 'seed', groups: [['bob', 'carol', 'dave']] });
  });

  test('somebody whose card is of a retired set only needs nothing more', () => {
    const result = leave(year, ['bob']);
    expect(result).toMatchObject({ needs: 'nothing', run: [] });
    expect(result.why.join('\n')).toContain(
      'bob and carol will have left with 2 of the 3 cards of the retired set aaaaa',
    );
  });

  test('a person of the policy without a card of the active set counts as departed for old cards', () => {
    const idle = versions(
      { sets: [set('aaaaa', 'active', five)] },
      {
        sets: [set('aaaaa', 'retired', five), set('bbbbb', 'active', ['alice', 'dave', 'erin', 'x'])],
        people: { bob: ['custodian'], carol: ['custodian'] },
      },
    );
    expect(leave(idle, ['dave'])).toMatchObject({ needs: 'seed', groups: [['bob', 'carol', 'dave']] });
  });

  test('groups are named once each', () => {
    const twice = versions(
      { sets: [set('aaaaa', 'active', ['alice', 'bob', 'carol'], 2)] },
      {
        sets: [
          set('aaaaa', 'retired', ['alice', 'bob', 'carol'], 2),
          set('bbbbb', 'retired', ['carol', 'bob', 'x'], 2),
          set('ccccc', 'active', ['alice', 'x', 'y'], 2),
        ],
      },
    );
    expect(leave(twice, ['y']).groups).toEqual([['bob', 'carol']]);
  });
});

describe('what is not at hand', () => {
  const retired = [set('aaaaa', 'retired', five), set('bbbbb', 'retired', ['alice', 'x', 'y', 'z'])];
  const alone = versions({ version: 4, sets: [...retired, set('ccccc', 'active', ['alice', 'erin', 'p', 'q'])] });

  test('the newest version alone: old sets count as of the live seed, and the answer is marked', () => {
    expect(missingVersions(alone)).toEqual([1, 2, 3]);
    const result = leave(alone, ['erin']);
    expect(result).toMatchObject({ needs: 'seed', decided: false, missingVersions: [1, 2, 3] });
    expect(result.why[0]).toContain('versions 1, 2, 3 are not at hand');
  });

  test('where they cannot matter the answer is certain all the same', () => {
    const few = versions({
      version: 2,
      sets: [set('aaaaa', 'retired', ['alice', 'bob']), set('ccccc', 'active', five)],
    });
    expect(leave(few, ['erin'])).toMatchObject({ needs: 'shares', decided: true, missingVersions: [1] });
  });

  test('a gap between two versions of one seed hides nothing; one between two seeds does', () => {
    const gap = (seed: string) =>
      versions(
        { version: 1, sets: [set('aaaaa', 'active', ['m', 'n'])] },
        {
          version: 3,
          seed,
          sets: [
            set('aaaaa', 'retired', ['m', 'n']),
            set('bbbbb', 'retired', five),
            set('ccccc', 'active', ['p', 'q', 'r']),
          ],
        },
      );
    expect(setsOfLiveSeed(gap('one')).map(({ certain }) => certain)).toEqual([true, true, true]);
    expect(leave(gap('one'), ['p'])).toMatchObject({ needs: 'seed', decided: true });
    expect(leave(gap('two'), ['p'])).toMatchObject({ needs: 'seed', decided: false });
  });

  test('a doubt about the trail marks the answer', () => {
    const result = leave(simple, ['bob'], { doubts: ['record 7 is missing'] });
    expect(result).toMatchObject({ needs: 'shares', decided: false });
    expect(result.why[0]).toBe('record 7 is missing');
  });

  test('a version that dropped an old set hides none', () => {
    const dropped = versions(
      { sets: [set('aaaaa', 'active', five)] },
      { sets: [set('bbbbb', 'active', ['alice', 'x', 'y', 'z'])] },
    );
    expect(leave(dropped, ['x'])).toMatchObject({ needs: 'seed', groups: [['bob', 'carol', 'dave', 'erin']] });
  });
});

describe('responders, commanders and people with several parts', () => {
  test('a responder is denied by a commander who stays, and leaves the policy', () => {
    const result = leave(simple, ['dana'], { tokenHolders: ['dana'] });
    expect(result).toMatchObject({ needs: 'nothing', decided: true });
    expect(result.run).toEqual([
      'breakglass revoke --subject dana --reason "dana left"',
      'breakglass policy apply FILE',
    ]);
    expect(result.why.join('\n')).toContain('dana holds a token that is still valid');
  });

  const without = versions({ sets: [set('aaaaa', 'active', five)], revokers: [] });

  test('keys: a token is valid and nobody who stays can deny it', () => {
    expect(leave(without, ['dana'], { tokenHolders: ['dana'] })).toMatchObject({
      needs: 'keys',
      run: ['breakglass rotate keys --policy FILE'],
    });
    expect(leave(without, ['dana']).needs).toBe('nothing');
    const only = versions({
      sets: [set('aaaaa', 'active', five)],
      revokers: ['dana'],
      people: { dana: ['responder'] },
    });
    expect(leave(only, ['dana'], { tokenHolders: ['dana'] }).needs).toBe('keys');
  });

  test('without a trail nobody can tell whether a token is valid: the answer is marked', () => {
    expect(leave(without, ['dana'], { tokenHolders: null })).toMatchObject({ needs: 'nothing', decided: false });
    expect(leave(simple, ['dana'], { tokenHolders: null })).toMatchObject({ needs: 'nothing', decided: true });
  });

  test('shares and keys together are a new seed', () => {
    const both = versions({
      sets: [set('aaaaa', 'active', five)],
      revokers: [],
      people: { bob: ['custodian', 'responder'] },
    });
    expect(leave(both, ['bob'], { tokenHolders: ['bob'] }).needs).toBe('seed');
  });

  test('a revoker is retired with their denials; the last one must be replaced', () => {
    const result = leave(versions({ sets: [set('aaaaa', 'active', five)], revokers: ['rita', 'sam'] }), ['rita']);
    expect(result).toMatchObject({ needs: 'nothing', run: ['breakglass policy apply FILE --retire-revoker rita'] });
    expect(result.why.join('\n')).toContain('under the deny key first');
    expect(result.why.join('\n')).not.toContain('--add-revoker');
    expect(leave(simple, ['rita']).why.join('\n')).toContain('--add-revoker');
  });

  test('all the parts of one person, in the order in which they can be done', () => {
    const all = versions({
      sets: [set('aaaaa', 'active', five)],
      revokers: ['erin', 'rita'],
      people: { erin: ['custodian', 'responder', 'commander'] },
    });
    expect(leave(all, ['erin']).run).toEqual([
      'breakglass revoke --subject erin --reason "erin left"',
      'breakglass rotate shares --custodian alice --custodian bob --custodian carol --custodian dave --threshold 3 --policy FILE',
      'breakglass policy apply FILE --retire-revoker erin',
    ]);
  });

  test('roles that ask for more shares than custodians stay need another policy', () => {
    const strict = versions({ sets: [set('aaaaa', 'active', five)], minShares: 5 });
    const result = leave(strict, ['bob']);
    expect(result.run[0]).toMatch(/^breakglass rotate shares .* --policy FILE$/);
    expect(result.why.join('\n')).toContain('role db-admin asks for 5 shares and 4 custodians stay');
  });

  test('with separation, a responder whose own share would be needed is named', () => {
    const own = versions({
      sets: [set('aaaaa', 'active', ['alice', 'bob', 'carol', 'dave'])],
      people: { alice: ['custodian', 'responder'] },
    });
    expect(leave(own, ['bob']).why.join('\n')).toContain('alice could not get role db-admin any more: 3 others must');
  });
});

test('everybody whom any version names is known', () => {
  const trust = versions(
    { sets: [set('aaaaa', 'active', five)], people: { zoe: ['auditor'] } },
    { sets: [set('aaaaa', 'retired', five), set('bbbbb', 'active', ['x', 'y', 'z'])], revokers: [] },
  );
  expect(knownLabels(trust)).toEqual([
    'alice',
    'bob',
    'carol',
    'dana',
    'dave',
    'erin',
    'grace',
    'rita',
    'x',
    'y',
    'z',
    'zoe',
  ]);
});
