import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import {
  clearVoidDeal,
  type InitJournal,
  readInitJournal,
  refuseOccupied,
  removeInitJournal,
  writeInitJournal,
} from '../../src/ceremony/init-journal.ts';
import { scratch } from './fixture.ts';

const { dir, remove } = scratch('journal');
afterAll(remove);

let count = 0;
let stateDir: string;
beforeEach(() => {
  stateDir = join(dir, String(count++));
  mkdirSync(stateDir);
});

const journal: InitJournal = {
  v: 1,
  phase: 'dealing',
  startedAt: '2026-01-31T12:00:00Z',
  setId: 'abcde',
  outDir: '/out',
  shareFiles: [],
  media: [{ path: '/a', label: 'a', medium: 'A'.repeat(22) }],
};

test('a journal is read as it was written, for its owner only, and is gone when it is removed', () => {
  expect(readInitJournal(stateDir)).toBeUndefined();
  writeInitJournal(stateDir, journal);
  writeInitJournal(stateDir, { ...journal, phase: 'writing' });
  expect(readInitJournal(stateDir)).toEqual({ ...journal, phase: 'writing' });
  expect(statSync(join(stateDir, 'init.json')).mode & 0o777).toBe(0o600);
  removeInitJournal(stateDir);
  expect(readdirSync(stateDir)).toEqual([]);
});

test('clearing a void deal away takes what init makes and its share files, and nothing else', () => {
  const card = join(dir, 'alice.share');
  const made = ['trust', 'trail', 'pending', 'recorder.key', 'revocations.jws', 'high-water.json', 'media.json'];
  const others = ['lock', 'pinned.jws', 'seen', 'documents', 'trust.bak', 'init.json.tmp', 'a.0123456789ab.tmp'];
  for (const name of [...made, ...others, 'init.json.0123456789ab.tmp']) writeFileSync(join(stateDir, name), name);
  writeFileSync(card, 'bg1…');
  clearVoidDealOf([card, join(dir, 'never-written.share')]);
  expect(readdirSync(stateDir).sort()).toEqual(others.sort());
  expect(existsSync(card)).toBe(false);
});

function clearVoidDealOf(shareFiles: string[]): void {
  writeInitJournal(stateDir, journal);
  clearVoidDeal(stateDir, { ...journal, shareFiles });
}

test('a directory is free for an init while it holds only what is no part of one', () => {
  for (const name of ['lock', 'pinned.jws', 'init.json.0123456789ab.tmp']) writeFileSync(join(stateDir, name), '');
  expect(() => refuseOccupied(stateDir)).not.toThrow();
  mkdirSync(join(stateDir, 'pending'));
  expect(() => refuseOccupied(stateDir)).toThrow('holds pending already');
});
