import { expect, test } from 'vitest';
import { findBreaches, readSources, rooms } from './structure.ts';

const sources = readSources('src');

test('imports point downwards, pure rooms stay pure, a package lives in one room', () => {
  expect(findBreaches(sources)).toEqual([]);
});

test('every room is there and every import was seen', () => {
  const seen = new Set(sources.map(({ path }) => path.split('/')[0]?.replace('.ts', '')));
  expect([...seen].sort()).toEqual([...rooms].sort());
  expect(sources.length).toBeGreaterThan(100);
});

test.each([
  [
    'an import upwards',
    { path: 'token/planted.ts', text: "import { mint } from '../ceremony/mint.ts';" },
    'imports upwards, from ceremony',
  ],
  [
    'a lazy import upwards',
    { path: 'key/planted.ts', text: "const x = await import('../share/card.ts');" },
    'imports upwards, from share',
  ],
  [
    'a type import upwards',
    { path: 'base/planted.ts', text: "import type { Trust } from '../trust/trust-file.ts';" },
    'imports upwards, from trust',
  ],
  [
    'an import over several lines',
    { path: 'base/planted.ts', text: "import {\n  a,\n  b,\n} from '../trust/policy.ts';" },
    'imports upwards, from trust',
  ],
  [
    'a file system in a pure room',
    { path: 'trail/planted.ts', text: "import { readFileSync } from 'node:fs';" },
    'imports node:fs',
  ],
  [
    'a clock in a pure room',
    { path: 'token/planted.ts', text: 'export const now = () => Date.now();' },
    'uses Date.now',
  ],
  [
    'randomness in a pure room',
    { path: 'share/planted.ts', text: 'export const bytes = randomBytes(16);' },
    'uses randomBytes(',
  ],
  [
    'a package in a second room',
    { path: 'token/planted.ts', text: "import { CompactSign } from 'jose';" },
    'package jose is imported in more than one room',
  ],
  [
    'a socket',
    { path: 'guard/planted.ts', text: "import { connect } from 'node:net';" },
    'imports node:net: nothing here makes sockets',
  ],
  [
    'a request in another file than the one that may',
    { path: 'guard/planted.ts', text: "const answer = await fetch('https://example.com');" },
    'uses the network, which is for guard/sources/source.ts',
  ],
  ['a file in no room', { path: 'utils/planted.ts', text: '' }, 'is in no room'],
])('a planted violation is caught: %s', (_, planted, breach) => {
  expect(findBreaches([...sources, planted]).join('\n')).toContain(breach);
});
