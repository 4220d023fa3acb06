import { expect, test } from 'vitest';
import { openTrustHistory } from '../../src/trail/trust-history.ts';
import { openTrust, sealTrust } from '../../src/trust/trust-file.ts';
import { buildTrail, changeByte } from './build.ts';

async function threeVersions() {
  const trail = await buildTrail(2);
  await trail.change('rotate');
  await trail.change('policy');
  return trail;
}

test('versions in any order, repeated, are one history', async () => {
  const trail = await threeVersions();
  const history = openTrustHistory([...trail.trustFiles].reverse().concat(trail.trustFiles));
  expect(history.versions.map(({ payload }) => payload.version)).toEqual([1, 2, 3]);
  expect(history.newest.sha256).toBe(trail.trust.sha256);
  expect(history.refused).toEqual([]);
  expect(history.find(3, trail.trust.sha256)).toBe(history.newest);
  expect(history.find(2, trail.trust.sha256)).toBeUndefined();
});

test('a planted or spoilt file is refused by itself and hurts no other', async () => {
  const trail = await threeVersions();
  const other = await buildTrail(2, { name: 'Other', seed: 'other' });
  const planted = await sealTrust(
    { ...trail.trust.payload, version: 4, previous: trail.trust.sha256, root: other.trust.payload.root },
    other.keys.root,
  );
  const [first = new Uint8Array()] = trail.trustFiles;
  const history = openTrustHistory([...trail.trustFiles, planted, changeByte(first, 200)], openTrust(first));
  expect(history.newest.sha256).toBe(trail.trust.sha256);
  expect(history.refused).toHaveLength(2);
});

test('without the version between, the later one is refused; without version 1 the pinned one begins', async () => {
  const trail = await threeVersions();
  const [first = new Uint8Array(), second = new Uint8Array(), third = new Uint8Array()] = trail.trustFiles;
  expect(openTrustHistory([first, third]).newest.payload.version).toBe(1);
  const history = openTrustHistory([third], openTrust(second));
  expect(history.versions.map(({ payload }) => payload.version)).toEqual([2, 3]);
  expect(history.id).toBe(trail.trust.id);
  expect(() => openTrustHistory([second, third])).toThrow('no trust file of version 1');
});

test('two trusts need a pinned one', async () => {
  const [ours, other] = [await buildTrail(1), await buildTrail(1, { name: 'Other' })];
  const files = [...ours.trustFiles, ...other.trustFiles];
  expect(() => openTrustHistory(files)).toThrow('more than one trust');
  expect(openTrustHistory(files, other.trust).id).toBe(other.trust.id);
});
