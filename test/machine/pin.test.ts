import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { addSeen, readPin, readSeen, writePin } from '../../src/machine/pin.ts';
import { bundleProgram, finish, startShell, temporaryFolder } from './child.ts';
import { firstTrust, nextTrust, refusal } from './fixture.ts';

let dir: string;
beforeEach(() => {
  dir = join(temporaryFolder(), 'state');
});

describe('the pin', () => {
  test('is nothing before the first, and stays', async () => {
    expect(readPin(dir)).toBeUndefined();
    const trust = await firstTrust();
    writePin(dir, trust);
    writePin(dir, trust);
    expect(readPin(dir)?.sha256).toBe(trust.sha256);
    expect(readdirSync(join(dir, 'seen', 'lock'))).toEqual([]);
  });

  test('moves to a newer version, never back, and never to another trust', async () => {
    const first = await firstTrust();
    const second = await nextTrust(first);
    writePin(dir, first);
    writePin(dir, second);
    expect(refusal(() => writePin(dir, first)).code).toBe('TRUST_OLDER');
    const other = await firstTrust('Other Corp');
    expect(refusal(() => writePin(dir, other))).toMatchObject({
      code: 'TRUST_OTHER',
      hint: expect.stringContaining(`remove ${join(dir, 'pinned.jws')} first`),
    });
    expect(readPin(dir)?.sha256).toBe(second.sha256);
  });

  test('that is damaged is refused by name and not replaced', async () => {
    const trust = await firstTrust();
    writePin(dir, trust);
    writeFileSync(join(dir, 'pinned.jws'), 'torn');
    for (const act of [() => readPin(dir), () => writePin(dir, trust)]) {
      expect(refusal(act)).toMatchObject({
        code: 'STATE_DAMAGED',
        message: `${join(dir, 'pinned.jws')} is not a trust file`,
      });
    }
    expect(readFileSync(join(dir, 'pinned.jws'), 'utf8')).toBe('torn');
  });
});

describe('statements once seen', () => {
  const [one, two] = ['1'.repeat(64), '2'.repeat(64)];
  const seen = (trustId: string) => Buffer.from(readSeen(dir, trustId)).toString();

  test('are never forgotten, whatever a source says later', () => {
    addSeen(dir, one, Buffer.from('a.b.c\nd.e.f\n'));
    addSeen(dir, one, Buffer.from('d.e.f\n'));
    addSeen(dir, one, Buffer.from(''));
    const all = addSeen(dir, one, Buffer.from('g.h.i\n'));
    expect(Buffer.from(all).toString()).toBe('a.b.c\nd.e.f\ng.h.i\n');
    expect(seen(one)).toBe('a.b.c\nd.e.f\ng.h.i\n');
  });

  test('are kept for each trust apart', () => {
    addSeen(dir, one, Buffer.from('a.b.c\n'));
    addSeen(dir, two, Buffer.from('d.e.f\n'));
    expect([seen(one), seen(two)]).toEqual(['a.b.c\n', 'd.e.f\n']);
    expect(readdirSync(join(dir, 'seen')).sort()).toEqual(['11111111.jws', '22222222.jws', 'lock']);
  });

  test('nothing new writes nothing, so that a read-only state directory does', () => {
    expect(addSeen('/proc/nowhere', one, new Uint8Array(0))).toEqual(new Uint8Array(0));
  });

  test('of many verifiers at once are all kept', async () => {
    const program = bundleProgram(
      temporaryFolder(),
      'verifier',
      `import { addSeen } from './pin.ts';
       const [, , dir = '', id = '', name = ''] = process.argv;
       for (let turn = 0; turn < 10; turn++) addSeen(dir, id, Buffer.from(name + '.' + turn + '.x\\n'));`,
    );
    const runs = ['a', 'b', 'c'].map((name) => finish(startShell(`exec "$NODE" ${program} ${dir} ${one} ${name}`)));
    for (const { status, stderr } of await Promise.all(runs)) expect([status, stderr]).toEqual([0, '']);
    expect(seen(one).split('\n').filter(Boolean)).toHaveLength(30);
  });
});
