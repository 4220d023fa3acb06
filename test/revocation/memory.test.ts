import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { denyEntrySha256, formatLines, readRevocations } from '../../src/revocation/list.ts';
import { type LineJudgement, RevocationMemory } from '../../src/revocation/memory.ts';
import { type DenyEntry, sealStatement } from '../../src/revocation/statement.ts';
import { openTrust, sealTrust, type Trust } from '../../src/trust/trust-file.ts';
import { denial, exampleClaims, type Fixture, makeFixture, midnight, statement } from '../token/fixture.ts';

let fixture: Fixture;
let lines: Record<'incident' | 'subject' | 'allow' | 'kill', string>;
const incident = denial({ kind: 'incident', value: 'inc-2026-001' });
const subject = denial({ kind: 'subject', value: 'dana', at: midnight + 1 });
beforeAll(async () => {
  fixture = await makeFixture('ES256');
  const line = (deny: DenyEntry[], allow: string[], key: 'revoker' | 'root' | 'deny', iat: number) =>
    sealStatement(statement(fixture, { deny, allow, iat }), fixture[key]);
  lines = {
    incident: await line([incident], [], 'revoker', midnight),
    subject: await line([subject], [], 'revoker', midnight + 1),
    allow: await line([], [denyEntrySha256(incident)], 'root', midnight + 2),
    kill: await line([denial({ kind: 'family', value: `${'B'.repeat(21)}A` })], [], 'deny', midnight + 3),
  };
});

function readAll(memory: RevocationMemory, given: readonly string[], which?: 'denying'): LineJudgement[] {
  return [...memory.read(formatLines(given), which)];
}

/** Which entry denies the example's token; null: none. */
function deniedBy(memory: Pick<RevocationMemory, 'denials'>): string | null {
  const token = { claims: exampleClaims(fixture), kid: fixture.token.kid };
  return memory.denials.find(token)?.kind ?? null;
}

async function trustWith(revokers: Trust['payload']['revokers'], version: number): Promise<Trust> {
  const { trust, root } = fixture;
  return openTrust(
    await sealTrust({ ...trust.payload, id: trust.id, version, previous: trust.sha256, revokers }, root),
  );
}

describe('a memory that lines come to one by one', () => {
  test('denies what a list of the same lines denies, in any order', () => {
    const { incident: a, subject: b, allow: c, kill: d } = lines;
    for (const given of [[a], [a, c], [c, a], [a, b, c], [c, b, a, d], [b, a, c, a]]) {
      const memory = new RevocationMemory(fixture.trust);
      readAll(memory, given);
      const list = readRevocations(formatLines(given), fixture.trust);
      expect([deniedBy(memory), memory.size]).toEqual([deniedBy(list), list.lines.length]);
      for (const line of given) expect(memory.hasLine(sha256Hex(line))).toBe(true);
    }
  });

  test('looks at a line once: known ones have their place, a bad one is an alarm the first time', () => {
    const memory = new RevocationMemory(fixture.trust);
    const bad = `${lines.incident.slice(0, -4)}AAAA`;
    expect(readAll(memory, [lines.incident, bad])).toMatchObject([
      { place: 0, news: { deny: [incident] } },
      { number: 2 },
    ]);
    expect(readAll(memory, [bad, lines.incident])).toEqual([undefined, { place: 0 }]);
  });

  test('takes of a kill file what denies, and leaves the rest for a list', () => {
    const memory = new RevocationMemory(fixture.trust);
    readAll(memory, [lines.incident]);
    readAll(memory, [lines.allow, lines.kill], 'denying');
    expect([deniedBy(memory), memory.size]).toEqual(['incident', 2]);
    readAll(memory, [lines.allow]);
    expect(deniedBy(memory)).toBeNull();
  });
});

describe('what is allowed', () => {
  // More entries than are indexed at once, so that there is a moment in between.
  const many = () =>
    sealStatement(
      statement(fixture, {
        deny: Array.from({ length: 600 }, (_, n) => denial({ kind: 'incident', value: `inc-${n}` })),
      }),
      fixture.revoker,
    );
  const paused = async (...first: string[]) => {
    const memory = new RevocationMemory(fixture.trust);
    readAll(memory, [...first, lines.incident, await many()]);
    const reading = memory.read(formatLines([lines.allow]));
    for (const _ of ['its judgement', 'and some entries']) expect(reading.next().done).toBe(false);
    return { memory, finish: () => [...reading] };
  };

  test('is denied until the index without it is whole', async () => {
    const { memory, finish } = await paused();
    expect(deniedBy(memory)).toBe('incident');
    finish();
    expect(deniedBy(memory)).toBeNull();
  });

  test('what comes in between is denied at once, and afterwards', async () => {
    const { memory, finish } = await paused();
    memory.read(formatLines([await sealStatement(statement(fixture, { deny: [subject] }), fixture.revoker)])).next();
    finish();
    expect(deniedBy(memory)).toBe('subject');
  });

  test('a reading that ends late does not deny again what another one allowed', async () => {
    const { memory, finish } = await paused(lines.subject);
    const more = statement(fixture, { allow: [denyEntrySha256(subject)], iat: midnight + 9 });
    readAll(memory, [await sealStatement(more, fixture.root)]);
    expect(deniedBy(memory)).toBeNull();
    finish();
    expect(deniedBy(memory)).toBeNull();
  });

  test('is allowed under the next trust version too', () => {
    const memory = new RevocationMemory(fixture.trust);
    readAll(memory, [lines.incident, lines.allow]);
    const next = new RevocationMemory(fixture.trust);
    for (const _ of next.follow(memory)) void _;
    expect([deniedBy(next), next.size]).toEqual([null, 2]);
  });
});

describe('another trust version', () => {
  test('follows what was accepted: a revoker who was retired counts no longer, and again when named again', async () => {
    const first = new RevocationMemory(fixture.trust);
    readAll(first, [lines.subject, lines.kill]);
    const without = new RevocationMemory(await trustWith([], 2));
    for (const _ of without.follow(first)) void _;
    expect([deniedBy(without), without.size]).toEqual([null, 1]);
    const again = new RevocationMemory(await trustWith(fixture.trust.payload.revokers, 3));
    for (const _ of again.follow(without)) void _;
    expect([deniedBy(again), again.size]).toEqual(['subject', 2]);
  });

  test('takes in what came while it followed, and nothing twice', () => {
    const first = new RevocationMemory(fixture.trust);
    readAll(first, [lines.incident]);
    const next = new RevocationMemory(fixture.trust);
    const following = next.follow(first);
    following.next();
    readAll(first, [lines.subject]);
    for (const _ of following) void _;
    expect(next.size).toBe(1);
    for (const _ of next.follow(first)) void _;
    expect(next.size).toBe(2);
  });
});
