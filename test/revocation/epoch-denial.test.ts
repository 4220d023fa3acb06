import { beforeAll, describe, expect, test } from 'vitest';
import type { JwsSigner } from '../../src/base/jws.ts';
import { deniesOldEpochs } from '../../src/revocation/epoch-denial.ts';
import { type DenyEntry, sealStatement } from '../../src/revocation/statement.ts';
import type { Trust } from '../../src/trust/trust-file.ts';
import { type Fixture, makeFixture, midnight } from '../token/fixture.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await makeFixture('ES256');
});

/** The trust as it would be in another epoch. */
const inEpoch = (epoch: number): Trust => ({ ...fixture.trust, payload: { ...fixture.trust.payload, epoch } });
const epochs = (value: number): DenyEntry => ({ kind: 'epoch', value, at: midnight, by: 'quorum', reason: 'rotated' });

async function lineOf(entry: DenyEntry, signer: JwsSigner, trust = fixture.trust.id): Promise<Buffer> {
  return Buffer.from(`${await sealStatement({ v: 1, trust, iat: midnight, deny: [entry], allow: [] }, signer)}\n`);
}

describe('a list denies the old epochs', () => {
  test('by one line for the newest of them, wherever it stands, among lines that mean nothing', async () => {
    const line = await lineOf(epochs(1), fixture.retiredDeny);
    const list = Buffer.concat([Buffer.from('junk\n'), fixture.firstFile, line, Buffer.from('{}.e30.')]);
    expect(deniesOldEpochs(list, inEpoch(2))).toBe(true);
    expect(deniesOldEpochs(line, inEpoch(3))).toBe(false);
    expect(deniesOldEpochs(await lineOf(epochs(2), fixture.deny), inEpoch(3))).toBe(true);
  });

  test('not by a line of another trust, of nobody, of another kind, or without any', async () => {
    const other = await lineOf(epochs(1), fixture.deny, '0'.repeat(64));
    const nobody = await lineOf(epochs(1), fixture.trail);
    const kind = await lineOf({ ...epochs(1), kind: 'incident', value: 'epoch' }, fixture.deny);
    for (const list of [other, nobody, kind, fixture.firstFile, Buffer.alloc(0)])
      expect(deniesOldEpochs(list, inEpoch(2))).toBe(false);
  });

  test('of which there are none in epoch 1 by any line that counts', () => {
    expect(deniesOldEpochs(fixture.firstFile, inEpoch(1))).toBe(true);
    expect(deniesOldEpochs(Buffer.from('junk\n'), inEpoch(1))).toBe(false);
  });
});
