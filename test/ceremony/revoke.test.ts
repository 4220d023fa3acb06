import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Closing, type Revoked, type RevokeOptions, revoke } from '../../src/ceremony/revoke.ts';
import { identifyRevoker } from '../../src/ceremony/revoker.ts';
import { readSeen } from '../../src/machine/pin.ts';
import { newDenials } from '../../src/revocation/denial.ts';
import { openKillFile } from '../../src/revocation/kill-file.ts';
import { denyEntrySha256, formatLines, mergeRevocations, readRevocations } from '../../src/revocation/list.ts';
import { type Statement, sealStatement } from '../../src/revocation/statement.ts';
import { denial, exampleClaims, type Fixture, makeFixture, midnight, statement } from '../token/fixture.ts';
import { scratch } from './fixture.ts';

const now = midnight + 60;
const clock = { now: () => now };
const room = scratch('revoke');
let fixture: Fixture;
let dir: string;
beforeAll(async () => {
  fixture = await makeFixture('Ed25519');
});
beforeEach(() => {
  dir = mkdtempSync(join(room.dir, 'scene-'));
  writeFileSync(join(dir, 'revocations.jws'), fixture.firstFile);
});
afterAll(() => room.remove());

const list = () => join(dir, 'revocations.jws');
const read = (path: string) => readRevocations(readFileSync(path), fixture.trust);
const token = () => ({ claims: exampleClaims(fixture), kid: fixture.token.kid });
const line = (change: Partial<Statement>, signer = fixture.deny) => sealStatement(statement(fixture, change), signer);

function signed(change: Partial<Extract<Closing, { kind: 'signed' }>> = {}): Closing {
  return {
    kind: 'signed',
    revoker: { label: 'erin', key: fixture.revoker },
    selectors: [{ kind: 'incident', value: 'inc-2026-001' }],
    before: null,
    reason: 'the laptop is gone',
    ...change,
  };
}

function deny(change: Partial<RevokeOptions> = {}): Promise<Revoked> {
  const options = { trust: fixture.trust, closing: signed(), list: list(), sendTo: [], stateDir: join(dir, 'state') };
  return revoke({ ...options, ...change }, { clock });
}

describe('a denial', () => {
  test('stands in the list, in what verify remembers, and in every directory it was sent to', async () => {
    for (const name of ['x', 'y']) mkdirSync(join(dir, name));
    const elsewhere = await line({ deny: [denial({ kind: 'role', value: 'other' })] });
    writeFileSync(join(dir, 'y', 'revocations.jws'), formatLines([elsewhere]));
    const done = await deny({ sendTo: [join(dir, 'x'), join(dir, 'y')] });
    expect([done.list, done.seen, ...done.sent].map(({ error }) => error)).toEqual([null, null, null, null]);
    expect(read(list()).denials.find(token())).toEqual(done.added[0]);
    expect(read(join(dir, 'x', 'revocations.jws')).lines).toEqual([fixture.firstLine, ...done.lines]);
    expect(read(join(dir, 'y', 'revocations.jws')).lines).toEqual([elsewhere, fixture.firstLine, ...done.lines]);
    expect(Buffer.from(readSeen(join(dir, 'state'), fixture.trust.id))).toEqual(formatLines(done.lines));
    expect(read(list()).newest).toBe(read(join(dir, 'x', 'revocations.jws')).newest);
  });

  test('is one statement for all its selectors, by the revoker, at the time of signing', async () => {
    const selectors = [
      { kind: 'subject', value: 'dana' },
      { kind: 'all', value: null },
    ] as const;
    const done = await deny({ closing: signed({ selectors, before: 'now' }) });
    expect(done.lines).toHaveLength(1);
    expect(read(list()).statements.at(-1)).toMatchObject({ iat: now, allow: [], deny: done.added });
    expect(done.added).toEqual(
      selectors.map((selector) => ({
        ...selector,
        at: now,
        before: now + 1,
        by: 'erin',
        reason: 'the laptop is gone',
      })),
    );
  });

  test('is never one that a quorum has allowed, not even one that only this machine has seen allowed', async () => {
    const about = { at: now, before: null, by: 'erin', reason: 'the laptop is gone' };
    const entries = newDenials([{ kind: 'incident', value: 'inc-2026-001' }], about, new Set());
    const allow = await line({ allow: entries.map(denyEntrySha256) }, fixture.root);
    const stateDir = join(dir, 'state');
    mkdirSync(join(stateDir, 'seen'), { recursive: true, mode: 0o700 });
    writeFileSync(join(stateDir, 'seen', `${fixture.trust.id.slice(0, 8)}.jws`), formatLines([allow]));
    const done = await deny({ stateDir });
    expect(done.added).toMatchObject([{ at: now + 1 }]);
    expect(done.known.denials.find(token())).toEqual(done.added[0]);
    expect(done.lost).toBe(1);
  });

  test('begins a list that is not there', async () => {
    const done = await deny({ list: join(dir, 'new.jws') });
    expect(read(join(dir, 'new.jws')).lines).toEqual(done.lines);
  });

  test('drops no line that it does not understand', async () => {
    const odd = Buffer.from('a line of the year 2040\n\nhalf a li');
    writeFileSync(list(), Buffer.concat([odd, fixture.firstFile.subarray(0, 40)]));
    const done = await deny();
    expect(readFileSync(list(), 'latin1')).toMatch(/^a line of the year 2040\nhalf a li/);
    expect(done.written.badLines).toBe(2);
    expect(done.written.denials.find(token())).toEqual(done.added[0]);
  });
});

