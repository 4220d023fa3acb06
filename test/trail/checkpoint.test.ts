import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { createTree, openCheckpoint, openCosignature, sealCosignature } from '../../src/trail/checkpoint.ts';
import { auditorKey, buildTrail, changeByte, fixedEd25519 } from './build.ts';

/** RFC 6962 §2.1, word for word: another implementation than the one under test. */
function recursiveRoot(leaves: readonly Uint8Array[]): Buffer {
  const hash = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
  const [only] = leaves;
  if (!only) return hash();
  if (leaves.length === 1) return hash(Uint8Array.of(0), only);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash(Uint8Array.of(1), recursiveRoot(leaves.slice(0, split)), recursiveRoot(leaves.slice(split)));
}

test('the growing tree has the tree hash of RFC 6962 at every size', () => {
  const tree = createTree();
  const leaves: Uint8Array[] = [];
  for (let size = 0; size <= 70; size++) {
    expect(tree.size).toBe(size);
    expect(Buffer.from(tree.root())).toEqual(recursiveRoot(leaves));
    const leaf = Buffer.from(`leaf ${size}`);
    leaves.push(leaf);
    tree.add(leaf);
  }
});

test('the tree hash of the vector of RFC 6962 implementations', () => {
  const tree = createTree();
  for (const hex of [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ])
    tree.add(Buffer.from(hex, 'hex'));
  expect(Buffer.from(tree.root()).toString('hex')).toBe(
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  );
});

test('a checkpoint opens to its size and root; by a retired trail key too', async () => {
  const trail = await buildTrail(5);
  const bytes = await trail.checkpoint();
  const checkpoint = openCheckpoint(bytes, trail.trust);
  expect(checkpoint).toMatchObject({ trustId: trail.trust.id, size: 5 });
  expect(Buffer.from(checkpoint.root)).toEqual(recursiveRoot(trail.files));
  await trail.change('rotate');
  expect(openCheckpoint(bytes, trail.trust).size).toBe(5);
});

test('any changed byte of a checkpoint is refused, and so is one by another key or of another trail', async () => {
  const trail = await buildTrail(2);
  const bytes = await trail.checkpoint();
  for (let offset = 0; offset < bytes.length; offset++)
    expect(() => openCheckpoint(changeByte(bytes, offset), trail.trust)).toThrow('checkpoint is refused');
  expect(() => openCheckpoint(Buffer.concat([bytes, Buffer.from('\n')]), trail.trust)).toThrow('checkpoint is refused');
  const other = await buildTrail(2, { name: 'Other' });
  expect(() => openCheckpoint(bytes, other.trust)).toThrow('it is of another trail');
  expect(() => openCheckpoint(bytes, { id: trail.trust.id, keys: other.trust.keys })).toThrow(
    'not signed by a trail key',
  );
});

test('a cosignature opens to its auditor and time, for this checkpoint and this auditor only', async () => {
  const trail = await buildTrail(3);
  const checkpoint = openCheckpoint(await trail.checkpoint(), trail.trust);
  const earlier = openCheckpoint(await trail.checkpoint(2), trail.trust);
  const line = await sealCosignature(checkpoint, { label: 'grace', key: auditorKey }, 1_769_999_999);
  const { auditors } = trail.trust;
  expect(openCosignature(line, checkpoint, auditors)).toEqual({ auditor: 'grace', time: 1_769_999_999 });
  expect(() => openCosignature(line, earlier, auditors)).toThrow('cosignature of auditor grace is wrong');
  expect(() => openCosignature(line, checkpoint, [])).toThrow('by nobody among the auditors');
  const forged = await sealCosignature(
    checkpoint,
    { label: 'grace', key: await fixedEd25519('forger') },
    1_769_999_999,
  );
  expect(() => openCosignature(forged, checkpoint, auditors)).toThrow('not by the key of auditor grace');
  for (let offset = 0; offset < line.length; offset++)
    expect(() => openCosignature(changeByte(line, offset), checkpoint, auditors)).toThrow('checkpoint is refused');
});
