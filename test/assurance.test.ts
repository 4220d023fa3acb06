import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync('docs/assurance.md', 'utf8');

test('every file that the assurance page names exists', () => {
  const paths = [...page.matchAll(/`((?:src|test|docs|bin)\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
  expect(paths.length).toBeGreaterThan(50);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});

test('every test that the assurance page names is in the file that it names', () => {
  const cited = [...page.matchAll(/`(test\/[\w./-]+)` "([^"]+)"/g)].map(([, path = '', name = '']) => ({ path, name }));
  expect(cited.length).toBeGreaterThan(25);
  expect(cited.filter(({ path, name }) => !readFileSync(path, 'utf8').includes(name))).toEqual([]);
});

test('every promise has code and a test that refuses', () => {
  const sections = page.split(/^### /m).slice(1);
  expect(sections.map((section) => section.split(' ')[0])).toEqual(
    Array.from({ length: 10 }, (_, number) => `P${number + 1}`),
  );
  for (const section of sections) {
    expect(section).toContain('Code: ');
    expect(section).toContain('- refuses: ');
  }
});
