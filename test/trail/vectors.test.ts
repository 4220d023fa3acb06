import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sha256Hex } from '../../src/base/bytes.ts';
import { openCheckpoint } from '../../src/trail/checkpoint.ts';
import { openRecordFile } from '../../src/trail/record-file.ts';
import { buildTrail } from './build.ts';
import { judge } from './judge.ts';

const frozen = (name: string) => readFileSync(new URL(`../testdata/vectors/trail/${name}`, import.meta.url));

const names = ['00000000.JWS', '00000001.JWS', '00000002.JWS'];

test('fixed seed, clock and randomness give the frozen bytes: trust file, genesis, mint.issued, mint.released, checkpoint', async () => {
  const trail = await buildTrail(3);
  const files = await trail.folder();
  for (const name of ['T0000001.TXT', ...names, 'C0000003.TXT'])
    expect(Buffer.from(files.get(name) ?? []).toString('latin1')).toBe(frozen(name).toString('latin1'));
});

test('the frozen trail is read as it was on the day it was frozen', async () => {
  const trustFiles = [frozen('T0000001.TXT')];
  const files = names.map(frozen);
  const result = await judge({ trustFiles }, files);
  expect(result.findings).toEqual([]);
  expect(files.map((bytes) => openRecordFile(bytes, 'record').record.type)).toEqual([
    'genesis',
    'mint.issued',
    'mint.released',
  ]);
  expect(files.map((bytes) => sha256Hex(bytes))).toEqual([
    '5adfb64a2f93b877c7572de80110f0cbf95fcefb1e051dc3238dcc07c1efe967',
    '63b5fcd979d89f8e8efffcb35b80f3f9b7958a4e14420233be01ef4c00cd6c3d',
    'e5fbe84e1d26a6718473dc79136d04f54dcb8edf99ca0f3be13b1886a735a3b8',
  ]);
  const { openTrust } = await import('../../src/trust/trust-file.ts');
  expect(openCheckpoint(frozen('C0000003.TXT'), openTrust(trustFiles[0] ?? new Uint8Array())).size).toBe(3);
});
