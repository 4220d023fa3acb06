import { beforeAll, describe, expect, test } from 'vitest';
import type { JwsSigner } from '../../src/base/jws.ts';
import { openKillFile } from '../../src/revocation/kill-file.ts';
import { denyEntrySha256, formatLines } from '../../src/revocation/list.ts';
import { type Statement, sealStatement } from '../../src/revocation/statement.ts';
import { denial, type Fixture, makeFixture, statement, zeroId } from '../token/fixture.ts';

let fixture: Fixture;
let other: Fixture;
beforeAll(async () => {
  fixture = await makeFixture('Ed25519');
  other = await makeFixture('Ed25519', { name: 'Other Corp' });
});

const family = denial({ kind: 'family', value: zeroId, by: 'mint' });
const line = (change: Partial<Statement>, signer: JwsSigner = fixture.deny, of: Fixture = fixture) =>
  sealStatement(statement(of, change), signer);
const open = (...lines: readonly string[]) => openKillFile(formatLines(lines), fixture.trust, 'inc-1.kill.jws');
const code = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return 'nothing thrown';
};

test('a kill file is its good lines that deny, whoever may sign them', async () => {
  const lines = [
    await line({ deny: [family] }),
    await line({ deny: [denial({ kind: 'all', value: null })] }, fixture.revoker),
  ];
  const file = open(...lines);
  expect(file.lines).toEqual(lines);
  expect(file.entries.map(({ kind }) => kind)).toEqual(['family', 'all']);
  expect(file.alarms).toEqual([]);
});

test('a torn or forged line is an alarm, and the good ones count; lines that deny nothing are left out', async () => {
  const good = await line({ deny: [family] });
  const file = open(
    await line({}),
    good,
    good.slice(0, -9),
    await line({ deny: [family] }, { ...fixture.stranger, alg: 'EdDSA' }),
  );
  expect(file.lines).toEqual([good]);
  expect(file.alarms.map((alarm) => alarm.line)).toEqual([3, 4]);
});

describe('is refused', () => {
  test('when it is of another trust, and both are named', async () => {
    const theirs = await line({ deny: [family] }, other.deny, other);
    expect(code(() => open(theirs))).toMatchObject({
      code: 'KILL_OTHER_TRUST',
      message: `inc-1.kill.jws is of another trust: ${other.trust.id.slice(0, 8)}, not ${fixture.trust.id.slice(0, 8)}`,
    });
  });

  test('when no line of it denies: empty, forged, or one that allows', async () => {
    const allowing = await line({ allow: [denyEntrySha256(family)] }, fixture.root);
    for (const lines of [[], [await line({})], [allowing], ['hello'], [await line({ deny: [family] }, fixture.trail)]])
      expect(code(() => open(...lines))).toMatchObject({ code: 'KILL_INVALID' });
  });
});
