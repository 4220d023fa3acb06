import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { canonicalJson } from '../../src/base/canonical.ts';
import { addPending, type PendingMembers, readPending, removePending } from '../../src/machine/pending.ts';
import { temporaryFolder } from './child.ts';
import { checkedShare } from './fixture.ts';

let dir: string;
beforeEach(() => {
  dir = join(temporaryFolder(), 'pending');
});

const of = (custodian: string): PendingMembers => ({ ...checkedShare, custodian }) as PendingMembers;

test('records come back in the order in which they were added, past ten', () => {
  const people = Array.from({ length: 12 }, (_, n) => `person-${n}`);
  for (const person of people) addPending(dir, of(person));
  expect(readPending(dir).records.map(({ members }) => members)).toEqual(people.map(of));
});

test('a number is not used again while a later one waits', () => {
  const names = ['alice', 'bob'].map((person) => addPending(dir, of(person)));
  removePending(dir, names[0] ?? '');
  expect(addPending(dir, of('carol'))).toBe('00000003.json');
});

test('the file is canonical JSON and one line feed', () => {
  const name = addPending(dir, checkedShare);
  expect(readFileSync(join(dir, name), 'utf8')).toMatch(/^\{"anomalies":\[\],"code":null,"custodian":"alice",.*\}\n$/);
});

test('no folder is no record', () => {
  expect(readPending(dir)).toEqual({ records: [], setAside: [] });
});

test('removing one that is gone is fine, and another name is a bug', () => {
  addPending(dir, checkedShare);
  removePending(dir, '00000007.json');
  expect(() => removePending(dir, '../recorder.key')).toThrow(TypeError);
});

test('what is no recorder record is not taken', () => {
  const wrong: unknown[] = [
    {},
    { ...checkedShare, type: 'genesis' },
    { ...checkedShare, more: 1 },
    { ...checkedShare, time: 'now' },
  ];
  for (const members of wrong) expect(() => addPending(dir, members as PendingMembers)).toThrow(TypeError);
  expect(readPending(dir).records).toEqual([]);
});

const spelled = (value: object) => `${canonicalJson(value)}\n`;
const good = spelled(checkedShare);
test.each([
  ['torn', good.slice(0, 50)],
  ['empty', ''],
  ['not JSON', 'x'],
  ['not an object', '[]\n'],
  ['in another spelling', `${good}\n`],
  ['without its line feed', good.trimEnd()],
  ['of a type that is none', spelled({ ...checkedShare, type: 'share.eaten' })],
  ['with a member of its own', good.replace('{', '{"__proto__":1,')],
  ['already placed', spelled({ ...checkedShare, seq: 1 })],
])('a file that is %s is set aside, and the records beside it count', (_, text) => {
  addPending(dir, of('alice'));
  writeFileSync(join(dir, '00000002.json'), text);
  addPending(dir, of('bob'));
  const found = readPending(dir);
  expect(found.records.map(({ name }) => name)).toEqual(['00000001.json', '00000003.json']);
  expect(found.setAside).toEqual(['00000002.bad']);
  expect(readFileSync(join(dir, '00000002.bad'), 'utf8')).toBe(text);
  expect(readPending(dir).setAside).toEqual([]);
});

test('what was set aside before is not overwritten', () => {
  mkdirSync(dir);
  writeFileSync(join(dir, '00000001.bad'), 'before');
  writeFileSync(join(dir, '00000001.json'), 'torn');
  expect(readPending(dir).setAside).toEqual(['00000001.bad2']);
  expect(readdirSync(dir).sort()).toEqual(['00000001.bad', '00000001.bad2']);
});
