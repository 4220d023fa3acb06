import { expect, test } from 'vitest';
import { parseTime } from '../../src/base/time.ts';
import { drillDates, drillWarnings, policyReview } from '../../src/trail/due.ts';
import { listPeople } from '../../src/trail/people-list.ts';
import { beginning, fixedEd25519, TrailBuilder, testPolicy } from './build.ts';
import { judge } from './judge.ts';

const day = 86_400;

async function begun(stepSeconds = day): Promise<TrailBuilder> {
  return (await TrailBuilder.begin({ stepSeconds })).genesis();
}

async function upkeepOf(trail: TrailBuilder) {
  return (await judge(trail, trail.files)).facts.upkeep;
}

function timeOf(trail: TrailBuilder, seq: number): string {
  return trail.records[seq]?.time ?? '';
}

test('the newest drill record is the last drill; a mint is none', async () => {
  const trail = await begun();
  expect((await upkeepOf(trail)).lastDrill).toBeNull();
  await (await trail.mint({ drill: true })).mint();
  await trail.mint({ drill: true });
  await trail.mint();
  expect((await upkeepOf(trail)).lastDrill).toBe(timeOf(trail, 3));
});

test('a drill record that the trail key did not sign is none', async () => {
  const trail = await begun();
  await trail.mint({ drill: true, signer: await fixedEd25519('somebody') });
  const result = await judge(trail, trail.files);
  expect(result.facts.upkeep.lastDrill).toBeNull();
  expect(result.findings.map(({ code }) => code)).toContain('SIGNER_WRONG');
});

test('a card is seen when it is checked and when it is given; a refused one is not', async () => {
  const trail = await begun();
  const { setId } = trail.trust.set;
  await trail.plain('share.checked', { custodian: 'carol', index: 201, code: 'SHARE_SLIP' });
  await trail.plain('share.checked');
  const checked = await upkeepOf(trail);
  expect(checked.cardSeen(setId, 17)).toEqual({ time: timeOf(trail, 2), by: 'checked' });
  expect(checked.cardSeen(setId, 201)).toBeUndefined();
  await trail.mint();
  const used = await upkeepOf(trail);
  expect(used.cardSeen(setId, 17)).toEqual({ time: timeOf(trail, 3), by: 'ceremony' });
  expect(used.cardSeen(setId, 99)).toEqual({ time: timeOf(trail, 3), by: 'ceremony' });
});

test('a policy record is a review of the policy; a rotation is none; sets are known since they came into force', async () => {
  const trail = await begun();
  await trail.change('policy');
  await trail.change('rotate');
  const upkeep = await upkeepOf(trail);
  expect(upkeep.lastPolicy).toBe(timeOf(trail, 1));
  expect(upkeep.sets.get(trail.trust.set.setId)).toBe(timeOf(trail, 0));
});

test('media are known from the records until one says that they are lost', async () => {
  const trail = await begun();
  const labels = async () => [...(await upkeepOf(trail)).media.values()].map(({ label }) => label);
  expect(await labels()).toEqual(['audit-a', 'audit-b']);
  await trail.plain('media.lost');
  expect(await labels()).toEqual(['audit-a']);
  await trail.plain('media.added');
  expect(await labels()).toEqual(['audit-a', 'audit-b']);
});

test('the token of a person that is valid longest is known, drills excluded', async () => {
  const trail = await begun(60);
  await trail.mint({ drill: true, request: { durationSeconds: 3600 } });
  expect((await upkeepOf(trail)).tokens.size).toBe(0);
  await trail.mint({ request: { durationSeconds: 3600 } });
  await trail.mint();
  const { tokens } = await upkeepOf(trail);
  expect(tokens.get('dana')).toEqual({ exp: beginning + 2 * 60 + 3600, epoch: 1 });
});

const genesis = '2026-02-01T08:00:00Z';
const drilled = '2026-03-01T08:00:00Z';
const seconds = (time: string) => parseTime(time) ?? 0;

test('a drill is due when there was none, and overdue only drill.every after genesis', () => {
  const never = { lastDrill: null, genesis };
  expect(drillDates(never, testPolicy, seconds(genesis) + 1)).toEqual({
    last: null,
    next: '2026-05-02T08:00:00Z',
    state: 'due',
    overdue: false,
  });
  expect(drillWarnings(never, testPolicy, seconds(genesis) + 90 * day)).toEqual([]);
  expect(drillWarnings(never, testPolicy, seconds(genesis) + 90 * day + 1)).toEqual([
    { code: 'DRILL_OVERDUE', message: expect.stringContaining('there never was a drill') },
  ]);
});

test('a drill is due again drill.every after the last one, to the second', () => {
  const once = { lastDrill: drilled, genesis };
  const at = (after: number) => drillDates(once, testPolicy, seconds(drilled) + after);
  expect(at(90 * day)).toMatchObject({ state: 'not-due', overdue: false, next: '2026-05-30T08:00:00Z' });
  expect(at(90 * day + 1)).toMatchObject({ state: 'due', overdue: true });
  expect(drillWarnings(once, testPolicy, seconds(drilled) + 91 * day)[0]?.message).toContain(drilled);
});

test('a drill that is dated after now decides nothing', () => {
  const ahead = { lastDrill: drilled, genesis };
  expect(drillDates(ahead, testPolicy, seconds(drilled) - 600).state).toBe('not-due');
  expect(drillDates(ahead, testPolicy, seconds(drilled) - 601).state).toBe('ahead');
});

test('an empty trail is due and never overdue, and a term beyond the year 9999 has no end', () => {
  expect(drillDates({ lastDrill: null, genesis: null }, testPolicy, seconds(genesis))).toEqual({
    last: null,
    next: null,
    state: 'due',
    overdue: false,
  });
  const slow = { ...testPolicy, review: { within: '72h', policyEvery: '999999999d' } };
  expect(policyReview({ lastPolicy: genesis }, slow, seconds(drilled))).toEqual({
    last: genesis,
    next: null,
    overdue: false,
  });
});

test('the list holds everybody of the policy and the set, and what is overdue', async () => {
  const trail = await begun();
  await trail.mint();
  const now = beginning + 181 * day;
  const list = listPeople(trail.trust, (await judge(trail, trail.files)).facts, now);
  const of = (label: string) => list.people.find((person) => person.label === label);
  expect(list.people.map(({ label }) => label)).toEqual(['alice', 'bob', 'carol', 'dana', 'erin', 'grace']);
  expect(of('alice')?.card).toMatchObject({ index: 17, by: 'ceremony', last: timeOf(trail, 1), overdue: false });
  expect(of('carol')?.card).toMatchObject({ index: 201, by: null, last: null, overdue: true });
  expect(of('dana')).toMatchObject({ card: null, revoker: false, parts: ['responder'] });
  expect(list.policyReview).toMatchObject({ last: timeOf(trail, 0), overdue: true });
  expect(list.drill).toMatchObject({ state: 'due', overdue: true });
});
