import { beforeAll, describe, expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import type { SigningKey } from '../../src/key/derive.ts';
import { readUseLogs } from '../../src/use/use-chain.ts';
import { aUse, chain, closed, genesisOf, guardKey, opened, read, trailId, trustId, usesOf } from './fixture.ts';

let key: SigningKey;
/** genesis, opened, three uses in a record each, closed. */
let lines: Buffer[];
const all = ['/rows/1', '/rows/2', '/rows/3'];
const join = (...some: readonly (Buffer | undefined)[]) => Buffer.concat(some.map((one) => one ?? Buffer.alloc(0)));
const whole = () => join(...lines);
const known = () => [key.public];

beforeAll(async () => {
  key = await guardKey();
  lines = await chain(key, [genesisOf(key), opened, ...[1, 2, 3].map((n) => usesOf(aUse(n))), closed]);
});

describe('a log that nothing happened to', () => {
  test('gives every use once, in order, and what its genesis says', () => {
    const { routes, logs, codes } = read({ 'uses.jws': whole() }, known());
    expect(codes).toEqual([]);
    expect(routes).toEqual(all);
    expect(logs).toEqual([
      {
        trail: trailId,
        genesis: { name: 'db', trust: trustId, audience: 'https://db.example.com' },
        key: key.public,
        keyKnown: true,
        head: { seq: 5, sha256: sha256Hex(lines[5] ?? ''), time: '2026-02-01T00:00:00Z' },
        closed: true,
        omitted: new Map(),
      },
    ]);
  });

  test('reads the same in rotated files of any order, with copies, in one file twice, and in pieces of a few bytes', () => {
    const [first, second] = [join(...lines.slice(0, 3)), join(...lines.slice(3))];
    for (const files of [
      { 'uses.jws': second, 'uses-00000000.jws': first },
      { a: first, b: second, copy: whole() },
      { copy: join(...lines.slice(1, 4)), a: first, b: second },
      { twice: join(whole(), whole()) },
      { backwards: join(second, first) },
    ]) {
      const { routes, codes } = read(files, known());
      expect(codes).toEqual([]);
      expect(routes).toEqual(all);
    }
    const routes: string[] = [];
    const bytes = whole();
    const pieces = {
      name: 'pieces',
      *read(position: number) {
        for (let at = position; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
      },
    };
    const { findings } = readUseLogs([pieces], { keys: known(), onUse: ({ use }) => routes.push(use.route) });
    expect([routes, findings]).toEqual([all, []]);
  });

  test('is judged by the key that it names itself where nobody knows the key, and that is said', async () => {
    for (const keys of [[], [(await guardKey(2)).public]]) {
      const { routes, logs, codes } = read({ 'uses.jws': whole() }, keys);
      expect(codes).toEqual(['USE_KEY_UNKNOWN']);
      expect(routes).toEqual(all);
      expect(logs[0]?.keyKnown).toBe(false);
    }
  });

  test('beside another log of the same guard is kept apart from it', async () => {
    const other = await chain(key, [genesisOf(key), usesOf(aUse(9)), closed], {
      seq: 0,
      prev: null,
      trail: '8'.repeat(64),
    });
    const { routes, logs, codes } = read({ one: join(whole(), ...other) }, known());
    expect(codes).toEqual([]);
    expect(routes).toEqual([...all, '/rows/9']);
    expect(logs.map(({ trail }) => trail)).toEqual([trailId, '8'.repeat(64)]);
  });
});

describe('a record that was taken out', () => {
  test('is named, one or several, and the rest still counts', () => {
    const one = read({ 'uses.jws': join(...lines.slice(0, 3), ...lines.slice(4)) }, known());
    expect(one.findings).toMatchObject([{ code: 'USE_LINE_MISSING', severity: 'incomplete', seq: 3, trail: trailId }]);
    expect(one.findings[0]?.message).toBe('use log 77777777, record 3: record 3 is on no copy');
    expect(one.routes).toEqual(['/rows/1', '/rows/3']);
    const two = read({ 'uses.jws': join(...lines.slice(0, 2), ...lines.slice(4)) }, known());
    expect(two.findings[0]?.message).toContain('records 2 to 3 are on no copy');
  });

  test('is no finding where another copy has it', () => {
    const { routes, codes } = read(
      { a: join(...lines.slice(0, 3), ...lines.slice(4)), b: join(...lines.slice(3, 4)) },
      known(),
    );
    expect([routes, codes]).toEqual([all, []]);
  });

  test('LIMIT: at the end shows by the missing closed, and nothing else can show it', () => {
    const { codes, logs } = read({ 'uses.jws': join(...lines.slice(0, 4)) }, known());
    expect(codes).toEqual(['USE_END_OPEN']);
    expect(logs[0]).toMatchObject({ closed: false, head: { seq: 3 } });
  });

  test('at the beginning leaves a log that does not begin; without the key nothing of it counts', () => {
    const file = { 'uses.jws': join(...lines.slice(2)) };
    expect(read(file, known())).toMatchObject({ codes: ['USE_GENESIS_MISSING'], routes: all });
    expect(read(file)).toMatchObject({ codes: ['USE_GENESIS_MISSING', 'USE_KEY_UNKNOWN'], routes: [] });
  });
});

describe('a record that is not the guard’s', () => {
  test('changed in one byte is a wrong signature or no record, and gives no use', () => {
    const line = lines[3] ?? Buffer.alloc(0);
    for (let at = 0; at < line.length; at += 13) {
      const changed = Buffer.from(line);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const { routes, findings } = read(
        { 'uses.jws': join(...lines.slice(0, 3), changed, ...lines.slice(4)) },
        known(),
      );
      expect(routes).toEqual(['/rows/1', '/rows/3']);
      expect(findings.some(({ severity }) => severity === 'tampered')).toBe(true);
    }
  });

  test('is told even when a copy is right, which counts', () => {
    const changed = Buffer.from(lines[3] ?? '');
    changed[changed.length - 3] = changed[changed.length - 3] === 65 ? 66 : 65;
    const bad = join(...lines.slice(0, 3), changed, ...lines.slice(4));
    const { routes, findings } = read({ bad, good: whole() }, known());
    expect(routes).toEqual(all);
    expect(findings).toMatchObject([{ severity: 'tampered', seq: 3, file: 'bad' }]);
  });

  test('signed by another key gives no use', async () => {
    const other = await guardKey(2);
    const forged = await chain(other, [usesOf(aUse(9))], { seq: 3, prev: sha256Hex(lines[2] ?? '') });
    const { routes, codes } = read({ 'uses.jws': join(...lines.slice(0, 3), ...forged, ...lines.slice(4)) }, known());
    expect(codes).toEqual(['USE_OTHER_KEY', 'USE_CHAIN_BROKEN']);
    expect(routes).toEqual(['/rows/1', '/rows/3']);
  });

  test('and a genesis by another key does not put itself before the known one', async () => {
    const other = await guardKey(2);
    const forged = await chain(other, [genesisOf(other), usesOf(aUse(9)), closed]);
    const { routes, logs, codes } = read({ forged: join(...forged), real: whole() }, known());
    expect(routes).toEqual(all);
    expect(logs[0]?.key?.kid).toBe(key.kid);
    expect(new Set(codes)).toEqual(new Set(['USE_OTHER_KEY']));
  });
});

describe('what the guard itself signed wrongly', () => {
  test('two lines at one place are a fork, and the uses of both count', async () => {
    const fork = await chain(key, [usesOf(aUse(9)), closed], { seq: 4, prev: sha256Hex(lines[3] ?? '') });
    const { routes, findings } = read({ a: whole(), b: join(...fork) }, known());
    expect(routes).toEqual([...all, '/rows/9']);
    expect(findings).toMatchObject([
      { code: 'USE_LOG_FORKED', seq: 4 },
      { code: 'USE_LOG_FORKED', seq: 5 },
    ]);
  });

  test('a line that names another one before it breaks the chain', async () => {
    const rest = await chain(key, [usesOf(aUse(9)), closed], { seq: 3, prev: '0'.repeat(64) });
    const { routes, codes } = read({ 'uses.jws': join(...lines.slice(0, 3), ...rest) }, known());
    expect([routes, codes]).toEqual([['/rows/1', '/rows/9'], ['USE_CHAIN_BROKEN']]);
  });

  test('a genesis in the middle, and a log that begins with something else', async () => {
    const middle = await chain(key, [genesisOf(key), closed], { seq: 3, prev: sha256Hex(lines[2] ?? '') });
    expect(read({ a: join(...lines.slice(0, 3), ...middle) }, known()).codes).toEqual(['USE_GENESIS_WRONG']);
    expect(read({ a: join(...(await chain(key, [opened, closed]))) }, known()).codes).toEqual(['USE_GENESIS_WRONG']);
  });
});

describe('a torn last line', () => {
  const torn = () => (lines[4] ?? Buffer.alloc(0)).subarray(0, 300);

  test('is a warning: a use may be lost', () => {
    const { routes, findings } = read({ 'uses.jws': join(...lines.slice(0, 4), torn()) }, known());
    expect(routes).toEqual(['/rows/1', '/rows/2']);
    expect(findings).toMatchObject([
      { code: 'USE_END_OPEN' },
      { code: 'USE_LINE_TORN', severity: 'warning', trail: trailId, seq: 4, file: 'uses.jws' },
    ]);
  });

  test('is a note where another copy has the line whole', () => {
    const { routes, findings } = read({ a: join(...lines.slice(0, 4), torn()), b: whole() }, known());
    expect(routes).toEqual(all);
    expect(findings).toMatchObject([{ code: 'USE_LINE_MENDED', severity: 'note', file: 'a' }]);
  });

  test('is a note where the log names it, and its bytes are those', async () => {
    const name = (bytes: Uint8Array) =>
      ({ type: 'recovered', file: 'uses-00000000.jws', bytes: bytes.length, sha256: sha256Hex(bytes) }) as const;
    const from = { seq: 4, prev: sha256Hex(lines[3] ?? '') };
    const away = join(...lines.slice(0, 4), torn());
    const mended = await chain(key, [name(torn()), usesOf(aUse(3)), closed], from);
    expect(read({ away, now: join(...mended) }, known())).toMatchObject({ codes: ['USE_LINE_MENDED'], routes: all });
    const other = await chain(key, [name(Buffer.from('x')), usesOf(aUse(3)), closed], from);
    expect(read({ away, now: join(...other) }, known()).codes).toEqual(['USE_LINE_TORN']);
  });
});

describe('a hostile file', () => {
  test.each([
    ['an empty one', Buffer.alloc(0), ['USE_LOG_EMPTY']],
    [
      'random bytes',
      Buffer.from(Array.from({ length: 5000 }, (_, n) => (n * 7919) % 251)),
      ['USE_LINE_FORM', 'USE_LINE_TORN'],
    ],
    ['one line of 3 MiB', Buffer.concat([Buffer.alloc(3 * 1024 * 1024, 65), Buffer.from('\n')]), ['USE_LINE_FORM']],
    ['dots and line feeds', Buffer.from('..\n.\n\n...\n'), ['USE_LINE_FORM']],
  ])('%s gives no use and no crash', (_, bytes, codes) => {
    const found = read({ hostile: bytes, 'uses.jws': whole() }, known());
    expect(found.routes).toEqual(all);
    expect(new Set(found.codes)).toEqual(new Set(codes));
  });

  test('a line that says in its text where it belongs and is of another form is named at its place', () => {
    const payload = `{"seq":3,"trail":"${trailId}","x":1}`;
    const line = Buffer.from(
      `${lines[3]?.toString().split('.')[0]}.${Buffer.from(payload).toString('base64url')}.${'A'.repeat(86)}\n`,
    );
    const { findings } = read({ hostile: line, 'uses.jws': whole() }, known());
    expect(findings).toMatchObject([{ code: 'USE_LINE_FORM', seq: 3, file: 'hostile' }]);
  });

  test('a hundred findings of a code are kept, and how many more there are', () => {
    const { findings } = read({ hostile: Buffer.from('x\n'.repeat(1000)) });
    expect(findings).toHaveLength(101);
    expect(findings.at(-1)?.message).toBe('900 more findings USE_LINE_FORM are not listed');
  });

  test('with a search pattern that never ends is read in no time', () => {
    const payload = Buffer.from(`{${'"seq":1,'.repeat(60_000)}`).toString('base64url');
    const bytes = Buffer.from(`e30.${payload}.AA\n`);
    expect(read({ hostile: bytes }).codes).toEqual(['USE_LINE_FORM']);
  });
});

test('files are let go of, and never more than a few are open, whatever order the lines stand in', () => {
  let [open, most] = [0, 0];
  const held = (name: string, bytes: Uint8Array) => ({
    name,
    *read(position: number) {
      most = Math.max(most, ++open);
      try {
        for (let at = position; at < bytes.length; at += 500) yield bytes.subarray(at, at + 500);
      } finally {
        open--;
      }
    },
  });
  const pairs = join(...Array.from({ length: 300 }, () => join(...lines.slice(2, 4))));
  const routes: string[] = [];
  const files = [held('first', join(...lines.slice(0, 3))), held('pairs', pairs), held('whole', whole())];
  const { findings } = readUseLogs(files, { keys: known(), onUse: ({ use }) => routes.push(use.route) });
  expect([routes, findings]).toEqual([all, []]);
  expect(open).toBe(0);
  expect(most).toBeLessThan(20);
});

test('denials that are counted and not listed are a note', async () => {
  const omitted = [{ code: 'TOKEN_SIGNATURE', count: 980 } as const];
  const log = await chain(key, [
    genesisOf(key),
    { type: 'uses', uses: [], omitted },
    { type: 'uses', uses: [], omitted },
    closed,
  ]);
  const { findings, logs } = read({ 'uses.jws': join(...log) }, known());
  expect(findings).toMatchObject([{ code: 'USE_OMITTED', severity: 'note' }]);
  expect(logs[0]?.omitted).toEqual(new Map([['TOKEN_SIGNATURE', 1960]]));
});
