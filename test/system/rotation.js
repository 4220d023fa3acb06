// The command line of a rotation without a terminal, its request prepared.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const people = ['alice', 'bob', 'carol'];

export async function rotationArguments(world, kind) {
  mkdirSync(join(world.dir, 'new-cards'));
  const places = ['--state', 'state', '--out', 'out', '--json'];
  const made = await world.breakglass(
    ...['rotate', kind, '--reason', 'the rotation of this quarter', '--prepare', 'rotation.json', ...places],
  );
  assert.equal(made.status, 0, made.stdout + made.stderr);
  const { fingerprint } = JSON.parse(made.stdout);
  const deal = kind === 'keys' ? [] : people.flatMap((label) => ['--card-dir', `${label}=new-cards`]);
  return [
    ...['rotate', kind, '--request', 'rotation.json', '--confirm', fingerprint.words.join(' '), '--head', 'none'],
    ...['--clock', now(), '--medium', 'a', '--medium', 'b', '--allow-fixed', ...places, ...deal],
    ...['--share', 'cards/alice.share', '--share', 'cards/bob.share'],
  ];
}

/** The same command line at another time. */
export function freshClock(rotation) {
  return rotation.map((value, at) => (rotation[at - 1] === '--clock' ? now() : value));
}

function now() {
  return new Date().toISOString().replace(/\.\d+/, '');
}