describe('a place that cannot be written is named, and everything else is done:', () => {
  test('a directory that is not there, and one whose list is a folder', async () => {
    mkdirSync(join(dir, 'odd', 'revocations.jws'), { recursive: true });
    mkdirSync(join(dir, 'good'));
    const done = await deny({ sendTo: [join(dir, 'gone'), join(dir, 'odd'), join(dir, 'good')] });
    expect(done.sent.map(({ error }) => error?.code ?? 'sent')).toEqual(['NOT_FOUND', 'BAD_INPUT', 'sent']);
    expect(read(join(dir, 'good', 'revocations.jws')).denials.find(token())).toBeDefined();
    expect(readdirSync(dir).sort()).toEqual(['good', 'odd', 'revocations.jws', 'state']);
  });

  test('a file system that takes no folders, without waiting for ever', async () => {
    const done = await deny({ sendTo: ['/proc'] });
    expect(done.sent[0]?.error?.code).toBe('IO');
  });

  test('the list itself: services get the denial all the same', async () => {
    mkdirSync(join(dir, 'good'));
    const done = await deny({ list: join(dir, 'gone', 'revocations.jws'), sendTo: [join(dir, 'good')] });
    expect(done.list.error?.code).toBe('NOT_FOUND');
    expect(done.sent[0]?.error).toBeNull();
    expect(read(join(dir, 'good', 'revocations.jws')).denials.find(token())).toEqual(done.added[0]);
  });

  test('the state directory', async () => {
    writeFileSync(join(dir, 'state'), 'a file');
    const done = await deny();
    expect(done.seen.error).not.toBeNull();
    expect(read(list()).denials.find(token())).toBeDefined();
  });
});

describe('a kill file', () => {
  const family = () => denial({ kind: 'family', value: exampleClaims(fixture).breakglass.family, by: 'mint' });

  test('denies its family without any key; once more changes nothing', async () => {
    const kill = formatLines([await line({ deny: [family()] })]);
    const closing: Closing = { kind: 'kill-file', file: openKillFile(kill, fixture.trust, 'inc.kill.jws') };
    const done = await deny({ closing });
    expect(done.added).toEqual([family()]);
    expect(done.before.denials.find(token())).toBeUndefined();
    expect(read(list()).denials.find(token())).toEqual(family());
    const bytes = readFileSync(list());
    expect(Buffer.from(mergeRevocations(fixture.firstFile, kill))).toEqual(bytes);
    await deny({ closing });
    expect(readFileSync(list())).toEqual(bytes);
  });

  test('that a quorum has allowed again denies nothing, and that is said', async () => {
    const allow = await line({ allow: [denyEntrySha256(family())] }, fixture.root);
    writeFileSync(list(), formatLines([fixture.firstLine, allow]));
    const file = openKillFile(formatLines([await line({ deny: [family()] })]), fixture.trust, 'inc.kill.jws');
    const done = await deny({ closing: { kind: 'kill-file', file } });
    expect(done.allowedAgain).toEqual([family()]);
    expect(done.known.denials.find(token())).toBeUndefined();
  });
});

describe('whose key it is', () => {
  const options = { what: 'erin.revoker.age', older: () => [] };
  const code = (work: () => unknown) => {
    try {
      return work();
    } catch (error) {
      return error;
    }
  };

  test('a revoker of the trust file', () => {
    expect(identifyRevoker(fixture.revoker, fixture.trust, options).label).toBe('erin');
  });

  test('a stranger, or the key of another trust, is refused by name', async () => {
    const other = await makeFixture('Ed25519', { name: 'Other Corp' });
    const found = code(() =>
      identifyRevoker(fixture.stranger, fixture.trust, { ...options, older: () => [other.trust] }),
    );
    expect(found).toMatchObject({ code: 'REVOKER_UNKNOWN', hint: expect.stringContaining('its revokers are erin') });
  });

  test('a key that an older version of the trust file lists is a retired one', () => {
    const newer = { ...fixture.trust, revokers: [] };
    const found = code(() => identifyRevoker(fixture.revoker, newer, { ...options, older: () => [fixture.trust] }));
    expect(found).toMatchObject({ code: 'REVOKER_RETIRED', message: expect.stringContaining('retired key of erin') });
  });
});
